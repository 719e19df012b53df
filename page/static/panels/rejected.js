// Panel 8: records that count nowhere, by reason, and what to do about each.

import { groups, rows } from "../api.js";
import { TimeChart, sum } from "../chart.js";
import { el, withCommands } from "../dom.js";
import { number, time } from "../format.js";
import { figuresOf, table } from "../table.js";
import { view } from "../view.js";
import { zoomTo } from "../zoom.js";

/** Return the panel; `advice` is what to do about each reason. */
export function rejected(advice) {
  return {
    name: "rejected",
    note: () => (view().who === "all" ? "by when Kafka took them" : "by when Kafka took them; neither people's nor bots', so the switch leaves them"),
    isEmpty: ({ tables }) => tables.reasons.rows.length === 0,
    draw({ tables, span }, card) {
      const { times, series, values } = byReason(rows(tables.series));
      const chart = card.chart("series", () => new TimeChart({ kind: "stack", height: 150, onZoom: zoomTo }));
      const columns = [
        { title: "Reason", class: "name", of: (row) => row.reason.replaceAll("_", " ") },
        { title: "Format", class: "wide", of: (row) => (row.format === "none" ? "–" : row.format) },
        { title: "Records", class: "number", of: (row) => number(row.records) },
        { title: "Last", class: "number", of: (row) => time(row.last_seen_at) },
        { title: "What to do", class: "wide advice", of: (row) => withSpan(advice[row.reason]) },
      ];
      card.fill(
        el(
          "div",
          { class: "halves" },
          el("div", {}, chart.element, figuresOf(card, times, values, series)),
          el(
            "div",
            {},
            table(columns, rows(tables.reasons), "Rejected records by reason"),
            el("p", { class: "foot" }, "The lines themselves: ", el("code", {}, "make rejected")),
          ),
        ),
      );
      chart.show({ title: "Rejected records by reason", times, values, series, span });
    },
  };
}

const withSpan = (sentence) => (sentence ? el("span", {}, withCommands(sentence)) : "–");

function byReason(counted) {
  const times = [...new Set(counted.map((row) => row.window_start))].sort((one, other) => one - other);
  const reasons = [...groups(counted, "reason").entries()].map(([reason, list]) => ({ reason, values: list.map((row) => row.records) }));
  reasons.sort((one, other) => sum(other.values) - sum(one.values));
  const series = reasons.map(({ reason }, place) => ({ key: reason, label: reason.replaceAll("_", " "), color: `class-${(place % 9) + 1}` }));
  return { times, series, values: reasons.map(({ values }) => values) };
}
