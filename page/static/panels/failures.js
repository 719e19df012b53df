// Panel 6: payments that failed or were declined, and what was slow or broken.

import { column, rows } from "../api.js";
import { TimeChart, sum } from "../chart.js";
import { el } from "../dom.js";
import { number, percent } from "../format.js";
import { figuresOf, table } from "../table.js";
import { zoomTo } from "../zoom.js";

const PAYMENTS = [
  { key: "failed", label: "Failed (5xx)", color: "failed" },
  { key: "declined", label: "Declined (4xx)", color: "declined" },
  { key: "checkouts", label: "All checkouts", color: "checkouts" },
];
const WAITING = [{ key: "avg_response_ms", label: "Average response", color: "views" }];

export const payments = {
  name: "payments",
  isEmpty: ({ tables }) => sum(column(tables.series, "checkouts")) === 0,
  draw({ tables, span, stand }, card) {
    const times = column(tables.series, "window_start");
    const values = PAYMENTS.map(({ key }) => column(tables.series, key));
    const [failed, declined, checkouts] = values.map(sum);
    const chart = card.chart("series", () => new TimeChart({ height: 260, onZoom: zoomTo }));
    card.fill(
      el(
        "p",
        { class: "headline" },
        el("b", {}, percent(failed, checkouts)),
        " of checkouts failed, ",
        el("b", {}, percent(declined, checkouts)),
        " were declined.",
      ),
      chart.element,
      figuresOf(card, times, values, PAYMENTS),
    );
    chart.show({ title: "Checkouts, and those that failed or were declined", times, values, series: PAYMENTS, span, wholeUntil: stand.whole_until });
  },
};

export const slow = {
  name: "slow",
  leastStep: 300,
  isEmpty: ({ tables }) => tables.actions.rows.length === 0,
  draw({ tables, span, stand }, card) {
    const times = column(tables.series, "window_start");
    const values = [column(tables.series, "avg_response_ms")];
    const isTimed = values[0].some((value) => value !== null);
    const chart = card.chart("series", () => new TimeChart({ kind: "line", height: 130, unit: " ms", onZoom: zoomTo }));
    const columns = [
      { title: "Action", class: "name", of: (row) => row.action.replaceAll("_", " ") },
      { title: "Events", class: "number", of: (row) => number(row.events) },
      { title: "Server errors", class: "number", of: (row) => flagged(row.server_errors, row.events) },
      { title: "Client errors", class: "number wide", of: (row) => `${number(row.client_errors)} (${percent(row.client_errors, row.events)})` },
      { title: "Average", class: "number", of: (row) => (row.avg_response_ms === null ? "–" : `${number(row.avg_response_ms)} ms`) },
    ];
    card.fill(
      isTimed ? chart.element : el("p", { class: "empty" }, "These logs do not say how long an answer took. Log the response time to see it here."),
      table(columns, rows(tables.actions), "Errors and response time by action"),
      isTimed ? figuresOf(card, times, values, WAITING) : null,
    );
    if (isTimed) chart.show({ title: "Average response time", times, values, series: WAITING, span, wholeUntil: stand.whole_until, wholes: [average(values[0], column(tables.series, "timed_events"))] });
  },
};

/** Return the average of all events, given that of each step and how many it has. */
function average(values, events) {
  return sum(values.map((value, place) => (value ?? 0) * events[place])) / sum(events);
}

function flagged(errors, events) {
  const text = `${number(errors)} (${percent(errors, events)})`;
  return errors / events > 0.01 ? el("span", { class: "bad" }, text) : text;
}
