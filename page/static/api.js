// Asks the server. A browser sends the tag of what it has by itself, and gets it again only if it has changed.

/** What the server answered instead of what it was asked for: one sentence, which says what to do. */
export class Refusal extends Error {}

/** Return the JSON of an address. */
export async function ask(address) {
  let answer;
  try {
    answer = await fetch(address, { headers: { accept: "application/json" } });
  } catch {
    throw new Refusal("The page's server does not answer. Run `make status`; the page goes on by itself.");
  }
  if (answer.status === 401) location.assign("/login");
  const content = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
  if (!answer.ok) throw new Refusal(content.error);
  return content;
}

/** Return a table of an answer as objects, a row each. */
export function rows({ columns, rows: lists }) {
  return lists.map((list) => Object.fromEntries(columns.map((name, place) => [name, list[place]])));
}

/** Return one column of a table. */
export function column(table, name) {
  const place = table.columns.indexOf(name);
  return table.rows.map((row) => row[place]);
}

/** Return the rows by the value of a column, in a map. */
export function groups(list, name) {
  const found = new Map();
  for (const row of list) {
    if (!found.has(row[name])) found.set(row[name], []);
    found.get(row[name]).push(row);
  }
  return found;
}
