"""What a user agent says it is, in plain Python; it shares only the data in lake/rules/agents.yml with the stream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import crawleruseragents
import yaml
from is_crawler import crawler_info, crawler_signals

from lake.errors import RulesError
from lake.settings import AGENTS_FILE

LONGEST = 2048
UNSIGNED = {"no_browser_signature"}


@dataclass(frozen=True)
class _Words:
    """The words of agents.yml, and the list of crawlers without those of its patterns that people's agents match."""

    says_bot: re.Pattern[str]
    bot_phones: re.Pattern[str]
    unsigned: re.Pattern[str]
    tools: frozenset[str]
    crawlers: dict[str, re.Pattern[str]]
    listed: list[tuple[re.Pattern[str], frozenset[str]]]


@lru_cache(maxsize=100_000)
def agent_kind(agent: str) -> str:
    """Return ``crawler``, ``tool`` or ``human`` by what an agent says."""
    agent = agent[:LONGEST].strip()
    if agent in ("", "-"):
        return "human"
    words = _words()
    text = words.bot_phones.sub("", agent)
    signals = set(crawler_signals(text))
    if signals == UNSIGNED and words.unsigned.search(text):
        signals = set()
    listed = next((tags for pattern, tags in words.listed if pattern.search(text)), None)
    if not signals and listed is None and not words.says_bot.search(text):
        return "human"
    info = crawler_info(text) if listed is None else None
    tags = listed or frozenset(info.tags if info else ())
    if tags:
        return "tool" if tags & words.tools else "crawler"
    return "tool" if signals == UNSIGNED else "crawler"


@lru_cache(maxsize=100_000)
def claimed_operator(agent: str) -> str | None:
    """Return whose crawler an agent claims to be, of those that publish addresses."""
    words = _words()
    text = words.bot_phones.sub("", agent[:LONGEST].strip())
    if agent_kind(agent) == "human":
        return None
    return next((operator for operator, names in words.crawlers.items() if names.search(text)), None)


@cache
def _words() -> _Words:
    try:
        return _read(yaml.safe_load(AGENTS_FILE.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, re.error, LookupError, TypeError, AttributeError) as error:
        raise RulesError(f"{AGENTS_FILE} cannot be read ({error!r}); restore the file that Weblake ships") from error


def _read(rules: dict[str, Any]) -> _Words:
    def one_of(patterns: list[str]) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)

    return _Words(
        says_bot=one_of(rules["says_bot"]),
        bot_phones=one_of(rules["bot_phones"]),
        unsigned=one_of(rules["unsigned"]),
        tools=frozenset(rules["tool_tags"]),
        crawlers={
            operator: one_of([f"(?<![a-z]){name}(?![a-z])" for name in names])
            for operator, names in rules["crawlers"].items()
        },
        listed=[
            (re.compile(entry["pattern"]), frozenset(entry.get("tags") or ()))
            for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA
            if entry["pattern"] not in rules["people_too"]
        ],
    )
