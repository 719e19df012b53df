// What the page shows: period, people or bots, product, opened client. All of it stands in the URL, and nowhere else.

const DEFAULTS = { period: "1h", who: "all", product: null, client: null, embed: null };
export const PERIODS = { "1h": "1 h", "6h": "6 h", "24h": "24 h", "7d": "7 d", "30d": "30 d", all: "All" };
export const WHO = { people: "People", bots: "Bots", all: "All" };

const listeners = [];

/** Return the view that the URL names. */
export function view() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, query.get(name) ?? DEFAULTS[name]]));
}

/** Return the URL of the page with some of the view changed; null takes something out. */
export function address(changes) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...view(), ...changes })) {
    if (value !== null && value !== DEFAULTS[name]) query.set(name, value);
  }
  return query.size ? `?${query}` : location.pathname;
}

/** Change the view, and tell those who listen. */
export function change(changes) {
  const before = location.href;
  history.pushState(null, "", address(changes));
  if (location.href !== before) tell();
}

/** Call `listener` whenever the view has changed. */
export function onChange(listener) {
  listeners.push(listener);
}

/** Return what a panel asks of the server. */
export function question(panel, form = "") {
  const { period, who, product } = view();
  const query = new URLSearchParams({ period, who });
  if (product !== null && FOLLOW_PRODUCT.includes(panel)) query.set("product", product);
  return `/api/${panel}${form}?${query}`;
}

/** The panels that a product filters. */
export const FOLLOW_PRODUCT = ["funnel", "products"];

function tell() {
  for (const listener of listeners) listener(view());
}

addEventListener("popstate", tell);
