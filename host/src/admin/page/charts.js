// Charts of the last minutes: inline SVG, redrawn as a whole from the samples. Every text is set as text.

import { clock, known } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value);
}

function scale(values, { least, log }) {
  if (!log) {
    const top = ceiling(Math.max(least, ...values));
    return { place: (value) => value / top, ticks: [0, top / 2, top] };
  }
  const low = Math.floor(Math.log10(Math.max(1, Math.min(least / 10, ...values.filter((value) => value > 0)))));
  const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(least, ...values))));
  const step = Math.ceil((high - low) / 4);
  const ticks = [];
  for (let power = low; power <= high; power += step) ticks.push(10 ** power);
  return { place: (value) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low), ticks };
}

// Draws `series`, each a line of values of the samples, of which there must be one at least.
export function chart(svg, samples, series, options) {
  const width = svg.clientWidth || 300;
  const height = svg.clientHeight || 140;
  const [left, right, top, bottom] = [46, width - 1, 8, height - 20];
  const end = samples[samples.length - 1].at;
  const length = Math.max(60000, Math.min(600000, end - samples[0].at));
  const x = (at) => right - ((end - at) / length) * (right - left);
  const values = series.flatMap((line) => known(samples.map(line.of)));
  const axis = scale(values, options);
  const y = (value) => bottom - axis.place(value) * (bottom - top);
  const parts = bands(samples, x, top, bottom);
  for (const tick of axis.ticks) {
    parts.push(shape("line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) }));
    parts.push(label(options.text(tick), left - 8, y(tick) + 4, "end"));
  }
  const ago = length >= 120000 ? `${Math.round(length / 60000)} min` : `${Math.round(length / 1000)} s`;
  parts.push(label(`${ago} ago`, left, height - 3, "start"));
  parts.push(label("now", right, height - 3, "end"));
  for (const line of series) parts.push(...drawn(samples, line, x, y, bottom));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(...parts, ...cursor(svg, samples, series, options, x, top, bottom));
  const last = series.map((line) => `${line.name} ${latest(samples, line, options)}`).join(", ");
  svg.setAttribute("aria-label", `Last ${Math.round(length / 60000)} minutes, now ${last}`);
}

function latest(samples, line, options) {
  const value = line.of(samples[samples.length - 1]);
  return value === null || value === undefined ? "unknown" : options.text(value);
}

function label(text, x, y, anchor, kind = "") {
  const made = shape("text", { x, y, "text-anchor": anchor, class: kind });
  made.textContent = text;
  return made;
}

// Where records did not flow.
function bands(samples, x, top, bottom) {
  const found = [];
  let from = null;
  samples.forEach((sample, index) => {
    if (!sample.is_ready && from === null) from = sample.at - 1000;
    const isLast = index === samples.length - 1;
    if (from !== null && (sample.is_ready || isLast)) {
      const until = sample.is_ready ? sample.at - 1000 : sample.at;
      const width = Math.max(0, x(until) - x(from));
      found.push(shape("rect", { class: "band", x: x(from), y: top, width, height: bottom - top }));
      from = null;
    }
  });
  return found;
}

// A line with gaps where nothing is known; a point alone is a dot.
function drawn(samples, line, x, y, bottom) {
  const runs = [];
  let run = null;
  let before = null;
  for (const sample of samples) {
    const value = line.of(sample);
    const isNext = before !== null && sample.at - before < 5000;
    before = sample.at;
    if (value === null || value === undefined) { run = null; continue; }
    if (!run || !isNext) { run = []; runs.push(run); }
    run.push([x(sample.at).toFixed(1), y(value).toFixed(1)]);
  }
  return runs.flatMap((points) => {
    const path = `M${points.map((point) => point.join(" ")).join("L")}${points.length === 1 ? "h.1" : ""}`;
    const made = [shape("path", { class: `line ${line.kind}${points.length === 1 ? " dot" : ""}`, d: path })];
    if (line.area) {
      const [first, last] = [points[0][0], points[points.length - 1][0]];
      made.unshift(shape("path", { class: "area", d: `${path}L${last} ${bottom}L${first} ${bottom}Z` }));
    }
    return made;
  });
}

const pointed = new Map(); // where the pointer is over a chart

function cursor(svg, samples, series, options, x, top, bottom) {
  const at = pointed.get(svg);
  if (at === undefined) return [];
  const away = (sample) => Math.abs(x(sample.at) - at);
  const nearest = samples.reduce((best, sample) => (away(sample) < away(best) ? sample : best));
  const place = x(nearest.at);
  const values = series.map((line) => [line.name, line.of(nearest)]);
  const words = values.filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name} ${options.text(value)}`);
  const anchor = place > (svg.clientWidth || 300) / 2 ? "end" : "start";
  const text = `${clock(nearest.at)} · ${words.join(" · ")}`;
  return [shape("line", { class: "cursor", x1: place, x2: place, y1: top, y2: bottom }),
    label(text, anchor === "end" ? place - 6 : place + 6, top + 10, anchor, "note")];
}

// Lets a pointer over a chart ask for the values there; `redraw` draws all charts again.
export function follow(svgs, redraw) {
  for (const svg of svgs) {
    const point = (event) => {
      pointed.set(svg, event.clientX - svg.getBoundingClientRect().left);
      redraw();
    };
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", () => { pointed.delete(svg); redraw(); });
  }
}
