(box, rows, { html, bars }) => {
  const { seats, rounds } = rows[0];
  const figure = html("figure", "situations", box);
  html("h3", "", figure, `What the policies do after ${rounds} round${rounds === 1 ? "" : "s"} with the same outcome`);
  const stage = html("div", "stage", figure);
  const shown = seats.map((label, seat) => {
    const place = html("div", "", stage);
    html("h3", "", place, label);
    return bars(place, (v) => rows[v].bars[seat]);
  });
  html("figcaption", "", figure,
    "Policies with memory are told an episode in which every round ends in this outcome, own action first, and are " +
    "then asked for the next; start: the first round. Bars: mean over all matches; orange: their middle half.");
  return (v) => shown.forEach((show) => show(v));
}
