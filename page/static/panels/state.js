// Panel 1: how the stack is, up to when it has counted, what waits and why, and what was verified or counted again.

import { rows } from "../api.js";
import { el, withCommands } from "../dom.js";
import { length, now, number, percent, range, time } from "../format.js";
import { ago } from "../pulse.js";

const WORDS = {
  well: "All is well",
  waiting: "Rows are on their way",
  unknown: "Not everything is known",
  unwell: "Something is wrong",
  down: "The stack is down",
};
const STALE_SECONDS = 60;

export const state = {
  name: "state",
  note: () => "now, whatever the period",
  draw({ tables }, card) {
    const [look] = rows(tables.state);
    const [counts] = rows(tables.counts);
    const [verified] = rows(tables.verified);
    card.fill(
      verdict(look),
      el(
        "dl",
        { class: "facts" },
        counts?.counted_until ? fact("Counted up to", time(counts.counted_until), ago(counts.counted_until)) : null,
        counts ? fact("Marts", `version ${counts.version}`, ago(counts.built_at, "built ")) : fact("Marts", "none yet", "`make status` says why"),
        counts?.records ? fact("Rejected", percent(counts.rejected, counts.records), `${number(counts.rejected)} of ${number(counts.records)} records`) : null,
        verified ? verifiedFact(verified) : fact("Verified", "never", "`make verify` compares each stage with the one before"),
      ),
      alerts(rows(tables.alerts)),
      restatements(rows(tables.restatements)),
    );
  },
};

/** Say how the stack is, in the sentences of `make status`. */
function verdict(look) {
  if (!look) return el("p", { class: "verdict unknown" }, withCommands("Nobody has looked at the stack yet; its program `watch` does every few seconds. `make status` looks at once."));
  const isOld = now() - look.looked_at > STALE_SECONDS;
  const kind = isOld ? "unwell" : look.state;
  document.body.dataset.state = kind; // the mark in the head has its color
  const sentences = [
    ...(isOld ? [`the stack was last looked at ${length(now() - look.looked_at)} ago; run \`make status\``] : []),
    ...look.problems,
    ...look.unknown,
    ...(look.unfinished ? [look.unfinished] : []),
    ...(typeof look.advice === "string" ? [look.advice] : []),
  ];
  return el(
    "div",
    { class: `verdict ${kind}` },
    el("strong", {}, isOld ? "Nobody looks at the stack" : (WORDS[look.state] ?? look.state)),
    sentences.length ? el("ul", {}, sentences.map((sentence) => el("li", {}, withCommands(sentence)))) : null,
  );
}

function fact(name, value, detail) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, el("b", {}, value), el("small", {}, typeof detail === "string" ? withCommands(detail) : detail)));
}

function verifiedFact({ verified_at: at, verdict: result, scope, failed, unchecked }) {
  const words = { ok: "all holds", failed: `${failed.length} checks failed`, unchecked: `${unchecked.length} checks not made`, crashed: "it crashed" };
  const entry = fact("Verified", words[result] ?? result, ago(at, "", `, ${scope}`));
  entry.classList.toggle("bad", result !== "ok");
  return entry;
}

function alerts(open) {
  if (open.length === 0) return null;
  const items = open.map(({ sentence, next_step: step, level, opened_at: at }) =>
    el("li", { class: `alert ${level}` }, el("span", {}, withCommands(step ? `${sentence}. ${step}` : sentence)), ago(at, "opened ")),
  );
  return el("ul", { class: "alerts", "aria-label": "Open alerts" }, items);
}

function restatements(done) {
  if (done.length === 0) return null;
  const items = done.map((one) =>
    el(
      "li",
      {},
      `${time(one.done_at)}: ${range(one.range_start, one.range_end)} was counted again`,
      one.reason ? ` (${one.reason})` : "",
      `, ${one.moved_events < 0 ? "" : "+"}${number(one.moved_events)} events`,
      one.is_in_force || one.undo_of ? "" : "; undone since",
    ),
  );
  return el("details", { class: "fold" }, el("summary", {}, "The past was restated"), el("ul", {}, items));
}
