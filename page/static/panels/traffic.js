// Panel 3: people and bots over time. Drag over the chart to look closer.

import { column, rows } from "../api.js";
import { TimeChart, sum } from "../chart.js";
import { el } from "../dom.js";
import { number, range, time } from "../format.js";
import { figuresOf } from "../table.js";
import { zoomTo } from "../zoom.js";

const MOST_MARKS = 100;
const SERIES = [
  { key: "people", label: "People", color: "people" },
  { key: "bots", label: "Bots", color: "bots" },
];

export const traffic = {
  name: "traffic",
  isEmpty: ({ tables }) => SERIES.every(({ key }) => sum(column(tables.series, key)) === 0),
  draw({ tables, span, stand }, card) {
    const times = column(tables.series, "window_start");
    const series = SERIES.filter(({ key }) => column(tables.series, key).some((value) => value !== null));
    const values = series.map(({ key }) => column(tables.series, key));
    const marks = rows(tables.marks);
    const replays = marks.filter(({ kind }) => kind === "replay");
    const chart = card.chart("series", () => new TimeChart({ height: 240, onZoom: zoomTo }));
    card.fill(chart.element, restated(replays, marks), figuresOf(card, times, values, series));
    chart.show({
      title: "Events of people and of bots",
      times,
      values,
      series,
      span,
      wholeUntil: stand.whole_until,
      marks: replays.map(({ range_start: start, range_end: end }) => ({ start, end })),
    });
  },
};

/** Say what was counted again in this time: replays, and verdicts that moved clients. */
function restated(replays, marks) {
  const verdicts = marks.filter(({ kind }) => kind !== "replay");
  if (marks.length === 0) return null;
  const lines = [
    ...replays.map((one) => `${time(one.done_at)}: ${range(one.range_start, one.range_end)} was counted again, ${signed(one.moved_events)} events${one.reason ? ` (${one.reason})` : ""}`),
    ...verdicts.map((one) => `${time(one.done_at)}: ${one.client} was ${one.kind}, which moved its past too${one.reason ? ` (${one.reason})` : ""}`),
  ];
  const first = marks.length === MOST_MARKS ? "the last " : "";
  const words = [
    replays.length ? `${number(replays.length)} ${replays.length === 1 ? "replay" : "replays"}` : null,
    verdicts.length ? `${number(verdicts.length)} ${verdicts.length === 1 ? "verdict" : "verdicts"}` : null,
  ];
  return el(
    "details",
    { class: "fold" },
    el("summary", {}, `Restated by ${first}${words.filter(Boolean).join(" and ")}`),
    el("ul", {}, lines.map((line) => el("li", {}, line))),
  );
}

const signed = (value) => `${value < 0 ? "−" : "+"}${number(Math.abs(value))}`;
