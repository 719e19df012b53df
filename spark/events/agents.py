"""Who a user agent says it is: a person's browser, a crawler, a tool or nobody; one answer per distinct agent.

Two lists and the rules in lake/rules/agents.yml answer; docs/agents.md says how they were chosen, and how often they
are right.
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


@lru_cache(maxsize=100_000)
def classify(agent: str | None) -> Agent:
    """Say what kind of client the agent belongs to by its own words, which may be a lie."""
    agent = (agent or "")[:MAX_AGENT_CHARACTERS].strip()
    if agent in ("", "-"):
        return Agent("none")
    rules = agent_rules()
    words = rules.bot_phones.sub("", agent)
    signals = frozenset(crawler_signals(words))
    if signals == UNSIGNED_ONLY and rules.unsigned.search(words):
        signals = frozenset()
    entry: Mapping[str, Any] | None = _entry(words)
    if not signals and entry is None and not rules.says_bot.search(words):
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
    for index, entry in enumerate(crawleruseragents.CRAWLER_USER_AGENTS_DATA):
        pattern = entry["pattern"]
        if pattern in agent_rules().people_too:
            continue
        word = re.sub(r"\\(\W)", r"\1", pattern)
        if PLAIN.fullmatch(pattern) and len(word) >= START:
            words.setdefault(word[:START], []).append((index, word))
        else:
            expressions.append((index, re.compile(pattern)))
    return _List(words, re.compile("|".join(pattern.pattern for _, pattern in expressions)), expressions)


def _entry(agent: str) -> dict[str, Any] | None:
    """The first entry of the list that the agent matches."""
    patterns = _list()
    starts = {agent[at : at + START] for at in range(len(agent) - START + 1)}
    starts &= patterns.words.keys()
    indexes = [index for start in starts for index, word in patterns.words[start] if word in agent]
    if patterns.any_expression.search(agent):
        indexes += [index for index, pattern in patterns.expressions if pattern.search(agent)]
    if not indexes:
        return None
    entry: dict[str, Any] = crawleruseragents.CRAWLER_USER_AGENTS_DATA[min(indexes)]
    return entry
