"""Who a user agent says it is: a person's browser, a crawler, a tool or nobody; one answer per distinct agent.

Two lists and a few patterns of our own answer; docs/agents.md says how they were chosen, and how often they are right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit

import crawleruseragents
from is_crawler import crawler_info, crawler_name, crawler_signals

from lake.contracts import MAX_AGENT_CHARACTERS

Kind = Literal["human", "crawler", "tool", "none"]

SAYS_BOT = re.compile(r"(?<![a-z])bots?(?![a-z])|crawler|spider", re.IGNORECASE)
"""A bot by its own word that no list knows yet, such as ``Bot-Agent/1.0``."""

BOT_PHONES = re.compile(r"\bcubot(?![a-z])|(?<=; )(?:[bcm]|id|power|vr)[ _]?bot(?![a-z])", re.IGNORECASE)
"""Phones and tablets with bot in their name, such as the CUBOT and the M bot."""

UNSIGNED = re.compile(
    r"CFNetwork/|Darwin/|Dalvik/|Android|iPhone|iPad|iOS|UCWEB|UCBrowser|MIDP|CLDC|\bWAP\b|UP\.(?:Browser|Link)"
    r"|Obigo|Teleca|BlackBerry|Nokia|Samsung|SonyEricsson|\bLGE?-|\bMOT-|\bSIE-|NetFront|Maui|HbbTV|Roku|smart-?tv"
    r"|^ELinks|^w3m|^Dillo|^NetSurf|^GOGGalaxyClient",
    re.IGNORECASE,
)
"""Phones, televisions, apps and text browsers, which do not say Mozilla or name an engine as browsers do."""

UNSIGNED_ONLY = frozenset({"no_browser_signature"})
PEOPLE_TOO = frozenset(
    {
        r"008\/",
        r"AP3A\.240617\.008",
        "Adventurer",
        "Blackboard",
        "Butterfly",
        "Expanse",
        "Fever",
        "Fluid",
        "Sogou",
        "Sonic",
        "Synapse",
        "WhatsApp",
    }
)
"""Patterns of the crawler-user-agents list that also match phones, apps and browsers of people."""

PLAIN = re.compile(r"(?:[\w \-/:,;!@'\"%&=<>~#]|\\\W)+")
"""A pattern without anything special in it: a word to look for."""

START = 4
"""Characters of a word to look for first; a shorter word is looked for as an expression."""

TOOL_TAGS = frozenset({"http-library", "browser-automation", "monitoring", "scanner"})
"""The lists' words for libraries, command lines, headless browsers, monitors and scanners; the others are crawlers."""

SHARED_HOSTS = ("github.com", "gitlab.com", "pypi.org", "npmjs.com", "wikipedia.org", "google.com")
"""Where pages about many crawlers stand: these hosts do not tell who runs one."""

CLAIMS = {
    operator: re.compile(rf"(?<![a-z])(?:{names})(?![a-z])", re.IGNORECASE)
    for operator, names in {
        "google": "googlebot|googleother|google-inspectiontool|storebot-google|adsbot-google|mediapartners-google"
        "|apis-google|google-cloudvertexbot",
        "bing": "bingbot",
        "apple": "applebot",
        "duckduckgo": "duckduckbot",
        "openai": "gptbot|oai-searchbot|chatgpt-user",
        "perplexity": "perplexitybot|perplexity-user",
        "commoncrawl": "ccbot",
        "ahrefs": "ahrefsbot|ahrefssiteaudit",
    }.items()
}
"""Operator whose address ranges are in lake/rules/crawler_ranges.csv -> the names of its crawlers that use them."""


@dataclass(frozen=True)
class Agent:
    """What an agent says of itself; the operator is that of ``CLAIMS``, or the host of the crawler's own page."""

    kind: Kind
    name: str | None = None
    operator: str | None = None


@dataclass(frozen=True)
class Agents:
    """Agents that are not people's, in the order given; ``claims`` has those of an operator with known ranges."""

    crawlers: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    claims: dict[str, list[str]] = field(default_factory=dict)


@lru_cache(maxsize=100_000)
def classify(agent: str | None) -> Agent:
    """Say what kind of client the agent belongs to by its own words, which may be a lie."""
    agent = (agent or "")[:MAX_AGENT_CHARACTERS].strip()
    if agent in ("", "-"):
        return Agent("none")
    words = BOT_PHONES.sub("", agent)
    signals = frozenset(crawler_signals(words))
    if signals == UNSIGNED_ONLY and UNSIGNED.search(words):
        signals = frozenset()
    entry: Mapping[str, Any] | None = _entry(words)
    if not signals and entry is None and not SAYS_BOT.search(words):
        return Agent("human")
    if entry is None and (info := crawler_info(words)) is not None:
        entry = {"tags": info.tags, "url": info.url}
    kind = _kind(entry, signals)
    if (claim := _claim(words)) is not None:
        operator, name = claim
        return Agent(kind, name, operator)
    return Agent(kind, crawler_name(words) or _word(entry), _host(entry))


def sort_agents(agents: Iterable[str]) -> Agents:
    """Sort agents into crawlers, tools, and those (of both) that claim an operator's name; people's are left out."""
    sorted_agents = Agents()
    for agent in agents:
        found = classify(agent)
        if found.kind == "crawler":
            sorted_agents.crawlers.append(agent)
        elif found.kind == "tool":
            sorted_agents.tools.append(agent)
        if found.operator in CLAIMS:
            sorted_agents.claims.setdefault(found.operator, []).append(agent)
    return sorted_agents


def declared_bots(agents: Iterable[str]) -> list[str]:
    """Return those of the agents that say they are no people: crawlers and tools."""
    return [agent for agent in agents if classify(agent).kind in ("crawler", "tool")]


def _kind(entry: Mapping[str, Any] | None, signals: frozenset[str]) -> Kind:
    """A tool by the list's tags; what no list knows is one if nothing but its lack of a signature gives it away."""
    if entry is not None and entry.get("tags"):
        return "tool" if TOOL_TAGS.intersection(entry["tags"]) else "crawler"
    return "tool" if signals == UNSIGNED_ONLY else "crawler"


def _claim(agent: str) -> tuple[str, str] | None:
    """Operator and name of the crawler with known ranges that the agent claims to be; the first, if there are two."""
    for operator, names in CLAIMS.items():
        if found := names.search(agent):
            return operator, found[0]
    return None


def _host(entry: Mapping[str, Any] | None) -> str | None:
    """The host of the page that the list gives for a crawler, which tells who runs it."""
    url = entry.get("url") if entry is not None else None
    host = (urlsplit(url).hostname or "").removeprefix("www.") if url else ""
    return None if not host or host.endswith(SHARED_HOSTS) else host


def _word(entry: Mapping[str, Any] | None) -> str | None:
    """The word by which the list knows a crawler, if it is one."""
    pattern = entry.get("pattern", "") if entry is not None else ""
    return pattern.replace("\\", "").strip(" /") if pattern and PLAIN.fullmatch(pattern) else None


@dataclass(frozen=True)
class _List:
    """The crawler-user-agents list; plain words by how they start, which finds them in a twelfth of the time."""

    words: dict[str, list[tuple[int, str]]]
    any_expression: re.Pattern[str]
    expressions: list[tuple[int, re.Pattern[str]]]


@cache
def _list() -> _List:
    words: dict[str, list[tuple[int, str]]] = {}
    expressions = []
    for place, entry in enumerate(crawleruseragents.CRAWLER_USER_AGENTS_DATA):
        pattern = entry["pattern"]
        if pattern in PEOPLE_TOO:
            continue
        word = re.sub(r"\\(\W)", r"\1", pattern)
        if PLAIN.fullmatch(pattern) and len(word) >= START:
            words.setdefault(word[:START], []).append((place, word))
        else:
            expressions.append((place, re.compile(pattern)))
    return _List(words, re.compile("|".join(pattern.pattern for _, pattern in expressions)), expressions)


def _entry(agent: str) -> dict[str, Any] | None:
    """The first entry of the list that the agent matches."""
    known = _list()
    starts = {agent[at : at + START] for at in range(len(agent) - START + 1)}
    places = [place for start in starts & known.words.keys() for place, word in known.words[start] if word in agent]
    if known.any_expression.search(agent):
        places += [place for place, pattern in known.expressions if pattern.search(agent)]
    if not places:
        return None
    entry: dict[str, Any] = crawleruseragents.CRAWLER_USER_AGENTS_DATA[min(places)]
    return entry
