// Numbers, times and names as the page writes them. Nothing here knows the page.

const BEYOND_MS = 3600000; // the last bound of the latency histogram: above it there is no telling

export const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
export const count = (value) => (value < 10000 ? whole.format(Math.round(value)) : compact.format(value));
export const plural = (n, one, many) => `${whole.format(n)} ${n === 1 ? one : many}`;

export function rate(value) {
  return value < 10 ? String(Number(value.toFixed(1))) : count(value);
}

export const sentence = (word) => word[0].toUpperCase() + word.slice(1);

export function bytes(value) {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)}\u00a0${units[unit]}`;
}

export function millis(value) {
  if (value === null || value === undefined) return "–";
  if (value >= BEYOND_MS) return "> 1 h";
  if (value >= 120000) return `${Math.round(value / 60000)} min`;
  if (value >= 1000) return `${Number((value / 1000).toFixed(value < 10000 ? 1 : 0))} s`;
  if (value >= 10 || value === 1) return `${Math.round(value)} ms`;
  return value >= 1 ? `${value.toFixed(1)} ms` : `${value.toFixed(2)} ms`;
}

export function span(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export const short = (digest) => (digest || "").replace(/^sha256:/, "").slice(0, 12);
export const shortest = (digest) => short(digest).slice(0, 7);

export function clock(at) {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export const known = (values) => values.filter((value) => value !== null && value !== undefined);
export const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);

/* Plugins and swaps */

// The word of each outcome of a swap, and the kind of its chip.
export const OUTCOMES = {
  swapped: ["swapped", "good"],
  unchanged: ["unchanged", "none"],
  refused: ["refused", "bad"],
  rolled_back: ["rolled back", ""],
};

function tried({ tried_records: count, sample_records: sample }) {
  const all = plural(sample, "record", "records");
  return count < sample ? `${whole.format(count)} of ${all}` : plural(count, "record", "records");
}

export function why(swap) {
  if (swap.reasons) return swap.reasons.join("; ");
  if (swap.reason) return swap.reason === `asked by ${swap.asked_by}` ? "" : swap.reason;
  if (swap.outcome !== "swapped" || !swap.times) return "";
  const { assemble_ms: assemble, trial_ms: trial } = swap.times;
  return `compiled and checked in ${millis(assemble)}, tried on ${tried(swap)} in ${millis(trial)}`;
}

export function named(plugin) {
  return plugin ? `${plugin.name} ${plugin.version} (${shortest(plugin.digest)})` : "a component";
}

// From which version to which; where nothing was changed, what was not taken, and what went on.
export function ways(swap) {
  if (swap.outcome === "unchanged") return named(swap.from);
  if (swap.outcome === "refused") return `${named(swap.to)}, ${named(swap.from)} went on`;
  return `${named(swap.from)} → ${named(swap.to)}`;
}
