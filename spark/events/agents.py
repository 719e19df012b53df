"""Who a user agent says it is: a person's browser, a crawler, a tool or nobody; one answer per distinct agent.

Two lists and the rules in lake/rules/agents.yml answer; docs/agents.md says how they were chosen, and how often they
are right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

import crawleruseragents
from is_crawler import crawler_name, crawler_signals, is_crawler

from lake.contracts import MAX_AGENT_CHARACTERS
from lake.patterns import plain_part
from spark.events.agent_rules import agent_rules

Kind = Literal["human", "crawler", "tool", "none"]

UNSIGNED_ONLY = frozenset({"no_browser_signature"})

PLAIN = re.compile(r"(?:[\w \-/:,;!@'\"%&=<>~#]|\\\W)+")
"""A pattern without anything special in it: a word to look for."""

START = 4
"""Characters of a word to look for first; a shorter word is looked for as an expression."""


@dataclass(frozen=True)
class Agent:
    """What an agent says of itself; the operator is one with known ranges, or the host of the crawler's own page."""

    kind: Kind
    name: str | None = None
    operator: str | None = None


@dataclass(frozen=True)
class Agents:
    """Agents that are not people's, in the order given; ``claims`` has those of an operator with known ranges."""

    crawlers: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    claims: dict[str, list[str]] = field(default_factory=dict)


@lru_cache(maxsize=20_000)
def classify(agent: str | None) -> Agent:
    """Say what kind of client the agent belongs to by its own words, which may be a lie."""
    agent = (agent or "")[:MAX_AGENT_CHARACTERS].strip()
    if agent in ("", "-"):
        return Agent("none")
    rules = agent_rules()
    if cdn := rules.cdns.search(agent):
        return Agent("none", cdn[0])
    words = rules.bot_phones.sub("", agent)
    signals = frozenset(crawler_signals(words))
    if signals == UNSIGNED_ONLY and (rules.apps.search(words) or rules.unsigned.search(words)):
        signals = frozenset()
    entry = _crawlers().entry(words)
    is_monitor = rules.monitors.search(words) is not None
    if not signals and entry is None and not is_monitor and not rules.says_bot.search(words):
        return Agent("human")
    if entry is None and is_crawler(words):
        entry = _more_crawlers().entry(words)
    kind = "tool" if is_monitor else _kind(entry, signals)
    if (claim := _claim(words)) is not None:
        operator, name = claim
        return Agent(kind, name, operator)
    return Agent(kind, crawler_name(words) or _word(entry), _host(entry))


def sort_agents(agents: Iterable[str]) -> Agents:
    """Sort agents into crawlers, tools, and those (of both) that claim an operator's name; people's are left out."""
    sorted_agents = Agents()
    for agent in agents:
        answer = classify(agent)
        if answer.kind == "crawler":
            sorted_agents.crawlers.append(agent)
        elif answer.kind == "tool":
            sorted_agents.tools.append(agent)
        if answer.operator is not None and answer.operator in agent_rules().claims:
            sorted_agents.claims.setdefault(answer.operator, []).append(agent)
    return sorted_agents


def _kind(entry: Mapping[str, Any] | None, signals: frozenset[str]) -> Kind:
    """A tool by the list's tags; what no list knows is one if nothing but its lack of a signature gives it away."""
    if entry is not None and entry.get("tags"):
        return "tool" if agent_rules().tool_tags.intersection(entry["tags"]) else "crawler"
    return "tool" if signals == UNSIGNED_ONLY else "crawler"


def _claim(agent: str) -> tuple[str, str] | None:
    """Operator and name of the crawler with known ranges that the agent claims to be; the first, if there are two."""
    for operator, names in agent_rules().claims.items():
        if name := names.search(agent):
            return operator, name[0]
    return None


def _host(entry: Mapping[str, Any] | None) -> str | None:
    """The host of the page that the list gives for a crawler, which tells who runs it."""
    url = entry.get("url") if entry is not None else None
    host = (urlsplit(url).hostname or "").removeprefix("www.") if url else ""
    return None if not host or host.endswith(agent_rules().shared_hosts) else host


def _word(entry: Mapping[str, Any] | None) -> str | None:
    """The word by which the list knows a crawler, if it is one."""
    pattern = entry.get("pattern", "") if entry is not None else ""
    return pattern.replace("\\", "").strip(" /") if pattern and PLAIN.fullmatch(pattern) else None


class _List:
    """A list of crawlers, each with a pattern, of which the first that fits an agent is the answer.

    Plain words are found by how they start, in a twelfth of the time. Of each expression a plain text that has to be
    there is looked for first, in a tenth of the time.
    """

    def __init__(self, entries: Iterable[dict[str, Any]]) -> None:
        self._entries = list(entries)
        self._words: dict[str, list[tuple[int, str]]] = {}
        self._expressions: list[tuple[int, str, re.Pattern[str]]] = []
        for index, entry in enumerate(self._entries):
            pattern = entry["pattern"]
            word = re.sub(r"\\(\W)", r"\1", pattern)
            if PLAIN.fullmatch(pattern) and len(word) >= START:
                self._words.setdefault(word[:START], []).append((index, word))
            else:
                self._expressions.append((index, plain_part(pattern), re.compile(pattern)))

    def entry(self, agent: str) -> dict[str, Any] | None:
        """Return the first entry that the agent matches."""
        words, places = self._words, range(len(agent) - START + 1)
        starts = {start for at in places if (start := agent[at : at + START]) in words}
        indexes = [index for start in starts for index, word in words[start] if word in agent]
        indexes += [index for index, part, pattern in self._expressions if part in agent and pattern.search(agent)]
        return self._entries[min(indexes)] if indexes else None


@cache
def _crawlers() -> _List:
    """The crawler-user-agents list, without what also matches people's devices."""
    people_too = agent_rules().people_too
    return _List(entry for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA if entry["pattern"] not in people_too)


@cache
def _more_crawlers() -> _List:
    """The list that :func:`is_crawler.crawler_info` searches, pattern by pattern, which takes ten times as long."""
    return _List(json.loads((files("is_crawler") / "crawlers.min.json").read_text(encoding="utf-8")))
