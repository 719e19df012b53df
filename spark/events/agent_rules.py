"""Weblake's own rules for user agents, from lake/rules/agents.yml: what the lists of others lack or get wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lake.contracts import MAX_AGENT_CHARACTERS
from lake.errors import RulesError, brief, shown
from lake.patterns import ADVICE, slow_pattern
from lake.rules_file import AGENTS_FILE, read_yaml

PATTERNS = ("says_bot", "bot_phones", "apps", "cdns", "monitors", "unsigned")


@dataclass(frozen=True)
class AgentRules:
    """Patterns, and lists of exceptions; ``claims`` is operator -> the names of its crawlers with known ranges.

    ``ranges_hold_days`` is for how long before and after its date a list of addresses is evidence.
    """

    says_bot: re.Pattern[str]
    bot_phones: re.Pattern[str]
    apps: re.Pattern[str]
    cdns: re.Pattern[str]
    monitors: re.Pattern[str]
    unsigned: re.Pattern[str]
    people_too: frozenset[str]
    tool_tags: frozenset[str]
    shared_hosts: tuple[str, ...]
    claims: Mapping[str, re.Pattern[str]]
    ranges_hold_days: int


@cache
def agent_rules(path: Path = AGENTS_FILE) -> AgentRules:
    """Read the rules, once in a process.

    Raises:
        RulesError: the file is missing, is no YAML, lacks a list, or has a pattern that is not a regular expression, or
            a slow one.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise RulesError(f"{path} is not a mapping of lists; see the file that Weblake ships")
    crawlers = content.get("crawlers")
    if not isinstance(crawlers, dict) or not crawlers:
        raise RulesError(f"`crawlers` in {path} is {shown(crawlers)}; it needs names of crawlers by operator")
    rules = AgentRules(
        says_bot=_any_of(content, "says_bot", path),
        bot_phones=_any_of(content, "bot_phones", path),
        apps=_any_of(content, "apps", path),
        cdns=_any_of(content, "cdns", path),
        monitors=_any_of(content, "monitors", path),
        unsigned=_any_of(content, "unsigned", path),
        people_too=frozenset(_texts(content, "people_too", path)),
        tool_tags=frozenset(_texts(content, "tool_tags", path)),
        shared_hosts=tuple(_texts(content, "shared_hosts", path)),
        ranges_hold_days=_days(content, "ranges_hold_days", path),
        claims={operator: _any_of(crawlers, operator, path, r"(?<![a-z])(?:{})(?![a-z])") for operator in crawlers},
    )
    _require_quick([(name, content[name]) for name in PATTERNS] + list(crawlers.items()), path)
    return rules


def _require_quick(lists: Sequence[tuple[str, Sequence[str]]], path: Path) -> None:
    patterns = [(name, pattern) for name, texts in lists for pattern in texts]
    slow = slow_pattern(tuple(pattern for _, pattern in patterns), int(re.IGNORECASE), MAX_AGENT_CHARACTERS)
    if slow is not None:
        name, pattern = patterns[slow]
        raise RulesError(f"`{name}` in {path}: the pattern {shown(pattern)} {ADVICE}")


def _days(content: Mapping[str, Any], name: str, path: Path) -> int:
    days = content.get(name)
    if not isinstance(days, int) or days < 1:
        raise RulesError(f"`{name}` in {path} is {shown(days)}; it needs a number of days, at least 1")
    return days


def _texts(content: Mapping[str, Any], name: str, path: Path) -> Sequence[str]:
    texts = content.get(name)
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise RulesError(f"`{name}` in {path} is {shown(texts)}; it needs a list of texts")
    return texts


def _any_of(content: Mapping[str, Any], name: str, path: Path, frame: str = "{}") -> re.Pattern[str]:
    pattern = frame.replace("{}", "|".join(_texts(content, name, path)))
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise RulesError(
            f"`{name}` in {path} has a pattern that is not a regular expression ({brief(error)}); correct it"
        ) from error
