// The live page: makes the cards, follows where the marts stand, and asks for what is new.

import { Refusal, ask } from "./api.js";
import { Card } from "./card.js";
import { showControls } from "./controls.js";
import { el } from "./dom.js";
import { setServerTime, setZone } from "./format.js";
import { bots } from "./panels/bots.js";
import { payments, slow } from "./panels/failures.js";
import { funnel } from "./panels/funnel.js";
import { now } from "./panels/now.js";
import { products } from "./panels/products.js";
import { rejected } from "./panels/rejected.js";
import { state } from "./panels/state.js";
import { traffic } from "./panels/traffic.js";
import { showPulse } from "./pulse.js";
import { follow } from "./stream.js";
import { showSuspect } from "./suspect.js";
import { address, onChange, view } from "./view.js";

const main = document.getElementById("panels");
const cards = [];
let stand = null;
let cutSince = null;

/** Ask for what the panels show; only the state where nothing but that has changed. */
async function refresh(isOfMarts) {
  const asked = cards.filter(({ panel }) => isOfMarts || panel.name === "state");
  await Promise.all(asked.map((card) => card.refresh()));
  const shown = cards.find(({ panel, answer }) => panel.name === "traffic" && answer) ?? cards.find(({ answer }) => answer);
  showControls(shown?.answer.span ?? null);
}

function onStand(news) {
  const isOfMarts = stand === null || stand.version !== news.version || stand.built_at !== news.built_at || stand.trouble !== news.trouble;
  const isNew = isOfMarts || stand.looked_at !== news.looked_at || stand.alerts !== news.alerts;
  stand = news;
  setServerTime(news.now);
  showPulse(stand, cutSince);
  if (isNew && !news.trouble) refresh(isOfMarts);
}

function onCut(since) {
  cutSince = since;
  showPulse(stand, cutSince);
}

function onView() {
  showControls(null);
  showSuspect(view().client);
  refresh(true);
}

async function about() {
  for (;;) {
    try {
      return await ask("/api/about");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      onCut(cutSince ?? Date.now() / 1000);
      await new Promise((done) => setTimeout(done, 3000));
    }
  }
}

async function start() {
  const { zone, panels, is_guarded: isGuarded, advice } = await about();
  onCut(null);
  setZone(zone);
  const { embed } = view();
  for (const panel of [state, now, traffic, funnel, products, payments, slow, bots, rejected(advice)]) {
    if (embed === null || embed === panel.name) cards.push(new Card(panel, panels[panel.name]));
  }
  document.body.classList.toggle("embed", embed !== null);
  main.append(...cards.map(({ element }) => element), foot(zone, isGuarded, embed));
  onChange(onView);
  showControls(null);
  showSuspect(view().client);
  follow(onStand, onCut);
}

function foot(zone, isGuarded, embed) {
  if (embed !== null) return el("a", { class: "whole-page", href: address({ embed: null }), target: "_top" }, "Weblake");
  const isInClear = isGuarded && location.protocol !== "https:";
  return el(
    "footer",
    { class: "foot" },
    `Times are of ${zone}. What is hatched is still being counted. `,
    isInClear ? el("b", { class: "bad" }, "The password came over a connection that is not encrypted: put a proxy with TLS before this page. ") : null,
    "The same figures in SQL: ",
    el("code", {}, "make sql"),
  );
}

start();
