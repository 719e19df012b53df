"""One look of the alerts: all rules are asked, and what changes is written down, with the messages about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from lake.errors import RulesError
from watch import journal
from watch.alerts import CLOSED, OPENED, REMINDER, RESTATED, Alert, message, open_alert
from watch.arithmetic import CALM, reminders_due, side
from watch.course import Course
from watch.readings import Span, looking, read, read_usual, span_of
from watch.rules import ALL, Rule

RESTATED_DAYS, RESTATED_MOST = 7, 50
"""Alerts that are so old, or older than so many, are not asked again whether their figures still hold."""
FRESH_SECONDS = 120.0
"""How long the last look at the stack tells whether anything waits to be counted."""
_STAND = """
select version, extract(epoch from whole_until)::float8 from marts.build_info
"""
_STATE = """
select extract(epoch from looked_at)::float8, unfinished from ops.state
"""


@dataclass(frozen=True)
class Stand:
    """What the marts show.

    Attributes:
        version: that of the ledger; None before the marts are there.
        whole_until: up to when all is in them that was counted (epoch seconds).
        told_until: up to when they tell what happened: later than that, where nothing has come since.
    """

    version: int | None = None
    whole_until: float = 0.0
    told_until: float = 0.0


@dataclass
class _Round:
    """What one look has found."""

    opened: list[Alert] = field(default_factory=list)
    closed: list[Alert] = field(default_factory=list)
    restated: list[Alert] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Watcher:
    """Looks by some rules, for some channels (their names, see :mod:`watch.channels`)."""

    def __init__(self, rules: Sequence[Rule], channels: Sequence[str]) -> None:
        self._courses = {rule.name: Course(rule) for rule in rules}
        self._channels = channels
        self._restated_at_version: int | None = None

    def look(self, connection: Connection, now: float) -> list[str]:
        """Take a look; return what is wrong with rules, a sentence each. The others are asked all the same.

        Raises:
            psycopg2.Error: PostgreSQL does not answer, or lacks the schema.
        """
        with looking(connection) as cursor:
            stand = read_stand(cursor, now)
            is_open = journal.open_alerts(cursor)
        found = _Round()
        for name, course in self._courses.items():
            try:
                self._ask(connection, course, [alert for alert in is_open if alert.rule == name], stand, now, found)
            except RulesError as error:
                found.failures.append(str(error))
        found.closed += [replace(alert, closed_at=now) for alert in is_open if alert.rule not in self._courses]
        if stand.version != self._restated_at_version:
            self._ask_again(connection, stand, now, found)
            self._restated_at_version = stand.version
        self._write(connection, is_open, found, now)
        return found.failures

    def _ask(
        self, connection: Connection, course: Course, mine: Sequence[Alert], stand: Stand, now: float, found: _Round
    ) -> None:
        """Ask a rule about the present."""
        rule = course.rule
        if rule.has_past and stand.version is None:
            return
        span = span_of(rule, stand.told_until if rule.has_past else now)
        with looking(connection) as cursor:
            (readings,) = read(cursor, rule, [span])
            usuals = partial(read_usual, cursor, rule, span)
            changes = course.step(readings, usuals, {alert.subject for alert in mine}, now)
        for change in changes:
            if change.reading is not None:
                found.opened.append(open_alert(rule, change.reading, change.usual, span, now))
            else:
                found.closed += [replace(alert, closed_at=now) for alert in mine if alert.subject == change.subject]

    def _ask_again(self, connection: Connection, stand: Stand, now: float, found: _Round) -> None:
        """Find alerts that would not have opened by what the marts say today of the time that opened them."""
        with looking(connection) as cursor:
            recent = journal.alerts_since(cursor, now - RESTATED_DAYS * 86_400, RESTATED_MOST)
        for alert in recent:
            course = self._courses.get(alert.rule)
            if course is None or not course.rule.has_past or alert.restated_at or alert.ends_at > stand.whole_until:
                continue
            try:
                with looking(connection) as cursor:
                    readings = list(chain.from_iterable(read(cursor, course.rule, _then(course.rule, alert))))
            except RulesError:
                continue  # it was told of when the rule was asked about the present
            still = [reading for reading in readings if reading.subject == alert.subject]
            if all(side(course.rule, reading) == CALM for reading in still):
                found.restated.append(replace(alert, restated_at=now, closed_at=alert.closed_at or now))

    def _write(self, connection: Connection, was_open: Sequence[Alert], found: _Round, now: float) -> None:
        """Write what changed, and the messages about it, in one transaction."""
        restated = {alert.alert_id: alert for alert in found.restated}
        closed = {alert.alert_id: alert for alert in found.closed if alert.alert_id not in restated}
        open_now = [
            *(alert for alert in was_open if alert.alert_id not in {*restated, *closed}),
            *found.opened,
        ]
        due = [alert for alert in open_now if alert.told_at is None]
        reminded = [
            alert for alert in open_now if alert.told_at and reminders_due(alert.opened_at, now) > alert.reminders
        ]
        changed = {alert.alert_id: alert for alert in (*found.opened, *closed.values(), *restated.values())}
        if not (changed or due or reminded):
            return
        with journal.recording(connection) as cursor:
            silent = journal.silenced_rules(cursor, now)
            for kind, alerts in (
                (OPENED, [replace(alert, told_at=now) for alert in due]),
                (REMINDER, [replace(alert, reminders=reminders_due(alert.opened_at, now)) for alert in reminded]),
                (CLOSED, list(closed.values())),
                (RESTATED, list(restated.values())),
            ):
                told = [alert for alert in alerts if _is_told_of(alert, silent)]
                changed |= {alert.alert_id: alert for alert in told}
                if told:
                    journal.write_message(cursor, message(kind, told), self._channels, now)
            for alert in changed.values():
                journal.put_alert(cursor, alert)


def read_stand(cursor: Cursor, now: float) -> Stand:
    """Return what the marts show.

    Up to when they tell what happened is the end of their newest window, or if nothing waits to be counted, the moment
    at which that was seen: then nothing has happened since. Without a supervisor nobody sees that, and it is now.
    """
    if not _is_there(cursor):
        return Stand()
    cursor.execute(_STAND)
    version, whole_until = cursor.fetchone() or (None, None)
    cursor.execute(_STATE)
    looked_at, unfinished = cursor.fetchone() or (0.0, "")
    is_seen = now - looked_at <= FRESH_SECONDS
    told_until = (looked_at if not unfinished else 0.0) if is_seen else now
    return Stand(version, whole_until or 0.0, max(whole_until or 0.0, told_until))


def _then(rule: Rule, alert: Alert) -> list[Span]:
    """Return the time that opened an alert, with and without the window that was not over yet and has grown since."""
    width = rule.resolution * 60.0
    return [Span(alert.starts_at, alert.ends_at), Span(alert.starts_at, alert.ends_at // width * width)]


def _is_there(cursor: Cursor) -> bool:
    cursor.execute("select to_regclass('marts.build_info') is not null")
    (is_there,) = cursor.fetchone() or (False,)
    return bool(is_there)


def _is_told_of(alert: Alert, silent: Mapping[str, float]) -> bool:
    """Say whether people are told of what happens to an alert: nobody hears the end of what nobody was told of."""
    return alert.told_at is not None and alert.rule not in silent and ALL not in silent
