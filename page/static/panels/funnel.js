// Panel 4: from views to paid checkouts. Visits will be the first step once they are counted.

import { rows } from "../api.js";
import { el } from "../dom.js";
import { number, percent } from "../format.js";
import { view } from "../view.js";

const STEPS = [
  ["views", "Product views"],
  ["carts", "Put into carts"],
  ["checkouts", "Checkouts"],
  ["paid", "Paid"],
];

export const funnel = {
  name: "funnel",
  note: () => (view().product === null ? "all products" : `product ${view().product || "without a name"}`),
  isEmpty: ({ tables }) => tables.steps.rows.flat().every((value) => value === 0),
  draw({ tables }, card) {
    const [counts] = rows(tables.steps);
    const most = Math.max(...STEPS.map(([name]) => counts[name]));
    const items = STEPS.map(([name, label], place) => {
      const before = place ? counts[STEPS[place - 1][0]] : null;
      return el(
        "li",
        {},
        el("span", { class: "step-label" }, label),
        el("span", { class: "step-track", "aria-hidden": "true" }, el("span", { class: "step-bar", style: { "--share": counts[name] / most } })),
        el("b", {}, number(counts[name])),
        el("small", {}, before === null ? "" : `${percent(counts[name], before)} of the step before`),
      );
    });
    card.fill(
      el("ol", { class: "steps" }, items),
      el("p", { class: "whole" }, `${percent(counts.paid, counts.views)} of views end in a paid checkout. A checkout that failed or was declined is not paid.`),
    );
  },
};
