// Asks for /status.json and /history.json once a second and draws them. Whatever comes from a record or a plugin is set
// as text, never as markup. The token, where one is set, is kept for this tab alone.

import { chart, follow } from "./charts.js";
import {
  OUTCOMES, bytes, clock, count, known, mean, millis, named, plural, rate, sentence, short, shortest, span, ways, whole,
  why,
} from "./format.js";

const EVERY_MS = 1000;
const HIDDEN_EVERY_MS = 10000;
const KEPT = 600;
const NOW_SAMPLES = 5;

const byId = (id) => document.getElementById(id);
let samples = [];
let plugin = null;
let shown = null; // the last status
let failures = 0;
let asking = false;
let changing = false;

/* Elements */

function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

function say(id, text) {
  const node = byId(id);
  if (node.textContent !== text) node.textContent = text;
}

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
    : "This endpoint asks for its token: the setting admin.token (HOST_ADMIN_TOKEN) of this run. " +
      "It is kept in this tab only.";
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
      const isKnown = plugin && plugin.digest === status.plugin.digest;
      if (!isKnown) plugin = await ask("/plugin").then((answer) => answer.json());
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
      (waiting.halted
        ? "somebody has to mend it; nothing is lost meanwhile"
        : "tried again until it is back; nothing is lost meanwhile")))));
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
  say("rollback", back ? `Roll back to ${back.version} (${shortest(back.digest)})…` : "Nothing to roll back to");
  byId("plugin-held").hidden = !about.held || about.held.runs;
  if (about.held) {
    const held = `${about.held.place} holds sha256 ${short(about.held.digest)}…`;
    say("plugin-held", `A restart runs another one: ${held}`);
  }
  byId("plugin-swapping").hidden = !about.swapping;
  if (about.swapping) say("plugin-swapping", doing(about.swapping));
  if (plugin) {
    const inputs = plural(plugin.inputs.length, "input field", "input fields");
    const columns = (output) => plural(output.fields.length, "column", "columns");
    const outputs = plugin.outputs.map((output) => `${output.effect} ${output.target} (${columns(output)})`);
    say("plugin-shape", `${inputs} → ${outputs.join(", ")} · ${bytes(plugin.size_bytes)}`);
  }
}

function doing(swapping) {
  const to = swapping.to ? named(swapping.to) : "a component";
  const done = `${whole.format(swapping.tried_records)} of ${whole.format(swapping.sample_records)}`;
  const what = {
    checking: `Compiling and checking ${to}`,
    announcing: `Announcing ${to} to the brokers`,
    trying: `Trying ${to} on the latest records: ${done} so far`,
  };
  return `${what[swapping.phase] || swapping.phase} · ${span(swapping.seconds)}`;
}

function showPartitions(status) {
  const rows = Object.entries(status.partitions).map(([name, partition]) => ({ name, ...partition }));
  const byName = (one, other) => one.name.localeCompare(other.name, "en", { numeric: true });
  rows.sort((one, other) => (other.lag || 0) - (one.lag || 0) || byName(one, other));
  const shownNumber = (value) => (value === null || value === undefined ? "–" : whole.format(value));
  const number = (value) => make("td", { class: "number" }, shownNumber(value));
  byId("partitions").replaceChildren(...rows.map((row) => make("tr", {},
    make("td", { title: row.name }, row.name),
    number(row.lag), number(row.committed ?? row.settled), number(row.log_end))));
  say("partitions-more", rows.length
    ? `${plural(rows.length, "partition", "partitions")}, the most behind first`
    : "none assigned to this member");
}

function showRejects(status) {
  const codes = Object.entries(status.rejected).sort((one, other) => other[1] - one[1]);
  const total = codes.reduce((sum, [, number]) => sum + number, 0);
  const share = status.records ? (100 * total) / status.records : 0;
  const percent = share < 0.01 ? "< 0.01" : share.toFixed(2);
  say("rejects-more", total
    ? `${whole.format(total)} of ${whole.format(status.records)} records (${percent} %), kept as dead letters`
    : "none so far");
  const place = byId("rejects");
  const open = new Set([...place.querySelectorAll("details[open]")].map((details) => details.dataset.code));
  const active = document.activeElement;
  const focused = active && active.closest ? active.closest("details") : null;
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

function showHistory(history) {
  const items = history.slice().reverse().map((swap) => {
    const [word, kind] = OUTCOMES[swap.outcome] || [swap.outcome, "none"];
    return make("li", {},
      make("span", { class: `chip ${kind}` }, word), " ", ways(swap),
      ...(why(swap) ? [make("p", {}, why(swap))] : []),
      make("p", { class: "quiet" }, `${clock(swap.at)} · ${swap.asked_by}`));
  });
  const none = make("li", { class: "empty" }, "No swap since the start.");
  byId("history").replaceChildren(...(items.length ? items : [none]));
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
  const changed = (output) => output.columns.filter((column) => column.values.count > 0);
  const columns = outputs.flatMap((output) => changed(output).map((column) => ({ output, ...column })));
  columns.sort((one, other) => other.values.count - one.values.count);
  const most = columns.length ? columns[0].values.count : 1;
  const shownValue = (value) => (value === undefined ? "no such column" : value === null ? "null" : value);
  const exampleOf = ({ name, values }) => values.examples.slice(0, 1).map((example) =>
    make("p", {}, make("code", {}, example.record), ` ${name}: `,
      shownValue(example.old), " → ", make("b", {}, shownValue(example.new))));
  byId("shadow").replaceChildren(
    make("p", {}, make("b", {}, `${candidate.name} ${candidate.version}`), ` (${shortest(candidate.digest)}) beside `,
      `${named(old)} on ${shadow.share_percent} % of the batches`),
    make("p", { class: "facts" }, fact("records compared", whole.format(records)),
      fact("rows equal", whole.format(sum(outputs.map((output) => output.equal)))),
      fact("rows different", whole.format(sum(outputs.map((output) => output.different)))),
      fact("rejects gained", whole.format(codes(rejects.gained))),
      fact("lost", whole.format(codes(rejects.lost))),
      fact("time of a record", `${each(candidate)} instead of ${each(old)}`)),
    ...(shadow.ended ? [make("p", { class: "answer bad" }, shadow.ended)] : []),
    ...(columns.length ? [] : [make("p", { class: "empty" }, "No column differs so far.")]),
    make("dl", { class: "bars" }, ...columns.flatMap((column) => [
      make("dt", {}, outputs.length > 1 ? `${column.output.target} ${column.name}` : column.name),
      bar(column.values.count / most),
      make("dd", {}, count(column.values.count))])),
    make("div", { class: "examples" }, ...columns.slice(0, 5).flatMap(exampleOf)));
}

/* The last minutes */

function showSamples() {
  if (!samples.length) return;
  const now = samples.slice(-NOW_SAMPLES);
  const last = samples[samples.length - 1];
  say("throughput", rate(mean(now.map((sample) => sample.records))));
  const settled = shown ? ` · ${count(shown.records)} since the start` : "";
  const rows = rate(mean(now.map((sample) => sample.rows)));
  const volume = bytes(mean(now.map((sample) => sample.bytes)));
  say("throughput-more", `${rows} rows/s · ${volume}/s${settled}`);
  const worst = known(now.map((sample) => sample.p99_ms));
  say("latency", worst.length ? millis(Math.max(...worst)) : "–");
  say("latency-half", worst.length ? millis(mean(known(now.map((sample) => sample.p50_ms)))) : "–");
  say("latency-more", worst.length ? " · record timestamp to acknowledged" : " · no record just now");
  const lag = last.lag;
  say("lag", lag === null ? "–" : count(lag));
  say("lag-unit", lag === 1 ? "record" : "records");
  say("lag-more", lagText(lag));
  showCharts();
  showStages();
}

function showCharts() {
  const records = { of: (sample) => sample.records, kind: "one", area: true, name: "records" };
  const rejected = { of: (sample) => sample.rejected, kind: "bad", name: "rejected" };
  const half = { of: (sample) => sample.p50_ms, kind: "one", name: "p50" };
  const most = { of: (sample) => sample.p99_ms, kind: "two", name: "p99" };
  const lag = { of: (sample) => sample.lag, kind: "one", area: true, name: "lag" };
  // The line of rejects is there only where there are some.
  const flow = samples.some((sample) => sample.rejected > 0) ? [records, rejected] : [records];
  chart(byId("throughput-chart"), samples, flow, { text: rate, least: 10 });
  chart(byId("latency-chart"), samples, [most, half], { text: millis, least: 10, log: true });
  byId("lag-chart").toggleAttribute("hidden", samples.every((sample) => sample.lag === null));
  chart(byId("lag-chart"), samples, [lag], { text: count, least: 10 });
}

function lagText(lag) {
  if (lag === null) return "the source does not tell where it ends";
  if (lag === 0) return "everything is settled";
  const records = mean(samples.slice(-NOW_SAMPLES).map((sample) => sample.records));
  if (lag < 3 * records) return "keeps up with what is written";
  const recent = samples.slice(-15).filter((sample) => sample.lag !== null);
  const seconds = recent.length > 5 ? (recent[recent.length - 1].at - recent[0].at) / 1000 : 0;
  const shrinks = recent.length > 5 ? (recent[0].lag - lag) / seconds : 0;
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
    const body = await answer.json().catch(() => ({}));
    if (body.error) answered(body.error, "bad");
    else {
      const [word, kind] = OUTCOMES[body.outcome] || [`HTTP ${answer.status}`, "bad"];
      answered([`${sentence(word)}.`, why(body)].filter(Boolean).join("\n"), kind === "none" ? "" : kind);
    }
  } catch (error) {
    answered(error.message === "token"
      ? "Not done: the token was needed. Try again."
      : "No answer; look at the log of host.", "bad");
  }
  changing = false;
  byId("swap").disabled = false; // Where a rollback leads by now, the next status says.
}

byId("swap").addEventListener("click", () => byId("plugin-file").click());
byId("plugin-file").addEventListener("change", async () => {
  const [file] = byId("plugin-file").files;
  if (!file) return;
  const sure = await dialog("Swap the plugin?", `${file.name} (${bytes(file.size)}) is checked, tried on the latest ` +
    "records, and takes the next batch if it passes. Nothing stops meanwhile.", "Swap");
  if (sure) {
    const request = { method: "PUT", headers: { "Content-Type": "application/wasm" }, body: file };
    await change("/plugin", request, `Uploading and checking ${file.name}…`);
  }
  byId("plugin-file").value = "";
});
byId("rollback").addEventListener("click", async () => {
  const { name, version, digest, back } = shown.plugin;
  if (!back) return;
  const text = `From ${named({ name, version, digest })} to ${named(back)}, the last version that ran well before ` +
    "it. It is tried on the latest records and takes the next batch if it passes. " +
    "Rows that are written stay as they are.";
  const sure = await dialog("Roll back?", text, `Roll back to ${back.version}`);
  if (sure) {
    const body = JSON.stringify({ to: back.digest });
    const request = { method: "POST", headers: { "Content-Type": "application/json" }, body };
    await change("/plugin/rollback", request, `Rolling back to ${named(back)}…`);
  }
});

follow(document.querySelectorAll(".chart svg"), showSamples);
document.addEventListener("visibilitychange", () => { if (!document.hidden) showSamples(); });
window.addEventListener("resize", () => showSamples());
look();
