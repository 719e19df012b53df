"""What the rules' SQL says of the marts, at one time or at many.

A rule's SQL is a query of its own, joined laterally to the times it is asked about: ``span.starts_at`` and
``span.ends_at``. It returns no row or one for each subject, with ``part`` and ``whole`` of a share, or ``value`` and
if it likes ``volume``; with ``subject`` where there are several; and with whatever else its sentence shows.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from lake.errors import RulesError, first_line
from lake.text import printable
from watch.arithmetic import WEEKS, Reading, Usual, usual
from watch.rules import Rule

LIVE_SECONDS, TRIAL_SECONDS = 5, 60
"""How long a rule's SQL may take for the present, and for a piece of history."""
MOST_SUBJECTS = 50
MOST_CHARACTERS, MOST_OF_SUBJECT = 300, 80
"""Of a text from the marts: it may be anything that somebody sent."""
USUAL_MINUTES = 5
WEEK_SECONDS = 7 * 86_400.0

_READ = """
select span.number, reading.*
from unnest(%s::timestamptz[], %s::timestamptz[]) with ordinality as span (starts_at, ends_at, number)
cross join lateral (
{rule}
) as reading
"""


class Span(NamedTuple):
    """A time that a rule is asked about, in epoch seconds."""

    starts_at: float
    ends_at: float


def span_of(rule: Rule, at: float) -> Span:
    """Return the time up to ``at`` (epoch seconds): the rule's minutes, and what there is of the window after them."""
    width = rule.resolution * 60.0
    return Span(at // width * width - rule.minutes * 60.0, at)


def earlier(span: Span) -> list[Span]:
    """Return the same time of earlier weeks, the last week first, of at least five minutes."""
    start = min(span.starts_at, span.ends_at - USUAL_MINUTES * 60.0)
    return [Span(start - week * WEEK_SECONDS, span.ends_at - week * WEEK_SECONDS) for week in range(1, WEEKS + 1)]


@contextmanager
def looking(connection: Connection, seconds: int = LIVE_SECONDS) -> Iterator[Cursor]:
    """Give a cursor that can only read, and only for so long, in a transaction that changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute("begin isolation level repeatable read read only")
        try:
            cursor.execute("select set_config('statement_timeout', %s, true)", (f"{seconds}s",))
            yield cursor
        finally:
            if not connection.closed:
                cursor.execute("rollback")


def read(cursor: Cursor, rule: Rule, spans: Sequence[Span]) -> list[list[Reading]]:
    """Return the readings of each of the times.

    Raises:
        RulesError: the SQL fails, takes too long, or does not return what it should; the message says what.
        psycopg2.OperationalError: PostgreSQL does not answer.
    """
    query = sql.SQL(_READ).format(rule=sql.SQL(rule.sql.replace("%", "%%")))  # no parameter of ours stands in it
    starts, ends = ([_instant(bound) for bound in bounds] for bounds in zip(*spans, strict=True))
    try:
        cursor.execute(query, (starts, ends))
    except psycopg2.OperationalError as error:
        if not isinstance(error, psycopg2.extensions.QueryCanceledError):
            raise
        raise _refused(rule, "its SQL takes too long") from error
    except psycopg2.Error as error:
        raise _refused(rule, f"PostgreSQL says {first_line(error)!r} of its SQL") from error
    names = [column.name for column in cursor.description or ()]
    _check_columns(rule, names)
    readings: list[list[Reading]] = [[] for _ in spans]
    for row in cursor.fetchall():
        columns = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        found = readings[int(columns.pop("number")) - 1]
        if len(found) < MOST_SUBJECTS:
            found.append(_reading(rule, columns))
    return readings


def read_usual(cursor: Cursor, rule: Rule, span: Span) -> dict[str, Usual]:
    """Return the usual of each subject that earlier weeks know; raises as :func:`read`."""
    return usuals(read(cursor, rule, earlier(span)))


def usuals(weeks: Sequence[Sequence[Reading]]) -> dict[str, Usual]:
    """Return the usual of each subject that earlier weeks know, by what each week says."""
    values: dict[str, list[float | None]] = {}
    for reading in chain.from_iterable(weeks):
        values.setdefault(reading.subject, []).append(reading.value)
    return {subject: usual(known) for subject, known in values.items()}


def _reading(rule: Rule, columns: dict[str, Any]) -> Reading:
    subject = _cut(str(columns.get("subject") or ""), MOST_OF_SUBJECT)
    part, whole = columns.get("part"), columns.get("whole")
    try:
        if "whole" in columns:
            share = None if part is None or not whole else float(part) / float(whole)
            columns["share"] = share
            return Reading(subject, share, part, whole, float(whole or 0), columns)
        value = columns["value"]
        volume = columns.get("volume", math.inf)
        return Reading(subject, None if value is None else float(value), volume=float(volume or 0), columns=columns)
    except (TypeError, ValueError) as error:
        raise _refused(rule, f"its SQL returns text where a number should be ({error})") from error


def _check_columns(rule: Rule, names: Sequence[str]) -> None:
    """Raise where the SQL does not return what a rule and its sentence need."""
    if not ({"part", "whole"} <= set(names) or "value" in names):
        raise _refused(rule, "its SQL returns neither part and whole, nor value")
    shown = {*names, "share", "minutes", "value"}
    missing = sorted(rule.fields - shown)
    if missing:
        raise _refused(rule, f"its sentence shows {{{missing[0]}}}, which its SQL does not return")


def _refused(rule: Rule, why: str) -> RulesError:
    return RulesError(f"rule {rule.name!r} cannot be used: {why}; mend it, and run `make alert-test RULE={rule.name}`")


def _plain(value: Any) -> Any:
    """Return a value of PostgreSQL's as a number or as text that may be shown."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    if isinstance(value, str):
        return _cut(printable(value), MOST_CHARACTERS)
    return value


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _instant(epoch_seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch_seconds, dt.timezone.utc)
