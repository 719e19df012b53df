// One client, opened from the list of suspects: how its score adds up, what was decided when, and its last raw lines.

import { Refusal, ask } from "./api.js";
import { TimeChart } from "./chart.js";
import { el, refill, withCommands } from "./dom.js";
import { clockWithSeconds, number, percent, time } from "./format.js";
import { table } from "./table.js";
import { change } from "./view.js";

const BAR_SECONDS = 300;
const dialog = document.getElementById("suspect");
const close = () => change({ client: null });
let opened = null;

dialog.addEventListener("close", () => opened !== null && close());
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

/** Show a client, or none where it is null. */
export async function showSuspect(client) {
  if (client === opened) return;
  opened = client;
  if (client === null) {
    dialog.close();
    return;
  }
  refill(dialog, head(client), el("div", { class: "skeleton", "aria-label": "Loading" }));
  if (!dialog.open) dialog.showModal();
  const query = new URLSearchParams({ client });
  try {
    const found = await ask(`/api/suspect?${query}`);
    if (client !== opened) return;
    const lines = el("section", {}, el("h3", {}, "Its last lines"), el("div", { class: "skeleton", "aria-label": "Loading" }));
    refill(dialog, head(client), summary(found.client), arithmetic(found), history(found), deeds(found.client), lines);
    await showLines(client, query, lines);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (client === opened) refill(dialog, head(client), el("p", { class: "words bad" }, withCommands(error.message)));
  }
}

function head(client) {
  return el(
    "header",
    { class: "card-head" },
    el("h2", { id: "suspect-title", class: "mono" }, client),
    el("button", { type: "button", class: "close", "data-key": "close", "aria-label": "Close", on: { click: () => dialog.close() } }, "×"),
  );
}

function summary(client) {
  const standing = client.is_convicted ? "All its events count as a bot's" : client.bot_events ? "Some of its events count as a bot's" : "Its events count as people's";
  const verdict = client.verdict ? `, by a verdict of ${client.decided_by === "hand" ? "a person" : "the marts"}` : "";
  return el(
    "p",
    {},
    `${standing}${verdict}. ${number(client.events)} events (${percent(client.share, 1)} of all) from ${time(client.first_seen_at)} to ${time(client.last_seen_at)}: `,
    `${number(client.views)} views, ${number(client.add_to_carts)} carts, ${number(client.checkouts)} checkouts (${number(client.paid_checkouts)} paid), ${number(client.errors)} errors.`,
  );
}

function arithmetic({ client, reasons }) {
  const total = reasons.reduce((sum, { points }) => sum + points, 0);
  const columns = [
    { title: "Reason", class: "name", of: ({ reason }) => reason.replaceAll("_", " ") },
    { title: "Measured", class: "number", of: ({ figure }) => number(figure) },
    { title: "From", class: "number", of: ({ threshold }) => number(threshold) },
    { title: "What is measured", class: "wide", of: ({ meaning }) => meaning },
    { title: "Points", class: "number", of: ({ points }) => (points > 0 ? `+${points}` : `${points}`) },
  ];
  const words = total === client.score ? `${total} points` : `${total} points, but a score is not below 0`;
  const call = client.would_convict ? "which calls for a verdict." : "which calls for no verdict.";
  return el(
    "section",
    {},
    el("h3", {}, `Score ${client.score}`),
    reasons.length ? table(columns, reasons, "How the score adds up") : el("p", {}, "No reason speaks against it any more."),
    el("p", { class: "foot" }, `In all ${words}, ${call} `, client.is_crowd ? "It stands for many people, as a proxy or an office does." : ""),
  );
}

function history({ client, verdicts }) {
  const events = [
    { at: client.first_seen_at, text: "first seen" },
    ...verdicts.map((one) => ({ at: one.decided_at, text: `${one.verdict} by ${one.decided_by}${one.reason ? `: ${one.reason}` : ""}` })),
    { at: client.last_seen_at, text: "last seen" },
  ].sort((one, other) => one.at - other.at);
  return el(
    "section",
    {},
    el("h3", {}, "Timeline"),
    el("ol", { class: "timeline" }, events.map(({ at, text }) => el("li", {}, el("time", {}, time(at)), el("span", {}, text)))),
  );
}

/** Show the commands that would change how it counts: the page itself only reads. */
function deeds({ ip_address: client, is_convicted: isConvicted, would_convict: wouldConvict, bot_events: botEvents }) {
  const isAddress = /^[0-9A-Fa-f.:]+$/.test(client);
  if (!isAddress) return el("p", { class: "note" }, "No verdict falls on what is no address.");
  const deed = isConvicted || botEvents || wouldConvict ? "pardon" : "convict";
  const command = `make ${deed} IP=${client} REASON="…"`;
  return el(
    "section",
    {},
    el("h3", {}, deed === "pardon" ? "If it is people after all" : "If it is a bot after all"),
    el("p", {}, "This page changes nothing. In the project's folder, run"),
    el("pre", {}, el("code", {}, command)),
    el("p", { class: "foot" }, el("code", {}, `make explain IP=${client}`), " says more, and ", el("code", {}, "DRY_RUN=1"), " shows first what would move."),
  );
}

async function showLines(client, query, section) {
  const title = el("h3", {}, "Its last lines");
  let found;
  try {
    found = await ask(`/api/lines?${query}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    refill(section, title, el("p", { class: "words bad" }, withCommands(error.message)));
    return;
  }
  if (client !== opened) return;
  const limit = found.is_cut ? "; what is older was not looked into, for there is too much of it" : "";
  const note = el("p", { class: "foot" }, `From bronze since ${time(found.since)}${limit}.`);
  if (found.lines.length === 0) {
    refill(section, title, el("p", { class: "empty" }, "No line of it came in the last days."), note);
    return;
  }
  const chart = new TimeChart({ height: 110 });
  refill(
    section,
    title,
    chart.element,
    el("ol", { class: "lines" }, found.lines.map(({ at, text }) => el("li", {}, el("time", { title: time(at) }, clockWithSeconds(at)), el("code", {}, text)))),
    note,
  );
  chart.show(bars(found.counts));
}

function bars(counts) {
  const [start, end] = [counts[0][0], counts.at(-1)[0] + BAR_SECONDS];
  const step = Math.max(BAR_SECONDS, Math.ceil((end - start) / 200 / BAR_SECONDS) * BAR_SECONDS);
  const times = Array.from({ length: Math.ceil((end - start) / step) }, (_, place) => start + place * step);
  const values = times.map(() => 0);
  for (const [at, lines] of counts) values[Math.floor((at - start) / step)] += lines;
  const series = [{ key: "lines", label: "Lines", color: "bots" }];
  return { title: "Its lines over time", times, values: [values], series, span: { start, end: times.at(-1) + step, step } };
}
