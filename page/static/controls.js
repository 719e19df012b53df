// The choices in the head of the page: period, people or bots, and the product that filters.

import { el, refill } from "./dom.js";
import { fieldTime, fromField, now, range, zoneName } from "./format.js";
import { FOLLOW_PRODUCT, PERIODS, WHO, change, view } from "./view.js";
import { zoomTo } from "./zoom.js";

const form = document.getElementById("controls");
form.addEventListener("submit", (event) => event.preventDefault());

/** Show the choices as they are; `span` is what the panels show, null where that is not known yet. */
export function showControls(span) {
  const { period, who, product } = view();
  const isOwn = !(period in PERIODS);
  refill(
    form,
    choice("Period", PERIODS, period, (value) => change({ period: value })),
    ownPeriod(isOwn, span),
    choice("People or bots", WHO, who, (value) => change({ who: value })),
    product === null ? null : chip(`Product ${product || "without a name"}`, "Show all products", `filters the panels ${FOLLOW_PRODUCT.join(" and ")}`, () => change({ product: null })),
  );
}

function choice(name, options, chosen, choose) {
  const buttons = Object.entries(options).map(([value, label]) =>
    el(
      "button",
      { type: "button", "aria-pressed": String(value === chosen), "data-key": `${name} ${value}`, on: { click: () => choose(value) } },
      label,
    ),
  );
  return el("div", { class: "choice", role: "group", "aria-label": name }, buttons);
}

function ownPeriod(isOwn, span) {
  const [start, end] = span ? [span.start, span.end] : [now() - 3600, now()];
  const fold = form.querySelector("details.own");
  const from = el("input", { type: "datetime-local", name: "from", value: fieldTime(start), "data-key": "from" });
  const to = el("input", { type: "datetime-local", name: "to", value: fieldTime(end), "data-key": "to" });
  const apply = () => {
    const [first, last] = [fromField(from.value), fromField(to.value)];
    if (first < last) zoomTo(first, last);
  };
  return el(
    "details",
    { class: isOwn ? "own chosen" : "own", open: fold?.open && fold.contains(document.activeElement) },
    el("summary", { "data-key": "own", title: "A period of your own" }, isOwn && span ? range(start, end) : "From … to"),
    el(
      "div",
      { class: "own-form" },
      el("label", {}, `From (${zoneName()})`, from),
      el("label", {}, "To", to),
      el("button", { type: "button", class: "primary", "data-key": "apply", on: { click: apply } }, "Show"),
      isOwn ? el("button", { type: "button", "data-key": "back", on: { click: () => change({ period: "1h" }) } }, "Back to the last hour") : null,
    ),
  );
}

function chip(text, title, detail, remove) {
  return el(
    "span",
    { class: "chip", title: detail },
    text,
    el("button", { type: "button", "aria-label": title, "data-key": "no product", on: { click: remove } }, "×"),
  );
}
