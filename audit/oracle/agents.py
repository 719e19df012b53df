"""What a user agent says it is, in plain Python; it shares only the data in lake/rules/agents.yml with the stream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import crawleruseragents
from is_crawler import crawler_info, crawler_signals

from lake.errors import RulesError, shown
from lake.rules_file import AGENTS_FILE, read_yaml

LONGEST = 2048
UNSIGNED = {"no_browser_signature"}


@dataclass(frozen=True)
class _Words:
    """The words of agents.yml, and the list of crawlers without those of its patterns that people's agents match."""

    says_bot: re.Pattern[str]
    bot_phones: re.Pattern[str]
    apps: re.Pattern[str]
    cdns: re.Pattern[str]
    monitors: re.Pattern[str]
    unsigned: re.Pattern[str]
    tools: frozenset[str]
    crawlers: dict[str, re.Pattern[str]]
    listed: list[tuple[re.Pattern[str], frozenset[str]]]
    ranges_hold_days: int


@lru_cache(maxsize=20_000)
def agent_kind(agent: str) -> str:
    """Return ``crawler``, ``tool`` or ``human`` by what an agent says."""
    agent = agent[:LONGEST].strip()
    if agent in ("", "-"):
        return "human"
    words = _words()
    if words.cdns.search(agent):
        return "human"
    text = words.bot_phones.sub("", agent)
    if words.monitors.search(text):
        return "tool"
    signals = set(crawler_signals(text))
    if signals == UNSIGNED and (words.apps.search(text) or words.unsigned.search(text)):
        signals = set()
    listed = next((tags for pattern, tags in words.listed if pattern.search(text)), None)
    if not signals and listed is None and not words.says_bot.search(text):
        return "human"
    info = crawler_info(text) if listed is None else None
    tags = listed or frozenset(info.tags if info else ())
    if tags:
        return "tool" if tags & words.tools else "crawler"
    return "tool" if signals == UNSIGNED else "crawler"


@lru_cache(maxsize=20_000)
def claimed_operator(agent: str) -> str | None:
    """Return whose crawler an agent claims to be, of those that publish addresses."""
    words = _words()
    text = words.bot_phones.sub("", agent[:LONGEST].strip())
    if agent_kind(agent) == "human":
        return None
    return next((operator for operator, names in words.crawlers.items() if names.search(text)), None)


def is_app(agent: str) -> bool:
    """Return whether an agent is that of an app's library, and no browser's."""
    return not agent.startswith("Mozilla/") and _words().apps.search(agent) is not None


def ranges_hold_days() -> int:
    """Return for how many days before and after its date a list of crawlers' addresses is evidence."""
    return _words().ranges_hold_days


def check_words() -> None:
    """Raise RulesError if agents.yml cannot be used; from a worker of Spark's, the error would blame the lake."""
    _words()


@cache
def _words() -> _Words:
    rules = read_yaml(AGENTS_FILE)
    try:
        return _read(rules)
    except (re.error, LookupError, TypeError, ValueError, AttributeError) as error:
        raise RulesError(
            f"{AGENTS_FILE} cannot be used ({shown(error)}); restore the file that Weblake ships"
        ) from error


def _read(rules: dict[str, Any]) -> _Words:
    def one_of(patterns: list[str]) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)

    crawlers = rules["crawlers"]
    people_too = _texts(rules, "people_too")
    return _Words(
        says_bot=one_of(_texts(rules, "says_bot")),
        bot_phones=one_of(_texts(rules, "bot_phones")),
        apps=one_of(_texts(rules, "apps")),
        cdns=one_of(_texts(rules, "cdns")),
        monitors=one_of(_texts(rules, "monitors")),
        unsigned=one_of(_texts(rules, "unsigned")),
        tools=frozenset(_texts(rules, "tool_tags")),
        crawlers={
            operator: one_of([f"(?<![a-z]){name}(?![a-z])" for name in _texts(crawlers, operator)])
            for operator in crawlers
        },
        listed=[
            (re.compile(entry["pattern"]), frozenset(entry.get("tags") or ()))
            for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA
            if entry["pattern"] not in people_too
        ],
        ranges_hold_days=int(rules["ranges_hold_days"]),
    )


def _texts(rules: dict[str, Any], name: str) -> list[str]:
    texts = rules[name]
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"{name} is {shown(texts)}, no list of texts")
    return texts
