// Tables: those that are shown, and those behind charts, for readers who do not see a chart.

import { el } from "./dom.js";
import { number, time } from "./format.js";

/** Return a table. `columns` are `{title, of(row), class?}`; what `of` returns is text or an element. */
export function table(columns, rows, caption, { attributes = () => ({}) } = {}) {
  return el(
    "div",
    { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    el(
      "table",
      {},
      el("caption", { class: "hidden" }, caption),
      el("thead", {}, el("tr", {}, columns.map((column) => el("th", { scope: "col", class: column.class }, column.title)))),
      el(
        "tbody",
        {},
        rows.map((row) => el("tr", attributes(row), columns.map((column) => el("td", { class: column.class }, column.of(row) ?? "–")))),
      ),
    ),
  );
}

/** Return a fold with the figures of a chart, the newest first; it is filled when somebody opens it. */
export function figures(times, values, series, { format = number, open = false } = {}) {
  const fold = el("details", { class: "figures", open }, el("summary", {}, "Figures as a table"));
  const fillIn = () => {
    if (!fold.open || fold.querySelector("table")) return;
    const columns = [
      { title: "From", of: ({ at }) => time(at) },
      ...series.map(({ label }, index) => ({ title: label, class: "number", of: ({ place }) => format(values[index][place]) })),
    ];
    const lines = times.map((at, place) => ({ at, place })).reverse();
    fold.append(table(columns, lines, "The figures of the chart, the newest first"));
  };
  fold.addEventListener("toggle", fillIn);
  fillIn();
  return fold;
}

/** Return such a fold for a card, as open as the one that it replaces. */
export function figuresOf(card, ...rest) {
  return figures(...rest, { open: card.body.querySelector("details.figures")?.open ?? false });
}
