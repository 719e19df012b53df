// Panel 7: the classes of bots over time, and who is suspected. A click on a client opens what speaks against it.

import { groups, rows } from "../api.js";
import { TimeChart, sum } from "../chart.js";
import { el } from "../dom.js";
import { number, time } from "../format.js";
import { figuresOf, table } from "../table.js";
import { change } from "../view.js";
import { zoomTo } from "../zoom.js";

const FEW = 10;
const COLORS = {
  people: "people",
  crawler: "class-1",
  tool: "class-2",
  scraper: "class-3",
  attacker: "class-4",
  card_tester: "class-5",
  impostor: "class-6",
  hammerer: "class-7",
  monitor: "class-8",
  unclear: "class-9",
};
const words = (name) => name.replaceAll("_", " ");

export const bots = {
  name: "bots",
  leastStep: 300,
  isEmpty: ({ tables }) => tables.suspects.rows.length === 0 && tables.series.rows.length === 0,
  draw({ tables, span, stand }, card) {
    const found = rows(tables.suspects);
    const shown = card.showsAll ? found : found.slice(0, FEW);
    const { times, series, values } = byClass(rows(tables.series));
    const chart = card.chart("series", () => new TimeChart({ kind: "stack", height: 250, onZoom: zoomTo }));
    const columns = [
      { title: "Client", class: "name", of: (row) => clientButton(row.ip_address) },
      { title: "Class", of: (row) => words(row.class) },
      { title: "Score", class: "number", of: (row) => number(row.score) },
      { title: "Reasons", class: "wide reasons", of: (row) => row.reasons.map(words).join(", ") || "–" },
      { title: "Events", class: "number", of: (row) => number(row.events) },
      { title: "Counts as", of: standing },
      { title: "Last seen", class: "number wide", of: (row) => time(row.last_seen_at) },
    ];
    const flip = () => {
      card.showsAll = !card.showsAll;
      card.redraw();
    };
    card.fill(
      el(
        "div",
        { class: "halves" },
        el("div", {}, chart.element, figuresOf(card, times, values, series)),
        el(
          "div",
          {},
          table(columns, shown, "Suspects that were active in this time, with all their events"),
          el("p", { class: "foot" }, "Clients that were active in this time, with the events of all time. ", found.length > FEW
            ? el("button", { type: "button", class: "link", "data-key": "more bots", on: { click: flip } }, card.showsAll ? "Show fewer" : `Show ${number(found.length)}`)
            : null),
        ),
      ),
    );
    chart.show({ title: "Events by class of bots", times, values, series, span, wholeUntil: stand.whole_until });
  },
};

function byClass(counted) {
  const times = [...new Set(counted.map((row) => row.window_start))].sort((one, other) => one - other);
  const classes = groups(counted, "class");
  const ordered = [...classes.entries()]
    .map(([name, list]) => ({ key: name, label: words(name), color: COLORS[name] ?? "class-9", values: list.map((row) => row.events) }))
    .sort((one, other) => sum(other.values) - sum(one.values));
  return { times, series: ordered, values: ordered.map(({ values }) => values) };
}

function clientButton(client) {
  return el(
    "button",
    { type: "button", class: "link mono", "data-key": `client ${client}`, on: { click: () => change({ client }) } },
    client,
  );
}

function standing({ is_convicted: isConvicted, verdict }) {
  const text = isConvicted ? "bot" : verdict === "pardoned" ? "people, pardoned" : "people so far";
  return el("span", { class: isConvicted ? "tag tag-bot" : "tag" }, text);
}
