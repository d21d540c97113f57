// Asks for /status.json and /history.json once a second and draws them. Whatever comes from a record or a plugin is set
// as text, never as markup. The token, where one is set, is kept for this tab alone.
"use strict";

const EVERY_MS = 1000;
const HIDDEN_EVERY_MS = 10000;
const KEPT = 600;
const NOW_SAMPLES = 5;
const BEYOND_MS = 3600000; // the last bound of the latency histogram: above it there is no telling
const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);
let samples = [];
let plugin = null;
let shown = null; // the last status
let failures = 0;
let asking = false;
let changing = false;

/* Small things */

function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function say(id, text) {
  const node = byId(id);
  if (node.textContent !== text) node.textContent = text;
}

const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const count = (value) => (value < 10000 ? whole.format(Math.round(value)) : compact.format(value));
const plural = (n, one, many) => `${whole.format(n)} ${n === 1 ? one : many}`;

function rate(value) {
  return value < 10 ? String(Number(value.toFixed(1))) : count(value);
}

const sentence = (word) => word[0].toUpperCase() + word.slice(1);

function bytes(value) {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)}\u00a0${units[unit]}`;
}

function millis(value) {
  if (value === null || value === undefined) return "–";
  if (value >= BEYOND_MS) return "> 1 h";
  if (value >= 120000) return `${Math.round(value / 60000)} min`;
  if (value >= 1000) return `${Number((value / 1000).toFixed(value < 10000 ? 1 : 0))} s`;
  if (value >= 10 || value === 1) return `${Math.round(value)} ms`;
  return value >= 1 ? `${value.toFixed(1)} ms` : `${value.toFixed(2)} ms`;
}

function span(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

const short = (digest) => (digest || "").replace(/^sha256:/, "").slice(0, 12);
const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const known = (values) => values.filter((value) => value !== null && value !== undefined);
const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);

/* Asking */

async function ask(path, options = {}) {
  const headers = { ...(options.headers || {}) };
  const token = sessionStorage.getItem("token");
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, { ...options, headers, cache: "no-store", redirect: "error" });
  if (answer.status === 401) {
    await askToken(Boolean(token));
    throw new Error("token");
  }
  return answer;
}

async function askToken(wasWrong) {
  if (asking) return;
  asking = true;
  sessionStorage.removeItem("token");
  const text = wasWrong
    ? "The token was not accepted. It is the setting admin.token (HOST_ADMIN_TOKEN) of this run."
    : "This endpoint asks for its token: the setting admin.token (HOST_ADMIN_TOKEN) of this run. It is kept in this tab only.";
  const token = await dialog("Token", text, "Continue", true);
  if (token) sessionStorage.setItem("token", token);
  asking = false;
}

// True or the typed text; null where it was cancelled.
function dialog(title, text, yes, wantsToken = false) {
  const box = byId("ask");
  say("ask-title", title);
  say("ask-text", text);
  say("ask-yes", yes);
  byId("ask-field").hidden = !wantsToken;
  byId("ask-input").value = "";
  box.returnValue = "no";
  box.showModal();
  // Enter presses the first button of a form, which is not the one that is meant.
  byId(wantsToken ? "ask-input" : "ask-yes").focus();
  return new Promise((resolve) => {
    const typed = (event) => {
      if (event.key === "Enter") { event.preventDefault(); box.close("yes"); }
    };
    byId("ask-input").addEventListener("keydown", typed);
    box.addEventListener("close", () => {
      byId("ask-input").removeEventListener("keydown", typed);
      const value = wantsToken ? byId("ask-input").value.trim() : true;
      byId("ask-input").value = "";
      resolve(box.returnValue === "yes" && value ? value : null);
    }, { once: true });
  });
}

async function look() {
  try {
    const last = samples.length ? samples[samples.length - 1].at : 0;
    const [status, news] = await Promise.all([
      ask("/status.json").then((answer) => (answer.ok ? answer.json() : null)),
      ask(`/history.json?after=${last}`).then((answer) => answer.json()),
    ]);
    failures = 0;
    samples = samples.concat(news).slice(-KEPT);
    if (status) {
      if (!plugin || plugin.digest !== status.plugin.digest) plugin = await ask("/plugin").then((answer) => answer.json());
      shown = status;
      show(status);
    }
    showSamples();
    document.body.classList.remove("is-stale");
  } catch (error) {
    if (error.message !== "token") failures += 1;
    if (failures > 1 || error.message === "token") showGone(error.message === "token");
  }
  setTimeout(look, document.hidden ? HIDDEN_EVERY_MS : EVERY_MS);
}

/* Showing */

function showGone(forToken) {
  document.body.classList.add("is-stale");
  byId("state").dataset.state = forToken ? "none" : "gone";
  say("state", forToken ? "Token needed" : "No answer");
  document.title = "host";
}

function show(status) {
  const pill = byId("state");
  pill.dataset.state = status.state;
  say("state", sentence(status.state));
  const about = status.plugin;
  document.title = `${status.ready ? "" : "● "}${about.name} · host`;
  say("subtitle", `${about.name} ${about.version} · up ${span(status.uptime_seconds)}`);
  say("footer", `host ${status.version} · process ${status.process} · as of ${clock(status.updated)}`);
  showWaiting(status);
  showPlugin(status);
  showPartitions(status);
  showRejects(status);
  showHistory(about.history || []);
  showShadow(about.shadow);
  // A link does not show the token.
  byId("more").hidden = sessionStorage.getItem("token") !== null;
}

function showWaiting(status) {
  const place = byId("waiting");
  place.hidden = status.waiting.length === 0;
  place.replaceChildren(...status.waiting.map((waiting) => make("article", { class: waiting.halted ? "is-halted" : "" },
    make("h2", {}, waiting.halted ? `Halted at ${waiting.for}` : `Waiting for ${waiting.for}`),
    make("p", {}, waiting.error),
    make("p", { class: "quiet" }, `for ${span(waiting.seconds)} · ${plural(waiting.tries, "try", "tries")} · ` +
      (waiting.halted ? "somebody has to mend it; nothing is lost meanwhile" : "tried again until it is back; nothing is lost meanwhile")))));
}

function showPlugin(status) {
  const about = status.plugin;
  say("plugin-name", about.name);
  say("plugin-version", about.version);
  say("plugin-digest", `sha256 ${short(about.digest)}…`);
  byId("plugin-digest").title = about.digest;
  byId("plugin-probation").hidden = !about.on_probation;
  byId("plugin-buttons").hidden = !(plugin && plugin.changeable);
  const back = about.back;
  byId("rollback").disabled = changing || !back;
  say("rollback", back ? `Roll back to ${back.version} (${short(back.digest).slice(0, 7)})…` : "Nothing to roll back to");
  byId("plugin-held").hidden = !about.held || about.held.runs;
  if (about.held) say("plugin-held", `A restart runs another one: ${about.held.place} holds sha256 ${short(about.held.digest)}…`);
  byId("plugin-swapping").hidden = !about.swapping;
  if (about.swapping) say("plugin-swapping", doing(about.swapping));
  if (plugin) {
    const outputs = plugin.outputs.map((output) => `${output.effect} ${output.target} (${plural(output.fields.length, "column", "columns")})`);
    say("plugin-shape", `${plural(plugin.inputs.length, "input field", "input fields")} → ${outputs.join(", ")} · ${bytes(plugin.size_bytes)}`);
  }
}

function doing(swapping) {
  const to = swapping.to ? named(swapping.to) : "a component";
  const what = { checking: `Compiling and checking ${to}`, announcing: `Announcing ${to} to the brokers`,
    trying: `Trying ${to} on the latest records: ${whole.format(swapping.tried_records)} of ${whole.format(swapping.sample_records)} so far` };
  return `${what[swapping.phase] || swapping.phase} · ${span(swapping.seconds)}`;
}

function showPartitions(status) {
  const rows = Object.entries(status.partitions).map(([name, partition]) => ({ name, ...partition }));
  rows.sort((one, other) => (other.lag || 0) - (one.lag || 0) || one.name.localeCompare(other.name, "en", { numeric: true }));
  const number = (value) => make("td", { class: "number" }, value === null || value === undefined ? "–" : whole.format(value));
  byId("partitions").replaceChildren(...rows.map((row) => make("tr", {},
    make("td", { title: row.name }, row.name), number(row.lag), number(row.committed ?? row.settled), number(row.log_end))));
  say("partitions-more", rows.length ? `${plural(rows.length, "partition", "partitions")}, the most behind first` : "none assigned to this member");
}

function showRejects(status) {
  const codes = Object.entries(status.rejected).sort((one, other) => other[1] - one[1]);
  const total = codes.reduce((sum, [, number]) => sum + number, 0);
  const share = status.records ? (100 * total) / status.records : 0;
  say("rejects-more", total
    ? `${whole.format(total)} of ${whole.format(status.records)} records (${share < 0.01 ? "< 0.01" : share.toFixed(2)} %), kept as dead letters`
    : "none so far");
  const place = byId("rejects");
  const open = new Set([...place.querySelectorAll("details[open]")].map((details) => details.dataset.code));
  const focused = document.activeElement && document.activeElement.closest ? document.activeElement.closest("details") : null;
  const focusedCode = focused ? focused.dataset.code : null;
  place.replaceChildren(...codes.map(([code, number]) => {
    const examples = (status.examples || {})[code] || [];
    const details = make("details", {},
      make("summary", {}, make("b", {}, code), bar(number / codes[0][1], "is-bad"), make("span", {}, count(number))),
      make("div", { class: "examples" }, ...examples.slice().reverse().map((example) =>
        make("p", {}, make("code", {}, example.record), make("br"), example.message))));
    details.dataset.code = code;
    details.open = open.has(code);
    return details;
  }));
  const again = [...place.children].find((details) => details.dataset.code === focusedCode);
  if (again) again.querySelector("summary").focus({ preventScroll: true });
}

function bar(share, kind = "") {
  const fill = document.createElement("i");
  fill.style.width = `${Math.max(share > 0 ? 1.5 : 0, Math.min(100, share * 100))}%`;
  return make("div", { class: `track ${kind}`, "aria-hidden": "true" }, fill);
}

const OUTCOMES = { swapped: ["swapped", "good"], unchanged: ["unchanged", "none"], refused: ["refused", "bad"], rolled_back: ["rolled back", ""] };

function tried({ tried_records: count, sample_records: sample }) {
  return count < sample ? `${whole.format(count)} of ${plural(sample, "record", "records")}` : plural(count, "record", "records");
}

function why(swap) {
  if (swap.reasons) return swap.reasons.join("; ");
  if (swap.reason) return swap.reason === `asked by ${swap.asked_by}` ? "" : swap.reason;
  return swap.outcome === "swapped" && swap.times ? `compiled and checked in ${millis(swap.times.assemble_ms)}, tried on ${tried(swap)} in ${millis(swap.times.trial_ms)}` : "";
}

const named = (plugin) => (plugin ? `${plugin.name} ${plugin.version} (${short(plugin.digest).slice(0, 7)})` : "a component");

// From which version to which; where nothing was changed, what was not taken, and what went on.
function ways(swap) {
  if (swap.outcome === "unchanged") return named(swap.from);
  if (swap.outcome === "refused") return `${named(swap.to)}, ${named(swap.from)} went on`;
  return `${named(swap.from)} → ${named(swap.to)}`;
}

function showHistory(history) {
  const items = history.slice().reverse().map((swap) => {
    const [word, kind] = OUTCOMES[swap.outcome] || [swap.outcome, "none"];
    return make("li", {},
      make("span", { class: `chip ${kind}` }, word), " ", ways(swap),
      ...(why(swap) ? [make("p", {}, why(swap))] : []),
      make("p", { class: "quiet" }, `${clock(swap.at)} · ${swap.asked_by}`));
  });
  byId("history").replaceChildren(...(items.length ? items : [make("li", { class: "empty" }, "No swap since the start.")]));
}

// What a candidate beside the plugin makes differently: how much, in which columns, with examples.
function showShadow(shadow) {
  byId("shadow-card").hidden = !shadow;
  if (!shadow) return;
  const { old, new: candidate, records, outputs, rejects } = shadow.differences;
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const codes = (by) => sum(Object.values(by).map((tally) => tally.count));
  const each = (side) => (records ? `${(side.guest_ns / records / 1000).toFixed(2)} µs` : "–");
  const fact = (name, value) => make("span", {}, `${name} `, make("b", {}, value));
  const columns = outputs.flatMap((output) => output.columns.filter((column) => column.values.count > 0).map((column) => ({ output, ...column })));
  columns.sort((one, other) => other.values.count - one.values.count);
  const most = columns.length ? columns[0].values.count : 1;
  const shownValue = (value) => (value === undefined ? "no such column" : value === null ? "null" : value);
  byId("shadow").replaceChildren(
    make("p", {}, make("b", {}, `${candidate.name} ${candidate.version}`), ` (${short(candidate.digest).slice(0, 7)}) beside `,
      `${old.name} ${old.version} (${short(old.digest).slice(0, 7)}) on ${shadow.share_percent} % of the batches`),
    make("p", { class: "facts" }, fact("records compared", whole.format(records)),
      fact("rows equal", whole.format(sum(outputs.map((output) => output.equal)))), fact("rows different", whole.format(sum(outputs.map((output) => output.different)))),
      fact("rejects gained", whole.format(codes(rejects.gained))), fact("lost", whole.format(codes(rejects.lost))),
      fact("time of a record", `${each(candidate)} instead of ${each(old)}`)),
    ...(shadow.ended ? [make("p", { class: "answer bad" }, shadow.ended)] : []),
    ...(columns.length ? [] : [make("p", { class: "empty" }, "No column differs so far.")]),
    make("dl", { class: "bars" }, ...columns.flatMap((column) => [
      make("dt", {}, outputs.length > 1 ? `${column.output.target} ${column.name}` : column.name), bar(column.values.count / most), make("dd", {}, count(column.values.count))])),
    make("div", { class: "examples" }, ...columns.slice(0, 5).flatMap((column) => column.values.examples.slice(0, 1).map((example) =>
      make("p", {}, make("code", {}, example.record), ` ${column.name}: `, shownValue(example.old), " → ", make("b", {}, shownValue(example.new)))))));
}

/* The last minutes */

function showSamples() {
  if (!samples.length) return;
  const now = samples.slice(-NOW_SAMPLES);
  const last = samples[samples.length - 1];
  say("throughput", rate(mean(now.map((sample) => sample.records))));
  const settled = shown ? ` · ${count(shown.records)} since the start` : "";
  say("throughput-more", `${rate(mean(now.map((sample) => sample.rows)))} rows/s · ${bytes(mean(now.map((sample) => sample.bytes)))}/s${settled}`);
  const worst = known(now.map((sample) => sample.p99_ms));
  say("latency", worst.length ? millis(Math.max(...worst)) : "–");
  say("latency-half", worst.length ? millis(mean(known(now.map((sample) => sample.p50_ms)))) : "–");
  say("latency-more", worst.length ? " · record timestamp to acknowledged" : " · no record just now");
  const lag = last.lag;
  say("lag", lag === null ? "–" : count(lag));
  say("lag-unit", lag === 1 ? "record" : "records");
  say("lag-more", lagText(lag));
  chart(byId("throughput-chart"), [{ of: (sample) => sample.records, kind: "one", area: true, name: "records" }, ...rejectedLine()],
    { text: rate, least: 10 });
  chart(byId("latency-chart"), [{ of: (sample) => sample.p99_ms, kind: "two", name: "p99" }, { of: (sample) => sample.p50_ms, kind: "one", name: "p50" }],
    { text: millis, least: 10, log: true });
  byId("lag-chart").toggleAttribute("hidden", samples.every((sample) => sample.lag === null));
  chart(byId("lag-chart"), [{ of: (sample) => sample.lag, kind: "one", area: true, name: "lag" }], { text: count, least: 10 });
  showStages();
}

// Only where there is one to see.
function rejectedLine() {
  return samples.some((sample) => sample.rejected > 0) ? [{ of: (sample) => sample.rejected, kind: "bad", name: "rejected" }] : [];
}

function lagText(lag) {
  if (lag === null) return "the source does not tell where it ends";
  if (lag === 0) return "everything is settled";
  if (lag < 3 * mean(samples.slice(-NOW_SAMPLES).map((sample) => sample.records))) return "keeps up with what is written";
  const recent = samples.slice(-15).filter((sample) => sample.lag !== null);
  const shrinks = recent.length > 5 ? (recent[0].lag - lag) / ((recent[recent.length - 1].at - recent[0].at) / 1000) : 0;
  return shrinks > lag / 36000 ? `about ${span(Math.ceil(lag / shrinks))} to catch up` : "records behind the log end";
}

// The stages have the names and the order that the server gives them.
function showStages() {
  const recent = samples.slice(-10);
  const names = Object.keys(samples[samples.length - 1].stage_ms);
  const times = names.map((name) => mean(known(recent.map((sample) => sample.stage_ms[name]))));
  const most = Math.max(...times.map((time) => time || 0), 0.001);
  say("stages-more", known(times).length ? "average of the last 10 seconds" : "no batch in the last 10 seconds");
  byId("stages").replaceChildren(...names.flatMap((name, stage) => [
    make("dt", {}, name.replaceAll("_", " ")), bar((times[stage] || 0) / most), make("dd", {}, millis(times[stage]))]));
}

/* Charts: inline SVG, redrawn as a whole */

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

function chart(svg, series, options) {
  const width = svg.clientWidth || 300;
  const height = svg.clientHeight || 140;
  const [left, right, top, bottom] = [46, width - 1, 8, height - 20];
  const end = samples[samples.length - 1].at;
  const length = Math.max(60000, Math.min(600000, end - samples[0].at));
  const x = (at) => right - ((end - at) / length) * (right - left);
  const values = series.flatMap((line) => known(samples.map(line.of)));
  const axis = scale(values, options);
  const y = (value) => bottom - axis.place(value) * (bottom - top);
  const parts = bands(x, top, bottom);
  for (const tick of axis.ticks) {
    parts.push(shape("line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) }));
    parts.push(label(options.text(tick), left - 8, y(tick) + 4, "end"));
  }
  parts.push(label(`${length >= 120000 ? `${Math.round(length / 60000)} min` : `${Math.round(length / 1000)} s`} ago`, left, height - 3, "start"));
  parts.push(label("now", right, height - 3, "end"));
  for (const line of series) parts.push(...drawn(line, x, y, bottom));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(...parts, ...cursor(svg, series, options, x, y, top, bottom));
  const last = series.map((line) => `${line.name} ${latest(line, options)}`).join(", ");
  svg.setAttribute("aria-label", `Last ${Math.round(length / 60000)} minutes, now ${last}`);
}

function latest(line, options) {
  const value = line.of(samples[samples.length - 1]);
  return value === null || value === undefined ? "unknown" : options.text(value);
}

function label(text, x, y, anchor, kind = "") {
  const made = shape("text", { x, y, "text-anchor": anchor, class: kind });
  made.textContent = text;
  return made;
}

// Where records did not flow.
function bands(x, top, bottom) {
  const found = [];
  let from = null;
  samples.forEach((sample, index) => {
    if (!sample.is_ready && from === null) from = sample.at - 1000;
    const isLast = index === samples.length - 1;
    if (from !== null && (sample.is_ready || isLast)) {
      const until = sample.is_ready ? sample.at - 1000 : sample.at;
      found.push(shape("rect", { class: "band", x: x(from), y: top, width: Math.max(0, x(until) - x(from)), height: bottom - top }));
      from = null;
    }
  });
  return found;
}

// A line with gaps where nothing is known; a point alone is a dot.
function drawn(line, x, y, bottom) {
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
    if (line.area) made.unshift(shape("path", { class: "area", d: `${path}L${points[points.length - 1][0]} ${bottom}L${points[0][0]} ${bottom}Z` }));
    return made;
  });
}

const pointed = new Map();

function cursor(svg, series, options, x, y, top, bottom) {
  const at = pointed.get(svg);
  if (at === undefined) return [];
  const nearest = samples.reduce((best, sample) => (Math.abs(x(sample.at) - at) < Math.abs(x(best.at) - at) ? sample : best));
  const place = x(nearest.at);
  const words = series.map((line) => [line.name, line.of(nearest)]).filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name} ${options.text(value)}`);
  const anchor = place > (svg.clientWidth || 300) / 2 ? "end" : "start";
  const text = `${clock(nearest.at)} · ${words.join(" · ")}`;
  return [shape("line", { class: "cursor", x1: place, x2: place, y1: top, y2: bottom }),
    label(text, anchor === "end" ? place - 6 : place + 6, top + 10, anchor, "note")];
}

for (const svg of document.querySelectorAll(".chart svg")) {
  const follow = (event) => {
    pointed.set(svg, event.clientX - svg.getBoundingClientRect().left);
    showSamples();
  };
  svg.addEventListener("pointermove", follow);
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("pointerleave", () => { pointed.delete(svg); showSamples(); });
}

/* Changing the plugin */

function answered(text, kind = "") {
  const place = byId("plugin-answer");
  place.hidden = false;
  place.className = `answer ${kind}`;
  place.textContent = text;
}

async function change(path, options, busy) {
  changing = true;
  const buttons = [byId("swap"), byId("rollback")];
  buttons.forEach((button) => { button.disabled = true; });
  answered(busy);
  try {
    const answer = await ask(path, options);
    const told = await answer.json().catch(() => ({}));
    if (told.error) answered(told.error, "bad");
    else {
      const [word, kind] = OUTCOMES[told.outcome] || [`HTTP ${answer.status}`, "bad"];
      answered([`${sentence(word)}.`, why(told)].filter(Boolean).join("\n"), kind === "none" ? "" : kind);
    }
  } catch (error) {
    answered(error.message === "token" ? "Not done: the token was needed. Try again." : "No answer; look at the log of host.", "bad");
  }
  changing = false;
  byId("swap").disabled = false; // Where a rollback leads by now, the next status says.
}

byId("swap").addEventListener("click", () => byId("plugin-file").click());
byId("plugin-file").addEventListener("change", async () => {
  const [file] = byId("plugin-file").files;
  if (!file) return;
  const sure = await dialog("Swap the plugin?", `${file.name} (${bytes(file.size)}) is checked, tried on the latest records, and takes the next batch if it passes. Nothing stops meanwhile.`, "Swap");
  if (sure) await change("/plugin", { method: "PUT", headers: { "Content-Type": "application/wasm" }, body: file }, `Uploading and checking ${file.name}…`);
  byId("plugin-file").value = "";
});
byId("rollback").addEventListener("click", async () => {
  const { name, version, digest, back } = shown.plugin;
  if (!back) return;
  const sure = await dialog("Roll back?", `From ${named({ name, version, digest })} to ${named(back)}, the last version that ran well before it. ` +
    "It is tried on the latest records and takes the next batch if it passes. Rows that are written stay as they are.", `Roll back to ${back.version}`);
  if (sure) {
    const body = JSON.stringify({ to: back.digest });
    await change("/plugin/rollback", { method: "POST", headers: { "Content-Type": "application/json" }, body }, `Rolling back to ${named(back)}…`);
  }
});

document.addEventListener("visibilitychange", () => { if (!document.hidden) showSamples(); });
window.addEventListener("resize", () => showSamples());
look();
