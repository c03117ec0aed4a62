"use strict";
// The slider: every panel shows the setting at which it stands.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const slider = document.getElementById("setting");

  const svg = (name, attributes, parent) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return parent.appendChild(element);
  };
  const html = (name, className, parent, text = "") => {
    const element = parent.appendChild(document.createElement(name));
    element.className = className;
    element.textContent = text;
    return element;
  };

  // A square of the plane, player 1 to the right and player 2 upwards.
  const square = (title) => {
    const [low, high] = data.plane.range;
    const figure = html("figure", "", document.getElementById("plane"));
    const frame = svg("svg", { viewBox: `${low} ${-high} ${high - low} ${high - low}`, role: "img" }, figure);
    svg("title", {}, frame).textContent = title;
    html("figcaption", "", figure, `${title}; player 1 to the right, player 2 upwards, ${low} to ${high}`);
    return frame;
  };
  const axes = (frame) => {
    const [low, high] = data.plane.range;
    svg("line", { class: "axis", x1: low, x2: high, y1: 0, y2: 0 }, frame);
    svg("line", { class: "axis", x1: 0, x2: 0, y1: low, y2: high }, frame);
  };

  const basins = ([name, settings]) => {
    const [low, high] = data.plane.range;
    const size = settings[0].length;
    const side = (high - low) / size;
    const frame = square(`Starts that end in ${name}`);
    const cells = settings[0].map((row, r) =>
      row.map((_, c) => svg("rect", {
        class: "cell", x: low + c * side, y: high - (r + 1) * side - high - low, width: side, height: side,
      }, frame)));
    axes(frame);
    return (v) => settings[v].forEach((row, r) =>
      row.forEach((share, c) => cells[r][c].setAttribute("fill-opacity", share)));
  };

  const trajectories = () => {
    const [low, high] = data.plane.range;
    const radius = (high - low) / 110;
    const frame = square("Trajectories of learning");
    axes(frame);
    const group = svg("g", {}, frame);
    return (v) => {
      group.replaceChildren();
      for (const path of data.plane.paths[v]) {
        if (!path.length) continue;
        svg("polyline", { class: "path", points: path.map(([x, y]) => `${x},${-y}`).join(" ") }, group);
        const [first, last] = [path[0], path[path.length - 1]];
        svg("circle", { class: "from", cx: first[0], cy: -first[1], r: radius }, group);
        svg("circle", { class: "to", cx: last[0], cy: -last[1], r: radius }, group);
      }
    };
  };

  // Bars of probabilities; the thin line spans the middle half of the matches.
  const bars = (parent, seat) => {
    const rows = Object.keys(data.policies[0][seat]).map((name) => {
      const row = html("div", "bar", parent);
      html("span", "name", row, name);
      const track = html("span", "track", row);
      return { name, fill: html("span", "fill", track), range: html("span", "range", track), number: html("span", "", row) };
    });
    return (v) => rows.forEach(({ name, fill, range, number }) => {
      const [mean, low, high] = data.policies[v][seat][name];
      fill.style.width = `${100 * mean}%`;
      range.style.left = `${100 * low}%`;
      range.style.width = `${100 * (high - low)}%`;
      number.textContent = mean.toFixed(2);
    });
  };

  const panels = [];
  if (data.plane) panels.push(...Object.entries(data.plane.basins).map(basins), trajectories());
  const seats = document.getElementById("policies");
  seats.hidden = document.getElementById("legend").hidden = !data.policies;
  if (data.policies) seats.querySelectorAll(".bars").forEach((parent, seat) => panels.push(bars(parent, seat)));

  const show = (v) => {
    panels.forEach((panel) => panel(v));
    if (!slider) return;
    const text = `${data.symbol} = ${Number(data.values[v].toPrecision(6))}`;
    document.getElementById("value").textContent = text;
    slider.setAttribute("aria-valuetext", text);
    document.querySelectorAll("tr[data-row]").forEach((row) => row.classList.toggle("here", Number(row.dataset.row) === v));
  };

  document.getElementById("explore").hidden = !panels.length && !slider;
  if (slider) {
    slider.value = data.start;
    slider.addEventListener("input", () => show(Number(slider.value)));
  }
  show(data.start);
})();
