// Ages that grow while one looks, and the line in the page's head that says how new the figures are.

import { el, refill, withCommands } from "./dom.js";
import { length, now, time } from "./format.js";

/** Return an element that says how long ago a time was, and goes on saying it. */
export function ago(seconds, before = "", after = "") {
  const element = el("time", { "data-at": seconds, "data-before": before, "data-after": after, title: time(seconds) });
  tell(element);
  return element;
}

function tell(element) {
  const { at, before, after } = element.dataset;
  element.textContent = `${before}${length(now() - Number(at))} ago${after}`;
}

/** Say how new the figures are: `stand` is the last that came, `cutSince` since when none can come, or null. */
export function showPulse(stand, cutSince) {
  const pulse = document.getElementById("pulse");
  const cut = document.getElementById("cut");
  const trouble = cutSince ?? (stand?.trouble ? stand.since : null);
  document.body.classList.toggle("is-cut", trouble !== null);
  cut.hidden = trouble === null;
  if (trouble !== null) {
    const words = cutSince === null ? stand.trouble : "The page's server does not answer; run `make status`";
    refill(cut, withCommands(`Cut off since ${time(trouble)}: ${words}. What you see is of then; the page tries again by itself.`));
  }
  if (!stand) return;
  pulse.className = trouble === null ? "pulse live" : "pulse";
  if (stand.version === null) refill(pulse, "No counts yet");
  else refill(pulse, el("span", {}, "Counts of "), el("b", {}, time(stand.whole_until ?? stand.built_at)), ", ", ago(stand.whole_until ?? stand.built_at));
}

setInterval(() => {
  if (!document.hidden) document.querySelectorAll("time[data-at]").forEach(tell);
}, 1000);
