"""What the database shows at a moment: which version of the marts, built when, and which look at the stack."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, TypeAlias

from psycopg2.extensions import cursor as Cursor

LACKS = """
select
    to_regclass('marts.build_info') is null,
    to_regclass('ops.state') is null,
    to_regclass('ops.alerts') is null
"""
MARTS = """
select ledger_id, version, built_at, whole_until
from marts.build_info
"""
LOOKED_AT = "select looked_at from ops.state"
ALERTS = "select count(*), max(opened_at) from ops.alerts where closed_at is null"
Extent: TypeAlias = tuple[dt.datetime | None, dt.datetime | None]
"""The first and the last minute in which something was counted; None where nothing was."""
TRAFFIC = """
select
    (select min(window_start) from marts.traffic where events > 0),
    (select max(window_start) from marts.traffic where events > 0)
"""


@dataclass(frozen=True)
class Stand:
    """One edition of the marts, and one look at the stack; None for what there is not yet."""

    ledger_id: str | None = None
    version: int | None = None
    built_at: dt.datetime | None = None
    whole_until: dt.datetime | None = None
    looked_at: dt.datetime | None = None
    alerts: tuple[Any, ...] = ()

    @property
    def of_marts(self) -> str:
        """A text that another one takes the place of when the marts change."""
        return f"{self.ledger_id} {self.version} {self.built_at}"

    @property
    def of_state(self) -> str:
        """The same of what else is known of the stack."""
        return f"{self.of_marts} {self.looked_at} {self.alerts}"

    def as_json(self) -> dict[str, Any]:
        """Return what the page has to know of it; times as epoch seconds."""
        return {
            "version": self.version,
            "built_at": _seconds(self.built_at),
            "whole_until": _seconds(self.whole_until),
            "looked_at": _seconds(self.looked_at),
            "alerts": self.alerts[0] if self.alerts else 0,
        }


def read_stand(cursor: Cursor) -> Stand:
    """Return what the database shows in this transaction.

    Raises:
        psycopg2.Error: the database does not answer.
    """
    lacks_marts, lacks_state, lacks_alerts = _row(cursor, LACKS)
    marts = () if lacks_marts else _row(cursor, MARTS)
    (looked_at,) = (None,) if lacks_state else _row(cursor, LOOKED_AT) or (None,)
    alerts = () if lacks_alerts else _row(cursor, ALERTS)
    ledger_id, version, built_at, whole_until = marts or (None, None, None, None)
    return Stand(ledger_id, version, built_at, whole_until, looked_at, alerts)


def read_extent(cursor: Cursor) -> Extent:
    """Return the first and the last minute with events.

    Raises:
        psycopg2.Error: the database does not answer, or has no marts.
    """
    first, newest = _row(cursor, TRAFFIC)
    return first, newest


def _row(cursor: Cursor, query: str) -> tuple[Any, ...]:
    cursor.execute(query)
    return cursor.fetchone() or ()


def _seconds(time: dt.datetime | None) -> float | None:
    return time.timestamp() if time else None
