// Panel 5: products, the most viewed first. A click on one filters this panel and the one before.

import { column, groups, rows } from "../api.js";
import { TimeChart, sparkline } from "../chart.js";
import { el } from "../dom.js";
import { number, percent } from "../format.js";
import { table } from "../table.js";
import { change, view } from "../view.js";
import { zoomTo } from "../zoom.js";

const FEW = 8;
const SERIES = [
  { key: "views", label: "Views", color: "views" },
  { key: "carts", label: "Carts", color: "carts" },
  { key: "checkouts", label: "Checkouts", color: "checkouts" },
];

export const products = {
  name: "products",
  leastStep: 0,
  isEmpty: ({ tables }) => tables.products.rows.length === 0,
  draw(answer, card) {
    const { tables } = answer;
    const found = rows(tables.products);
    const shown = card.showsAll ? found : found.slice(0, FEW);
    const trends = groups(rows(tables.trends), "product_id");
    const [total] = rows(tables.total);
    const columns = [
      { title: "Product", class: "name", of: (row) => productButton(row.product_id) },
      { title: "Views", class: "number", of: (row) => number(row.views) },
      { title: "Carts", class: "number", of: (row) => number(row.carts) },
      { title: "Checkouts", class: "number", of: (row) => number(row.checkouts) },
      { title: "Carts / views", class: "number wide", of: (row) => percent(row.carts, row.views) },
      { title: "Checkouts / views", class: "number wide", of: (row) => percent(row.checkouts, row.views) },
      { title: "Views over time", class: "trend wide", of: (row) => trend(trends.get(row.product_id)) },
    ];
    const chart = view().product === null ? null : card.chart("series", () => new TimeChart({ height: 180, onZoom: zoomTo }));
    card.fill(
      table(columns, shown, "Products, the most viewed first"),
      el(
        "p",
        { class: "foot" },
        view().product === null ? `${number(total.products)} products, ${number(total.views)} views. ` : null,
        found.length > FEW ? toggle(card, found.length) : null,
      ),
      chart?.element,
    );
    if (chart) drawOne(chart, answer);
  },
};

/** Draw the one product that is chosen, over time. */
function drawOne(chart, { tables, span, stand }) {
  const times = column(tables.series, "window_start");
  const values = SERIES.map(({ key }) => column(tables.series, key));
  chart.show({ title: "Views, carts and checkouts of the product", times, values, series: SERIES, span, wholeUntil: stand.whole_until });
}

function productButton(product) {
  const isChosen = view().product === product;
  return el(
    "button",
    {
      type: "button",
      class: "link",
      "aria-pressed": String(isChosen),
      "data-key": `product ${product}`,
      title: isChosen ? "Show all products again" : "Show only this product here and in the panel before",
      on: { click: () => change({ product: isChosen ? null : product }) },
    },
    product,
  );
}

function trend(points) {
  if (!points) return "";
  const last = Math.max(...points.map(({ bin }) => bin), 2);
  const values = Array.from({ length: last }, () => 0);
  for (const { bin, views } of points) values[bin - 1] = views;
  return sparkline(values, "views", { width: 90, height: 20 });
}

function toggle(card, count) {
  const flip = () => {
    card.showsAll = !card.showsAll;
    card.redraw();
  };
  return el("button", { type: "button", class: "link", "data-key": "more products", on: { click: flip } }, card.showsAll ? "Show fewer" : `Show the first ${number(count)}`);
}
