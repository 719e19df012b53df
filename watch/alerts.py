"""An alert: what a rule found wrong, since when, and what it says of it to people."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lake.errors import RulesError
from lake.text import printable
from watch.arithmetic import FEWEST_WEEKS, Reading, Usual
from watch.readings import Span
from watch.rules import Rule

OPENED, REMINDER, CLOSED, RESTATED = "opened", "reminder", "closed", "restated"
MOST_LISTED = 20
"""So many alerts one message spells out."""
_TITLES = {OPENED: "", REMINDER: "still open: ", CLOSED: "over: ", RESTATED: "restated: "}
_NOTES = {
    REMINDER: "It has been open since {opened}.",
    CLOSED: "It opened at {opened} and is over.",
    RESTATED: "It opened at {opened}. Lines that came late, a replay or a verdict have changed the figures since, and "
    "by them it would not have opened.",
}


@dataclass(frozen=True)
class Alert:
    """One alert; times in epoch seconds, None where it has not happened. The columns of ``ops.alerts``."""

    alert_id: str
    rule: str
    subject: str
    level: str
    sentence: str
    next_step: str
    starts_at: float
    ends_at: float
    opened_at: float
    told_at: float | None = None
    reminders: int = 0
    closed_at: float | None = None
    restated_at: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as a webhook gets it: times in ISO 8601."""
        return {
            "alert_id": self.alert_id,
            "rule": self.rule,
            "subject": self.subject,
            "level": self.level,
            "sentence": self.sentence,
            "next_step": self.next_step,
            "opened_at": iso(self.opened_at),
            "closed_at": None if self.closed_at is None else iso(self.closed_at),
            "restated_at": None if self.restated_at is None else iso(self.restated_at),
        }


@dataclass(frozen=True)
class Message:
    """What is told of alerts that opened, closed or were restated together."""

    message_id: str
    kind: str
    title: str
    alerts: tuple[dict[str, Any], ...]

    @property
    def text(self) -> str:
        """All that is told, in several lines."""
        parts = []
        for alert in self.alerts[:MOST_LISTED]:
            note = _NOTES.get(self.kind, "").format(opened=alert["opened_at"])
            step = "" if self.kind in (CLOSED, RESTATED) else f"To do: {alert['next_step']}"
            lines = (f"[{alert['level']}] {alert['rule']}: {alert['sentence']}", note, step)
            parts.append("\n".join(line for line in lines if line))
        left = len(self.alerts) - MOST_LISTED
        more = [f"... and {left} more; `make alerts` lists them"] if left > 0 else []
        return "\n\n".join([*parts, *more])

    @property
    def is_severe(self) -> bool:
        """Whether one of its alerts is severe."""
        return any(alert["level"] == "severe" for alert in self.alerts)


def open_alert(rule: Rule, reading: Reading, of: Usual | None, span: Span, now: float) -> Alert:
    """Return the alert that a reading opens.

    Raises:
        RulesError: the rule's sentence does not fit what its SQL returned.
    """
    return Alert(
        alert_id=str(uuid.uuid4()),
        rule=rule.name,
        subject=reading.subject,
        level=rule.level,
        sentence=sentence(rule, reading, of),
        next_step=rule.next,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        opened_at=now,
    )


def sentence(rule: Rule, reading: Reading, of: Usual | None) -> str:
    """Return what is wrong, with figures, and what it was compared with; raises as :func:`open_alert`."""
    values = {**reading.columns, "minutes": rule.minutes, "value": reading.value}
    try:
        says = rule.says.format(**{name: values[name] for name in rule.fields})
    except (KeyError, ValueError, TypeError) as error:
        raise RulesError(
            f"rule {rule.name!r} cannot be used: its sentence does not fit what its SQL returns ({error}); mend `says`"
            f", and run `make alert-test RULE={rule.name}`"
        ) from error
    return printable(f"{says} ({_compared(reading, of)})" if rule.times_usual is not None else says)


def message(kind: str, alerts: Sequence[Alert]) -> Message:
    """Return the one message about all of these."""
    first = next((alert for alert in alerts if alert.level == "severe"), alerts[0])
    others = f" (and {len(alerts) - 1} more)" if len(alerts) > 1 else ""
    title = f"Weblake: {_TITLES[kind]}{first.rule}{f' of {first.subject}' if first.subject else ''}{others}"
    return Message(str(uuid.uuid4()), kind, printable(title), tuple(alert.as_json() for alert in alerts))


def iso(epoch_seconds: float) -> str:
    """Return a time as people and programs read it, in UTC: ``2026-01-31T14:30:05Z``."""
    return dt.datetime.fromtimestamp(epoch_seconds, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _compared(reading: Reading, of: Usual | None) -> str:
    if of is None or of.value is None:
        weeks = of.weeks if of else 0
        return f"by fixed limits alone: {weeks} of at least {FEWEST_WEEKS} earlier weeks tell what is usual"
    figure = f"{of.value:,.1f}" if reading.whole is None else f"{of.value:.1%}"
    return f"usual at this time: {figure}, by {of.weeks} weeks"
