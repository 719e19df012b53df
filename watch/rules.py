"""The rules of the alerts, as ``lake/rules/alerts.yml`` has them: what is looked at, and when it is too much."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lake.errors import RulesError, shown
from lake.rules_file import read_yaml

SEVERE, WARNING = "severe", "warning"
LEVELS = (SEVERE, WARNING)
SPAN = "span."
"""What a rule's SQL calls the time that it is asked about. SQL without it knows only the present."""
RESOLUTIONS = (1, 5)
MOST_MINUTES = 1_440
ALL = "all"
"""Stands for all rules where a rule is named."""
_TEXTS = ("name", "says", "next", "sql")
_OPENS_ABOVE, _OPENS_BELOW = ("opens_above", "closes_below"), ("opens_below", "closes_above")
_NUMBERS = {
    "minutes": 5.0,
    "resolution": 1.0,
    "least": 0.0,
    "times_usual": None,
    "holds_minutes": 0.0,
    "calm_minutes": 5.0,
}
_NAMES = {*_TEXTS, *_NUMBERS, *_OPENS_ABOVE, *_OPENS_BELOW, "level"}


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: what ``RULE=`` names it by.
        level: ``severe`` or ``warning``.
        says: the sentence of its alerts, with ``{names}`` of columns in it.
        next: what to do, with the next command.
        sql: gives the readings of a time, see :mod:`watch.readings`.
        minutes: how long the time is, without the window that is not over yet.
        resolution: minutes of one window of the marts that it reads.
        is_above: whether it opens above its limits, or below.
        opens: the limit at which it opens.
        closes: the limit at which it may close, on the calm side of the other.
        least: the volume below which it never opens.
        times_usual: how many times the usual it has to be, too; None where the usual does not matter.
        holds_minutes: how long it has to be beyond the limit before it opens.
        calm_minutes: how long it has to be calm before it closes.
    """

    name: str
    level: str
    says: str
    next: str
    sql: str
    minutes: int
    resolution: int
    is_above: bool
    opens: float
    closes: float
    least: float
    times_usual: float | None
    holds_minutes: float
    calm_minutes: float

    @property
    def has_past(self) -> bool:
        """Whether it can be asked about another time than now."""
        return SPAN in self.sql

    @property
    def fields(self) -> set[str]:
        """The names of the columns that its sentence shows."""
        return {field for _, field, _, _ in string.Formatter().parse(self.says) if field is not None}


def load_alert_rules(path: Path) -> tuple[Rule, ...]:
    """Read the rules.

    Raises:
        RulesError: the file is missing, is no YAML, or a rule cannot be used; the message names rule and value.
    """
    content = read_yaml(path)
    if not isinstance(content, dict) or not isinstance(content.get("rules"), list):
        raise RulesError(f"{path} needs a list `rules`; see the file that Weblake ships")
    rules = tuple(_rule(path, number, entry) for number, entry in enumerate(content["rules"], start=1))
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RulesError(f"{path} has two rules called {twice[0]!r}; give each a name of its own")
    return rules


def find_rule(rules: tuple[Rule, ...], name: str, path: Path) -> Rule:
    """Return a rule by its name.

    Raises:
        RulesError: there is none.
    """
    for rule in rules:
        if rule.name == name:
            return rule
    known = ", ".join(rule.name for rule in rules)
    raise RulesError(f"{path} has no rule {shown(name)}; give one of {known}")


def _rule(path: Path, number: int, entry: Any) -> Rule:
    if not isinstance(entry, dict):
        raise RulesError(f"rule {number} in {path} is {shown(entry)}; give its name, sql, says, next and limits")
    where = f"rule {shown(entry.get('name', number))} in {path}"
    unknown = sorted(map(str, set(entry) - _NAMES))
    if unknown:
        raise RulesError(f"{where}: there is no {shown(unknown[0])}; a rule has {', '.join(sorted(_NAMES))}")
    texts: dict[str, Any] = {name: _text(where, name, entry.get(name)) for name in _TEXTS}
    if not texts["name"].isidentifier() or texts["name"] == ALL:
        raise RulesError(f"{where}: a name is letters, digits and `_`, and not `{ALL}`; rename it")
    numbers = {name: _number(where, name, entry.get(name, default)) for name, default in _NUMBERS.items()}
    level = entry.get("level", WARNING)
    if level not in LEVELS:
        raise RulesError(f"{where}: level is {shown(level)}; write {' or '.join(LEVELS)}")
    rule = Rule(
        **texts,
        **_limits(where, entry),
        level=level,
        minutes=_whole(where, "minutes", numbers["minutes"], range(1, MOST_MINUTES + 1)),
        resolution=_whole(where, "resolution", numbers["resolution"], RESOLUTIONS),
        least=numbers["least"] or 0.0,
        times_usual=numbers["times_usual"],
        holds_minutes=numbers["holds_minutes"] or 0.0,
        calm_minutes=numbers["calm_minutes"] or 0.0,
    )
    _check_sentence(where, rule)
    return rule


def _limits(where: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return on which side the rule opens, and its two limits."""
    given = [names for names in (_OPENS_ABOVE, _OPENS_BELOW) if any(name in entry for name in names)]
    if len(given) != 1 or not all(name in entry for name in given[0]):
        pairs = " or ".join(" and ".join(names) for names in (_OPENS_ABOVE, _OPENS_BELOW))
        raise RulesError(f"{where}: its limits are not clear; give {pairs}")
    opens, closes = (_number(where, name, entry[name]) for name in given[0])
    assert opens is not None and closes is not None
    is_above = given[0] is _OPENS_ABOVE
    if opens < closes if is_above else opens > closes:
        raise RulesError(
            f"{where}: {given[0][0]} {opens:g} is on the calm side of {given[0][1]} {closes:g}; exchange them"
        )
    return {"is_above": is_above, "opens": opens, "closes": closes}


def _text(where: str, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RulesError(f"{where}: {name} is {shown(value)}; give a text")
    return " ".join(value.split()) if name != "sql" else value.strip().rstrip(";")


def _number(where: str, name: str, value: Any) -> float | None:
    if value is None and name == "times_usual":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise RulesError(f"{where}: {name} is {shown(value)}; give a number of 0 or more")
    return float(value)


def _whole(where: str, name: str, value: float | None, choices: range | tuple[int, ...]) -> int:
    if value not in choices:
        listed = f"{choices[0]} to {choices[-1]}" if isinstance(choices, range) else " or ".join(map(str, choices))
        raise RulesError(f"{where}: {name} is {value:g}; give {listed}")
    return int(value or 0)


def _check_sentence(where: str, rule: Rule) -> None:
    """Raise where the sentence cannot be formatted, whatever the columns are."""
    try:
        fields = rule.fields
    except ValueError as error:
        raise RulesError(f"{where}: says {shown(rule.says)} cannot be read ({error}); mend its braces") from error
    odd = sorted(field for field in fields if not field.isidentifier())
    if odd:
        raise RulesError(f"{where}: says has {{{odd[0]}}}; put a column's name between the braces")
