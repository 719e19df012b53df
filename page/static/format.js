// Numbers and times as people read them. Times are epoch seconds, and shown in the shop's time zone.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
let zone = "UTC";
let aheadSeconds = 0;
const formats = new Map();

/** Show times in this zone from now on. */
export function setZone(name) {
  zone = name;
  formats.clear();
}

export const zoneName = () => zone;

/** Take the server's clock for right. */
export function setServerTime(seconds) {
  aheadSeconds = Date.now() / 1000 - seconds;
}

/** Return the time by the server's clock. */
export const now = () => Date.now() / 1000 - aheadSeconds;

export const number = (value) => (value === null || value === undefined ? "–" : WHOLE.format(value));
export const short = (value) => (value === null || value === undefined ? "–" : SHORT.format(value));

/** Return a share in percent, with as many digits as it needs. */
export function percent(part, whole) {
  if (!whole || part === null || part === undefined) return "–";
  const share = (100 * part) / whole;
  const digits = share === 0 || share >= 10 ? 0 : share >= 1 ? 1 : 2;
  return `${share.toFixed(digits)} %`;
}

function format(name, options) {
  if (!formats.has(name)) formats.set(name, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  return formats.get(name);
}

const DAY = { year: "numeric", month: "2-digit", day: "2-digit" };
const MINUTE = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** Return the day of a time: 2026-03-01. */
export function day(seconds) {
  const parts = Object.fromEntries(format("day", DAY).formatToParts(seconds * 1000).map((part) => [part.type, part.value]));
  return `${parts.year}-${parts.month}-${parts.day}`;
}

export const clock = (seconds) => format("clock", MINUTE).format(seconds * 1000);
export const clockWithSeconds = (seconds) => format("seconds", { ...MINUTE, second: "2-digit" }).format(seconds * 1000);

/** Return a time with its day, unless that is today. */
export function time(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  return day(seconds) === day(now()) ? clock(seconds) : `${day(seconds)} ${clock(seconds)}`;
}

/** Return a range of times: 10:00 to 11:00. */
export function range(start, end) {
  if (day(start) === day(end - 1)) return `${time(start)} to ${clock(end)}`;
  return `${day(start)} ${clock(start)} to ${day(end)} ${clock(end)}`;
}

/** Return a length of time in its largest unit: 8 s, 5 min, 3 h, 2 days. */
export function length(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.round(whole / 60)} min`;
  if (whole < 172800) return `${Math.round(whole / 3600)} h`;
  return `${WHOLE.format(Math.round(whole / 86400))} days`;
}

/** Return the width of a chart's step in words. */
export function stepWords(seconds) {
  const words = { 60: "minute", 3600: "hour", 86400: "day", 604800: "week" };
  if (words[seconds]) return words[seconds];
  return seconds < 3600 ? `${seconds / 60} minutes` : `${seconds / 3600} hours`;
}

/** Return what a form's field for local times holds: 2026-03-01T10:00, in the shop's zone. */
export const fieldTime = (seconds) => `${day(seconds)}T${clock(seconds)}`;

/** Return the epoch seconds of such a field; NaN where it is empty. */
export function fromField(text) {
  const wanted = Date.parse(`${text}Z`) / 1000;
  let seconds = wanted;
  for (let round = 0; round < 2; round += 1) seconds += wanted - Date.parse(`${fieldTime(seconds)}Z`) / 1000;
  return seconds;
}

/** Return a time as the URL has it: 2026-03-01T10:00Z. */
export const isoTime = (seconds) => new Date(seconds * 1000).toISOString().replace(/:\d\d\.\d+Z$/, "Z");
