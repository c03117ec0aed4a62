(box, rows, { svg, html }) => {
  const [low, high] = rows[0].range;
  // A square of the plane, player 1 to the right and player 2 upwards.
  const square = (title) => {
    const figure = html("figure", "", box);
    const frame = svg("svg", { viewBox: `${low} ${-high} ${high - low} ${high - low}`, role: "img" }, figure);
    svg("title", {}, frame).textContent = title;
    html("figcaption", "", figure, `${title}; player 1 to the right, player 2 upwards, ${low} to ${high}`);
    return frame;
  };
  const axes = (frame) => {
    svg("line", { class: "axis", x1: low, x2: high, y1: 0, y2: 0 }, frame);
    svg("line", { class: "axis", x1: 0, x2: 0, y1: low, y2: high }, frame);
  };
  const basins = (name) => {
    const size = rows[0].basins[name].length;
    const side = (high - low) / size;
    const frame = square(`Starts that end in ${name}`);
    const cells = rows[0].basins[name].map((line, r) =>
      line.map((_, c) => svg("rect", {
        class: "cell", x: low + c * side, y: high - (r + 1) * side - high - low, width: side, height: side,
      }, frame)));
    axes(frame);
    return (v) => rows[v].basins[name].forEach((line, r) =>
      line.forEach((share, c) => cells[r][c].setAttribute("fill-opacity", share)));
  };
  const trajectories = () => {
    const radius = (high - low) / 110;
    const frame = square("Trajectories of learning");
    axes(frame);
    const group = svg("g", {}, frame);
    return (v) => {
      group.replaceChildren();
      for (const path of rows[v].paths) {
        if (!path.length) continue;
        svg("polyline", { class: "path", points: path.map(([x, y]) => `${x},${-y}`).join(" ") }, group);
        const [first, last] = [path[0], path[path.length - 1]];
        svg("circle", { class: "from", cx: first[0], cy: -first[1], r: radius }, group);
        svg("circle", { class: "to", cx: last[0], cy: -last[1], r: radius }, group);
      }
    };
  };
  const panels = [...Object.keys(rows[0].basins).map(basins), trajectories()];
  return (v) => panels.forEach((panel) => panel(v));
}
