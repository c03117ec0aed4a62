(box, rows, { html }) => {
  const PAUSE = 700; // milliseconds between two frames
  const { players, actions, seats, rows: heads, columns, caption, seed } = rows[0];
  const figure = html("figure", "episode", box);
  figure.tabIndex = 0;
  figure.setAttribute("aria-label", "An episode, step by step");
  const stage = html("div", "stage", figure);

  // The board: headings where there are any, and cells that are filled anew for every frame.
  const board = html("div", "board", stage);
  const named = heads.some(Boolean);
  board.style.gridTemplateColumns = `${named ? "auto " : ""}repeat(${columns.length}, minmax(0, var(--cell)))`;
  if (columns.some(Boolean)) {
    if (named) html("span", "", board);
    for (const name of columns) html("span", "head", board, name);
  }
  const cells = heads.map((name) => {
    if (named) html("span", "head", board, name);
    return columns.map(() => html("div", "cell", board));
  });

  // What the players did, and what it earned them.
  const table = html("table", "", html("div", "wide", stage));
  const headings = html("tr", "", html("thead", "", table));
  for (const [name, side] of [["player", "left"], ["action", "left"], ["reward", ""], ["sum", ""]]) {
    html("th", side, headings, name).scope = "col";
  }
  const lines = html("tbody", "", table);
  const told = players.map((name, seat) => {
    const line = html("tr", "", lines);
    const who = html("td", "left", line);
    html("span", `dot seat${seat % 4}`, who);
    who.append(`${name} (${seats[seat]})`);
    return ["left action", "", ""].map((side) => html("td", side, line));
  });

  const controls = html("div", "controls", figure);
  const button = (text, label, act) => {
    const made = html("button", "", controls, text);
    made.type = "button";
    if (label) made.setAttribute("aria-label", made.title = label);
    made.addEventListener("click", act);
    return made;
  };
  button("|◀", "First frame", () => halt(0));
  button("◀", "Frame before", () => halt(at - 1));
  const player = button("", "", () => (timer ? halt(at) : begin()));
  button("▶", "Next frame", () => halt(at + 1));
  button("▶|", "Last frame", () => halt(last()));
  const track = html("input", "", controls);
  track.type = "range";
  track.min = 0;
  track.setAttribute("aria-label", "Frame");
  track.addEventListener("input", () => halt(Number(track.value)));
  const where = html("output", "", controls);
  html("figcaption", "", figure,
    `An episode between the last policies of the first match of seed ${seed}. ${caption} Keys: ← →, Home, End, space.`);

  let row = rows[0], at = 0, timer = null;
  const last = () => row.boards.length - 1;
  const offset = () => row.boards.length - row.taken.length; // 1 if the first frame is the start, before any step
  const signed = (number) => (number > 0 ? "+" : number < 0 ? "−" : "") + Number(Math.abs(number).toFixed(3));

  const fill = () => {
    for (const cell of cells.flat()) cell.replaceChildren();
    for (const [r, c, text, form, seat, share] of row.boards[at]) {
      const mark = html("span", `mark ${form}${seat === null ? "" : ` seat${seat % 4}`}`, cells[r][c], text);
      if (form === "bar") mark.style.setProperty("--share", `${100 * share}%`);
    }
    const step = at - offset(); // the step that led to this frame; -1 at the start
    told.forEach(([action, reward, sum], seat) => {
      action.textContent = step < 0 ? "–" : actions[row.taken[step][seat]];
      const earned = step < 0 ? null : row.rewards[step][seat];
      reward.textContent = earned === null ? "–" : signed(earned);
      reward.className = earned > 0 ? "gain" : earned < 0 ? "loss" : "";
      sum.textContent = signed(row.rewards.slice(0, step + 1).reduce((total, each) => total + each[seat], 0));
    });
    track.max = last();
    track.value = at;
    where.textContent = step < 0 ? "start" : `step ${step + 1} of ${row.taken.length}`;
    track.setAttribute("aria-valuetext", where.textContent);
    player.textContent = timer ? "Pause" : "Play";
  };
  const move = (to) => {
    at = Math.max(0, Math.min(last(), to));
    fill();
  };
  const halt = (to) => {
    clearInterval(timer);
    timer = null;
    move(to);
  };
  const begin = () => {
    timer = setInterval(() => (at < last() ? move(at + 1) : halt(at)), PAUSE);
    move(at < last() ? at : 0);
  };

  figure.addEventListener("keydown", (event) => {
    const keys = {
      ArrowLeft: () => halt(at - 1), ArrowRight: () => halt(at + 1), Home: () => halt(0), End: () => halt(last()),
      " ": () => (timer ? halt(at) : begin()),
    };
    const pressed = event.key === " " && event.target.tagName === "BUTTON"; // the browser presses the button
    if (!keys[event.key] || pressed || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });

  return (v) => {
    row = rows[v];
    halt(at);
  };
}
