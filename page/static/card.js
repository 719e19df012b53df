// A card is what a panel stands in: its title, what it does not follow, its CSV, and what it says when it has nothing.

import { Refusal, ask } from "./api.js";
import { el, refill, withCommands } from "./dom.js";
import { FOLLOW_PRODUCT, address, change, question, view } from "./view.js";
import { range, stepWords, time } from "./format.js";

const RETRY_MS = 10_000;

/** One panel on the page. `panel` draws: `{name, note?, isEmpty(answer)?, draw(answer, card)}`. */
export class Card {
  constructor(panel, title) {
    this.panel = panel;
    this.charts = new Map();
    this.last = "";
    this.note = el("p", { class: "note" });
    this.csv = el("a", { class: "csv", download: `${panel.name}.csv`, title: "The figures as CSV" }, "CSV");
    this.body = el("div", { class: "body" }, el("div", { class: "skeleton", "aria-label": "Loading" }));
    this.words = el("p", { class: "words", role: "status", hidden: true });
    const id = `title-${panel.name}`;
    this.element = el(
      "section",
      { class: `card card-${panel.name}`, id: panel.name, "aria-labelledby": id, "aria-busy": "true" },
      el("header", { class: "card-head" }, el("h2", { id }, title), this.note, this.csv),
      this.words,
      this.body,
    );
  }

  /** Ask the server, and draw what is new. */
  async refresh() {
    const asked = question(this.panel.name);
    this.asked = asked;
    clearTimeout(this.retry);
    try {
      const answer = await ask(asked);
      if (asked !== this.asked) return; // the reader wants something else by now
      this.say("");
      this.draw(answer, asked);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (asked !== this.asked) return;
      this.say(error.message, "bad");
      this.retry = setTimeout(() => this.refresh(), RETRY_MS);
    } finally {
      this.element.setAttribute("aria-busy", "false");
    }
  }

  /** Draw again what was last shown, as after another choice that the server need not know of. */
  redraw() {
    if (this.answer) this.panel.draw(this.answer, this);
  }

  /** Return the chart of that name, made at the first call. */
  chart(name, make) {
    if (!this.charts.has(name)) this.charts.set(name, make());
    return this.charts.get(name);
  }

  /** Put elements into the card. */
  fill(...children) {
    refill(this.body, ...children);
  }

  /** Say a sentence above the figures; "" for none. */
  say(sentence, kind = "") {
    this.words.hidden = sentence === "";
    this.words.className = `words ${kind}`;
    refill(this.words, withCommands(sentence));
    if (sentence !== "" && !this.answer) this.fill();
    this.element.classList.toggle("is-old", sentence !== "");
  }

  draw(answer, asked) {
    const text = JSON.stringify([asked, answer.tables, answer.span, answer.stand.whole_until]);
    this.answer = answer;
    this.csv.href = question(this.panel.name, ".csv");
    this.note.textContent = this.noteOf(answer);
    if (text === this.last) return;
    this.last = text;
    if (this.panel.isEmpty?.(answer)) {
      this.fill(emptyWords(answer));
      this.charts.clear();
    } else {
      this.panel.draw(answer, this);
    }
  }

  noteOf(answer) {
    const notes = this.panel.note ? [this.panel.note(answer)] : [noteOfSpan(answer.span, this.panel.leastStep)];
    if (view().product !== null && !FOLLOW_PRODUCT.includes(this.panel.name)) notes.push("shows all products");
    return notes.filter(Boolean).join(" · ");
  }
}

/** Say what time is shown, and by which steps; `leastStep` is 0 where there are none. */
function noteOfSpan({ start, end, step }, leastStep = 60) {
  return leastStep === 0 ? range(start, end) : `${range(start, end)}, by ${stepWords(Math.max(step, leastStep))}`;
}

/** Say that there is nothing in this time, and where there is something. */
function emptyWords({ extent }) {
  if (extent.newest === null) {
    return el(
      "p",
      { class: "empty" },
      "Nothing was counted yet. Send a log with ",
      el("code", {}, "make import FILE=access.log"),
      ", or turn the generator on with ",
      el("code", {}, "make up GENERATE=1"),
      ".",
    );
  }
  const show = (event) => {
    event.preventDefault();
    change({ period: "all" });
  };
  return el(
    "p",
    { class: "empty" },
    `Nothing of this kind in this time. The newest event is of ${time(extent.newest)}. `,
    view().period === "all" ? null : el("a", { href: address({ period: "all" }), on: { click: show } }, "Show everything"),
  );
}
