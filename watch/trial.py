"""A rule tried over the past: when its alerts would have opened and closed, without telling anybody."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from lake.errors import RulesError
from watch.alerts import sentence
from watch.arithmetic import OVER, WEEKS, Reading, Usual, side
from watch.course import Course
from watch.readings import TRIAL_SECONDS, Span, earlier, looking, read, span_of, usuals
from watch.rules import Rule

PIECE = 1_440
"""So many times are asked about at once: a day, by the minute."""


@dataclass(frozen=True)
class Trial:
    """An alert that would have opened, in epoch seconds; ``closed_at`` is None where it would be open at the end."""

    subject: str
    sentence: str
    opened_at: float
    closed_at: float | None = None


def check(connection: Connection, rule: Rule, now: float) -> None:
    """Ask a rule about the present.

    Raises:
        RulesError: it cannot be used; the message says why.
        psycopg2.Error: PostgreSQL does not answer.
    """
    with looking(connection, TRIAL_SECONDS) as cursor:
        (readings,) = read(cursor, rule, [span_of(rule, now)])
    for reading in readings:
        if reading.value is not None:
            sentence(rule, reading, None)


def try_rule(connection: Connection, rule: Rule, first: float, end: float) -> list[Trial]:
    """Return the alerts that a rule would have opened between two times (epoch seconds), by what the marts say today.

    It is asked at the end of each of its windows. While the stack runs it is asked more often, so it tells earlier.

    Raises:
        RulesError: it cannot be used, or knows only the present.
        psycopg2.Error: PostgreSQL does not answer.
    """
    if not rule.has_past:
        raise RulesError(f"rule {rule.name!r} knows only the present: its SQL does not use `span`; try another rule")
    course = Course(rule)
    opened: dict[str, Trial] = {}
    over: list[Trial] = []
    step = rule.resolution * 60
    times = range(math.ceil(first / step) * step, math.floor(end / step) * step + 1, step)
    for piece in (times[start : start + PIECE] for start in range(0, len(times), PIECE)):
        spans = [span_of(rule, at) for at in piece]
        with looking(connection, TRIAL_SECONDS) as cursor:
            readings = read(cursor, rule, spans)
            usual_at = _usuals(cursor, rule, spans, readings)
        for number, at in enumerate(piece):
            then = partial(usual_at.__getitem__, number)  # asked for where a reading is over, and those are there
            for change in course.step(readings[number], then, opened.keys(), at):
                if change.reading is None:
                    over.append(replace(opened.pop(change.subject), closed_at=at))
                else:
                    says = sentence(rule, change.reading, change.usual)
                    opened[change.subject] = Trial(change.subject, says, at)
    return sorted([*over, *opened.values()], key=lambda one: one.opened_at)


def _usuals(
    cursor: Cursor, rule: Rule, spans: Sequence[Span], readings: Sequence[Sequence[Reading]]
) -> dict[int, dict[str, Usual]]:
    """Return the usual of each subject, for those of the times (by their number) for which it matters."""
    numbers = [number for number, found in enumerate(readings) if any(side(rule, one) == OVER for one in found)]
    if rule.times_usual is None or not numbers:
        return {}
    found = read(cursor, rule, [week for number in numbers for week in earlier(spans[number])])
    return {number: usuals(found[place * WEEKS : (place + 1) * WEEKS]) for place, number in enumerate(numbers)}
