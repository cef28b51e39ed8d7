"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const find = id => document.getElementById(id);
const root = document.documentElement;
const config = {displaylogo: false, displayModeBar: false};
// Plotly reads tags, entities and pairs of dollars in its texts.
const escape = text => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
  .replaceAll("$", "&#36;");
const colour = name => getComputedStyle(root).getPropertyValue("--" + name).trim();
const axis = (title, rest) => ({title: {text: title, standoff: 6}, zeroline: false, gridcolor: colour("grid"),
  linecolor: colour("line"), ...rest});

// Every chart is as wide as its element, in the colours that the page has at the moment.
function draw(id, traces, height, rest) {
  const target = find(id);
  const font = {family: "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", size: 12, color: colour("ink")};
  Plotly.react(target, traces, {font, width: target.clientWidth, height, showlegend: false,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: {l: 50, r: 10, t: 8, b: 45},
    hoverlabel: {bgcolor: colour("card"), bordercolor: colour("line"), font: {color: colour("ink")}}, ...rest}, config);
}

const inTurn = (sides, axis) => sides[0][axis].flatMap((value, i) => [value, sides[1][axis][i]]);
function scatter(id, points, color, height, rest) {
  draw(id, [{type: "scatter", mode: "markers", ...points, marker: {color, size: 5, opacity: .6},
    hovertemplate: "%{x:.2f}, %{y:.2f}<extra></extra>"}], height, rest);
}
// Drawn in turn, so that neither side always lies on top.
function mixed(id, sides, height, rest) {
  const both = {x: inTurn(sides, "x"), y: inTurn(sides, "y")};
  scatter(id, both, both.x.map((_, i) => colour(i % 2 ? "made" : "real")), height, rest);
}

function drawPlane() {
  const {real, synthetic, labels, frame} = data.plane;
  const room = find("plane-real").clientWidth;
  const [x, y] = labels.map(label => room < 300 ? label.replace(" of the real variance", "") : label);
  const axes = {xaxis: axis(x, {range: frame[0]}), yaxis: axis(y, {range: frame[1]})};
  scatter("plane-real", real, colour("real"), 380, axes);
  scatter("plane-synthetic", synthetic, colour("made"), 380, axes);
  mixed("plane-both", [real, synthetic], 380, axes);
}

function drawNeighbours() {
  if (!data.neighbours) return;
  const {real, holdout, synthetic} = data.neighbours;
  const range = of => {
    const all = [...real[of], ...holdout[of], ...synthetic[of]];
    const low = Math.min(...all), high = Math.max(...all), room = (high - low) * .04;
    return [low - room, high + room];
  };
  const plain = of => axis("", {range: range(of), showticklabels: false, ticks: ""});
  const axes = {xaxis: plain("x"), yaxis: plain("y"), margin: {l: 10, r: 10, t: 8, b: 10}};
  scatter("neighbours-real", real, colour("real"), 360, axes);
  scatter("neighbours-synthetic", synthetic, colour("made"), 360, axes);
  if (holdout.x.length) scatter("neighbours-holdout", holdout, colour("held"), 360, axes);
  else mixed("neighbours-both", [real, synthetic], 360, axes);
}

function drawDistances() {
  if (!data.distances) return;
  const line = (name, curve, color, dash) => ({...curve, name, mode: "lines", line: {shape: "hv", color, dash, width: 2.2},
    hovertemplate: "%{y:.1%} within %{x:.3g}"});
  const {synthetic, holdout, limit} = data.distances;
  draw("distances", [line("held-out", holdout, colour("held"), "dash"), line("synthetic", synthetic, colour("made"))], 360, {
    showlegend: true, legend: {orientation: "h", y: 1.1}, hovermode: "x unified", margin: {l: 55, r: 10, t: 30, b: 45},
    xaxis: axis("distance to the closest real row", {rangemode: "tozero"}),
    yaxis: axis("share of rows within", {tickformat: ".0%", range: [0, 1.02]}),
    shapes: [{type: "line", x0: limit, x1: limit, y0: 0, y1: 1, yref: "paper", line: {color: colour("soft"), dash: "dot"}}],
    annotations: [{x: limit, y: 1, yref: "paper", text: "near copies", showarrow: false, xanchor: "right", yanchor: "top",
      xshift: -4, textangle: -90, font: {color: colour("soft")}}]});
}

const names = data.names.map(escape);
function drawCorrelations() {
  const scale = ["cold", "cool", "middle", "warm", "hot"].map((name, i) => [i / 4, colour(name)]);
  for (const [kind, panel] of Object.entries(data.correlations)) {
    const side = Math.min(find("correlation-" + kind).clientWidth, 480);
    const step = Math.ceil(names.length / (side < 300 ? 18 : 32));  // labels that fit; the others show on hover
    const labelled = names.map((_, i) => i).filter(i => i % step === 0);
    const labels = {tickmode: "array", tickvals: labelled, ticktext: labelled.map(i => escape(data.short[i])),
      tickfont: {size: 9}, showgrid: false, zeroline: false, constrain: "domain", automargin: true};
    draw("correlation-" + kind, [{type: "heatmap", z: panel.values, zmin: -panel.limit, zmax: panel.limit, colorscale: scale,
      customdata: names.map(row => names.map(column => row + ", " + column)),
      hovertemplate: "%{customdata}: %{z:.2f}<extra></extra>",
      colorbar: {orientation: "h", thickness: 10, y: -.02, yanchor: "top", tickfont: {size: 11}, outlinewidth: 0}}], side + 60, {
      plot_bgcolor: colour("empty"), margin: {l: 10, r: 10, t: 10, b: 10},
      xaxis: {...labels, side: "top", tickangle: -90}, yaxis: {...labels, autorange: "reversed", scaleanchor: "x"}});
  }
}

function outline(column, side, style) {
  const dates = column.scale === "date";
  return {x: dates ? column.edges.map(seconds => seconds * 1000) : column.edges, y: [...column[side], 0], mode: "lines",
    name: side, hovertemplate: (dates ? "from %{x|%Y-%m-%d %H:%M}" : "from %{x:.4g}") + ": %{y:.2%}", ...style};
}
function drawHistogram(column) {
  const scale = column.scale === "date" ? 1000 : 1;
  const ends = [column.edges[0] * scale, column.edges.at(-1) * scale];
  draw("distribution", [
    outline(column, "real", {line: {shape: "hv", width: 0, color: colour("real")}, fill: "tozeroy", fillcolor: colour("real") + "73"}),
    outline(column, "synthetic", {line: {shape: "hv", width: 2, color: colour("made")}})], 320, {hovermode: "x unified",
    xaxis: axis(column.unit, {range: ends, ...(column.scale === "date" && {type: "date"}),
      ...(column.whole && column.edges.length < 15 && {tick0: 0, dtick: 1})}),
    yaxis: axis("share of rows", {tickformat: ".0%", rangemode: "tozero"})});
}
function drawLevels(column) {
  const places = column.levels.map((_, i) => i);
  const side = (name, marker) => ({type: "bar", orientation: "h", y: places, x: column[name], name, marker,
    customdata: column.levels.map(escape), hovertemplate: "%{customdata}<br>" + name + " %{x:.2%}<extra></extra>"});
  draw("distribution", [side("real", {color: colour("real") + "73"}),
    side("synthetic", {color: "rgba(0,0,0,0)", line: {color: colour("made"), width: 2}})], Math.max(160, 60 + 24 * places.length), {
    barmode: "overlay", bargap: .25, xaxis: axis("share of rows", {tickformat: ".0%", rangemode: "tozero"}),
    yaxis: {tickmode: "array", tickvals: places, ticktext: column.short.map(escape), autorange: "reversed",
      automargin: true, zeroline: false, showgrid: false}});
}
const select = find("column");
const tiles = [...document.querySelectorAll("#tiles button")];
let shown = data.first;
function drawColumn() {
  const column = data.columns[shown];
  select.value = shown;
  tiles.forEach((tile, i) => tile.setAttribute("aria-pressed", i === shown));
  find("distribution-title").textContent = column.title;
  find("distribution").setAttribute("aria-label", "distribution of " + column.title);
  (column.levels.length ? drawLevels : drawHistogram)(column);
}
function show(index) { shown = index; drawColumn(); }
data.columns.forEach((column, index) => select.add(new Option(column.name, index)));
select.addEventListener("change", () => show(Number(select.value)));
tiles.forEach((tile, index) => tile.addEventListener("click", () => show(index)));

function drawHistory() {
  if (!data.history) return;
  const colours = ["held", "made", "real", "ink", "bad"], dashes = ["solid", "dash", "dot", "dashdot", "longdash"];
  const lines = (target, x, series, title) => {
    const mode = x.length < 30 ? "lines+markers" : "lines";
    draw(target, Object.entries(series).map(([name, y], i) => ({x, y, mode, name,
      line: {color: colour(colours[i % 5]), dash: dashes[i % 5], width: 1.6}})), 360, {showlegend: true,
      legend: {orientation: "h", y: 1.12}, hovermode: "x unified", xaxis: axis("epoch"), yaxis: axis(title)});
  };
  lines("losses", data.history.epoch, data.history.losses, "loss");
  const {epoch, ...figures} = data.history.evidence;
  if (epoch) lines("evidence", epoch, figures, "evidence");
}

function drawAll() {
  for (const part of [drawPlane, drawNeighbours, drawDistances, drawCorrelations, drawColumn, drawHistory]) part();
}
drawAll();

let width = innerWidth, waiting;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(drawAll, 150);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
// Paper is light and as wide as it is, and nothing on it can be unfolded.
let folded = [];
addEventListener("beforeprint", () => {
  root.classList.add("printing");
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach(part => { part.open = true; });
  drawAll();
});
addEventListener("afterprint", () => {
  root.classList.remove("printing");
  folded.forEach(part => { part.open = false; });
  drawAll();
});
