// Panel 2: the last five minutes, each number with its last hour.

import { column } from "../api.js";
import { sparkline, sum } from "../chart.js";
import { el } from "../dom.js";
import { clock, number, time } from "../format.js";

const MINUTES = 5;
const TILES = [
  ["people", "Events of people", "people"],
  ["bots", "Events of bots", "bots"],
  ["carts", "Put into carts", "carts"],
  ["checkouts", "Checkouts", "checkouts"],
  ["failed_payments", "Failed payments", "failed"],
];

export const now = {
  name: "now",
  note({ tables }) {
    const [first, ...others] = column(tables.minutes, "window_start").slice(-MINUTES);
    return first === undefined ? "" : `the five minutes from ${time(first)} to ${clock((others.at(-1) ?? first) + 60)}`;
  },
  isEmpty: ({ tables }) => tables.minutes.rows.length === 0,
  draw({ tables }, card) {
    const tiles = TILES.map(([name, label, color]) => {
      const values = column(tables.minutes, name);
      const isOff = values.every((value) => value === null);
      return el(
        "li",
        { class: isOff ? "tile off" : "tile" },
        el("span", { class: "tile-label" }, label),
        el("b", { class: "tile-value" }, isOff ? "off" : number(sum(values.slice(-MINUTES)))),
        isOff ? null : sparkline(values, color),
        el("span", { class: "hidden" }, isOff ? "switched off above" : `, ${number(sum(values))} in the last hour`),
      );
    });
    card.fill(el("ul", { class: "tiles" }, tiles));
  },
};
