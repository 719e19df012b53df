"""The URL rules: how a request of an access log becomes an action and a product id."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lake.contracts import ASSET, MAX_TARGET_CHARACTERS, PROBE
from lake.errors import RulesError, brief, shown
from lake.formats.known import LogFormat, load_formats, shipped_formats
from lake.patterns import ADVICE, slow_pattern
from lake.proxies import PRIVATE, Proxies, load_proxies
from lake.rules_file import read_layers
from lake.settings import Settings

PRODUCT_GROUP = "product"
CONDITIONS = ("method", "status", "host", "query")
PYTHON_FLAGS = int(re.ASCII)
"""With which Python reads a pattern as Java does."""


@dataclass(frozen=True)
class UrlRule:
    """Requests whose target has ``pattern`` in it are ``action``; ``product_group`` is 0 where none names a product.

    The other fields are conditions, where they say something: the request's method is one of ``methods``, the answer's
    status one of ``statuses`` (three digits, or ``2xx``), the host has ``host`` in it, and the query ``query``.
    ``number`` counts the rules of ``file`` from 1.
    """

    action: str
    pattern: str
    product_group: int
    methods: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    host: str | None = None
    query: str | None = None
    number: int = 0
    file: str = ""

    @property
    def patterns(self) -> tuple[str, ...]:
        """All patterns of the rule."""
        return tuple(pattern for pattern in (self.pattern, self.host, self.query) if pattern)


@dataclass(frozen=True)
class UrlRules:
    """The rules in the order they are tried, the actions that a JSON event may name, and how times are read.

    A record's time may be ``future_seconds`` ahead of the time at which Kafka took it. ``log_timezone`` is the zone of
    times that name none, as the tz database calls it. ``proxies`` are those whose word on the client counts.
    ``formats`` are those of access logs that are read beside Weblake's own.
    """

    actions: tuple[str, ...]
    rules: tuple[UrlRule, ...]
    future_seconds: int = 300
    log_timezone: str = "UTC"
    proxies: Proxies = field(default_factory=lambda: load_proxies(PRIVATE))
    formats: tuple[LogFormat, ...] = field(default_factory=shipped_formats)

    @property
    def patterns(self) -> list[tuple[int, str]]:
        """All patterns of all rules, each with the number of its rule, from 1."""
        return [(number, pattern) for number, rule in enumerate(self.rules, start=1) for pattern in rule.patterns]


def load_rules(settings: Settings) -> UrlRules:
    """Read all that decides what a record means: the files of rules and of formats, and the settings that belong to it.

    Raises what :func:`load_url_rules`, :func:`lake.proxies.load_proxies` and :func:`lake.formats.known.load_formats`
    raise.
    """
    return replace(
        load_url_rules(settings.rules_file),
        future_seconds=settings.future_seconds,
        log_timezone=settings.log_timezone,
        proxies=load_proxies(settings.trusted_proxies),
        formats=load_formats(settings.formats_file),
    )


def load_url_rules(path: Path) -> UrlRules:
    """Read the rules file; what settings say is as it is by default.

    Raises:
        RulesError: the file is missing, is no YAML, or a rule cannot be used or is slow; the message names the rule.
    """
    rules = read_url_rules(path)
    patterns = tuple(as_python(pattern) for _, pattern in rules.patterns)
    slow = slow_pattern(patterns, PYTHON_FLAGS, MAX_TARGET_CHARACTERS)
    if slow is not None:
        number, pattern = rules.patterns[slow]
        rule = rules.rules[number - 1]
        raise RulesError(f"rule {rule.number} in {rule.file}: the pattern {shown(pattern)} {ADVICE}")
    return rules


def read_url_rules(path: Path) -> UrlRules:
    """Read a rules file whose patterns are known to be quick, as those that Weblake ships are.

    Raises:
        RulesError: as :func:`load_url_rules`, but for slow rules.
    """
    actions: tuple[str, ...] = ()
    rules: list[UrlRule] = []
    for layer, content in reversed(read_layers(path)):
        is_base = not actions
        if not isinstance(content, dict) or not isinstance(content.get("rules"), list):
            raise RulesError(f"{layer} needs a list `rules` and a list `actions`; see the file that Weblake ships")
        if is_base or "actions" in content:
            actions = _actions(layer, content.get("actions"))
        own = [_rule(layer, number, rule) for number, rule in enumerate(content["rules"], start=1)]
        rules = own if is_base else _among(rules, own)
    return UrlRules(actions, tuple(rules))


def _among(rules: list[UrlRule], own: list[UrlRule]) -> list[UrlRule]:
    """Return rules with others among them: below the probes and assets that they begin with, above all the rest."""
    is_first = (number for number, rule in enumerate(rules) if rule.action not in (PROBE, ASSET))
    place = next(is_first, len(rules))
    return [*rules[:place], *own, *rules[place:]]


def _actions(path: Path, actions: Any) -> tuple[str, ...]:
    is_list = isinstance(actions, list) and bool(actions)
    if not is_list or not all(isinstance(action, str) and action for action in actions):
        raise RulesError(f"`actions` in {path} is {shown(actions)}; list at least one action name")
    return tuple(actions)


def _rule(path: Path, number: int, rule: Any) -> UrlRule:
    where = f"rule {number} in {path}"
    if not isinstance(rule, dict) or not {"action", "pattern"} <= set(rule) <= {"action", "pattern", *CONDITIONS}:
        conditions = ", ".join(f"`{name}`" for name in CONDITIONS)
        raise RulesError(f"{where} is {shown(rule)}; give it `action` and `pattern`, and perhaps {conditions}")
    action = str(rule["action"])
    if not re.fullmatch(r"[a-z][a-z0-9_]*", action):
        raise RulesError(f"{where}: the action {shown(action)} must be lower-case letters, digits and _")
    groups = _compiled(where, rule["pattern"]).groupindex
    for name in ("host", "query"):
        if name in rule:
            _compiled(where, rule[name])
    return UrlRule(
        action=action,
        pattern=rule["pattern"],
        product_group=groups.get(PRODUCT_GROUP, 0),
        methods=_words(where, rule, "method", r"[A-Z][A-Z-]*", "upper-case letters, such as POST, or a list of such"),
        statuses=_words(where, rule, "status", r"[1-5](?:xx|\d\d)", "a status, such as 304 or 2xx, or a list of such"),
        host=rule.get("host"),
        query=rule.get("query"),
        number=number,
        file=str(path),
    )


def _compiled(where: str, pattern: Any) -> re.Pattern[str]:
    if not isinstance(pattern, str) or not pattern:
        raise RulesError(f"{where}: the pattern is {shown(pattern)}; write a regular expression, in quotes")
    try:
        return re.compile(as_python(pattern))
    except re.error as error:
        raise RulesError(
            f"{where}: the pattern {shown(pattern)} is not a regular expression ({brief(error)}); correct it"
        ) from error


def _words(where: str, rule: dict[str, Any], name: str, shape: str, what: str) -> tuple[str, ...]:
    """Return the word, or the words, of a condition; none where the rule does not have it."""
    value = rule.get(name, [])
    words = tuple(map(str, value if isinstance(value, list) else [value]))
    wrong = next((word for word in words if not re.fullmatch(shape, word)), None)
    if wrong is not None or (name in rule and not words):
        raise RulesError(f"{where}: the {name} {shown(wrong or value)} must be {what}")
    return words


def as_python(pattern: str) -> str:
    """Return a pattern of Java's as Python has it, which writes named groups in another way."""
    return re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern)
