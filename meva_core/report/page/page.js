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

  // Bars of probabilities by name; the thin line spans the middle half of the matches. shares: v => {name: [mean, low, high]}.
  const bars = (parent, shares) => {
    const rows = Object.keys(shares(0)).map((name) => {
      const row = html("div", "bar", parent);
      html("span", "name", row, name);
      const track = html("span", "track", row);
      return { name, fill: html("span", "fill", track), range: html("span", "range", track), number: html("span", "", row) };
    });
    return (v) => rows.forEach(({ name, fill, range, number }) => {
      const [mean, low, high] = shares(v)[name];
      fill.style.width = `${100 * mean}%`;
      range.style.left = `${100 * low}%`;
      range.style.width = `${100 * (high - low)}%`;
      number.textContent = mean.toFixed(2);
    });
  };

  const panels = [];
  data.panels.forEach((rows, n) => panels.push(window.panels[n](document.getElementById("panels"), rows, { svg, html, bars })));
  const seats = document.getElementById("policies");
  seats.hidden = document.getElementById("legend").hidden = !data.policies;
  if (data.policies) seats.querySelectorAll(".bars").forEach((parent, seat) => panels.push(bars(parent, (v) => data.policies[v][seat])));

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
