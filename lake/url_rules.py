"""The URL rules: how a request of an access log becomes an action and a product id."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lake.contracts import MAX_TARGET_CHARACTERS
from lake.errors import RulesError, brief, shown
from lake.patterns import ADVICE, slow_pattern
from lake.proxies import PRIVATE, Proxies, load_proxies
from lake.rules_file import read_yaml
from lake.settings import Settings

PRODUCT_GROUP = "product"
PYTHON_FLAGS = int(re.ASCII)
"""With which Python reads a pattern as Java does."""


@dataclass(frozen=True)
class UrlRule:
    """Requests whose target has ``pattern`` in it are ``action``; ``product_group`` is 0 where none names a product.

    Only requests of the ``method``, where the rule names one.
    """

    action: str
    pattern: str
    product_group: int
    method: str | None = None

    @property
    def python_pattern(self) -> str:
        """The pattern as Python has it."""
        return _as_python(self.pattern)


@dataclass(frozen=True)
class UrlRules:
    """The rules in their order, the actions that a JSON event may name, and whose word on clients counts."""

    actions: tuple[str, ...]
    rules: tuple[UrlRule, ...]
    proxies: Proxies = field(default_factory=lambda: load_proxies(PRIVATE))


def load_rules(settings: Settings) -> UrlRules:
    """Return how records are read: by the rules file, and by the trusted proxies.

    Raises what :func:`load_url_rules` and :func:`lake.proxies.load_proxies` raise.
    """
    return replace(load_url_rules(settings.rules_file), proxies=load_proxies(settings.trusted_proxies))


def load_url_rules(path: Path) -> UrlRules:
    """Read the rules file; of proxies, the private ones are trusted.

    Raises:
        RulesError: the file is missing, is no YAML, or a rule cannot be used or is slow; the message names the rule.
    """
    content = read_yaml(path)
    if not isinstance(content, dict) or not isinstance(content.get("rules"), list):
        raise RulesError(f"{path} needs a list `rules` and a list `actions`; see the file that Weblake ships")
    actions = content.get("actions")
    if (
        not isinstance(actions, list)
        or not actions
        or not all(isinstance(action, str) and action for action in actions)
    ):
        raise RulesError(f"`actions` in {path} is {shown(actions)}; list at least one action name")
    rules = tuple(_rule(path, number, rule) for number, rule in enumerate(content["rules"], start=1))
    slow = slow_pattern(tuple(rule.python_pattern for rule in rules), PYTHON_FLAGS, MAX_TARGET_CHARACTERS)
    if slow is not None:
        raise RulesError(f"rule {slow + 1} in {path}: the pattern {shown(rules[slow].pattern)} {ADVICE}")
    return UrlRules(actions=tuple(actions), rules=rules)


def _rule(path: Path, number: int, rule: Any) -> UrlRule:
    where = f"rule {number} in {path}"
    if not isinstance(rule, dict) or not {"action", "pattern"} <= set(rule) <= {"action", "pattern", "method"}:
        raise RulesError(f"{where} is {shown(rule)}; give it `action` and `pattern`, and perhaps `method`")
    action, pattern = str(rule["action"]), rule["pattern"]
    if not isinstance(pattern, str) or not pattern:
        raise RulesError(f"{where}: the pattern is {shown(pattern)}; write a regular expression, in quotes")
    try:
        groups = re.compile(_as_python(pattern)).groupindex
    except re.error as error:
        raise RulesError(
            f"{where}: the pattern {shown(pattern)} is not a regular expression ({brief(error)}); correct it"
        ) from error
    if not re.fullmatch(r"[a-z][a-z0-9_]*", action):
        raise RulesError(f"{where}: the action {shown(action)} must be lower-case letters, digits and _")
    method = rule.get("method")
    if method is not None and not re.fullmatch(r"[A-Z]+", str(method)):
        raise RulesError(f"{where}: the method {shown(method)} must be upper-case letters, such as POST")
    return UrlRule(action=action, pattern=pattern, product_group=groups.get(PRODUCT_GROUP, 0), method=method)


def _as_python(pattern: str) -> str:
    """Return a pattern of Java's as Python has it, which writes named groups in another way."""
    return re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern)
