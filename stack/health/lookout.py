"""The lookout: looks at the stack again and again, notes its state, and writes it to PostgreSQL's schema ``ops``.

Whoever reads only the database, as the page and the alerts do, learns from there what ``weblake status`` says.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json

from lake.contracts.ops import ONLY, OPS_SCHEMA, STATE_TABLE, VERIFIED_TABLE, OpsTable
from lake.contracts.reports import VerifyReport, report_round
from lake.errors import WeblakeError, first_line
from lake.settings import Settings
from stack.health.history import note
from stack.health.state import as_dict
from stack.servers.postgres import connect
from stack.servers.roles import WATCH
from stack.status import Status, gather
from stack.supervisor_config import config_file

LOOK_SECONDS = 15.0
VERIFIED_KEPT = 1_000
"""Results of verify that the database keeps: two years of one a day, and many by hand."""

log = logging.getLogger(__name__)


def keep_lookout(settings: Settings, stop: threading.Event, show: Callable[[Status], None] = lambda _: None) -> None:
    """Look at the stack every ``LOOK_SECONDS`` until ``stop`` is set, and ``show`` what was seen; no failure ends it.

    Where there is no supervisor, as in a container, nobody knows of the other programs: it only waits.
    """
    failure = ""
    while not stop.wait(LOOK_SECONDS):
        if not config_file(settings).exists():
            continue
        try:
            status = gather(settings, with_sizes=False)
            if stop.is_set():
                return
            show(status)
            note(settings, status)
            with closing(connect(settings, WATCH)) as connection, connection, connection.cursor() as cursor:
                publish(cursor, status)
            failure = ""
        except Exception as error:  # also what nobody thought of: the next look may work
            if first_line(error) != failure:  # said once, however long it lasts
                log.warning("the state of the stack cannot be published: %s", first_line(error), exc_info=_odd(error))
            failure = first_line(error)
        report_round(settings.loop_file("watch"), failure or None)


def _odd(error: Exception) -> Exception | None:
    """Return an error whose trace tells something: what PostgreSQL and our own code say needs none."""
    return None if isinstance(error, (WeblakeError, psycopg2.Error)) else error


def publish(cursor: Cursor, status: Status) -> None:
    """Write what was seen to ``ops.state``, and the last result of verify to ``ops.verified``, in a transaction.

    Raises:
        psycopg2.Error: PostgreSQL does not answer, or lacks the schema.
    """
    report = as_dict(status)
    state = {name: report.pop(name) for name in ("state", "problems", "unknown", "unfinished")}
    _put(cursor, STATE_TABLE, {"looked_at": _instant(status.looked_at), **state, "report": Json(report)})
    if status.verify is not None:
        _put(cursor, VERIFIED_TABLE, _verified(status.verify))
        forget = sql.SQL(
            "delete from {table} where verified_at < "
            "(select verified_at from {table} order by verified_at desc offset %s limit 1)"
        )
        cursor.execute(forget.format(table=_name(VERIFIED_TABLE)), (VERIFIED_KEPT - 1,))


def _verified(report: VerifyReport) -> dict[str, Any]:
    return {
        "verified_at": _instant(report.at),
        "seconds": report.seconds,
        "verdict": report.verdict,
        "scope": report.scope,
        "is_whole": report.is_whole,
        "is_deep": report.is_deep,
        "passed": report.ok,
        "failed": list(report.failed),
        "unchecked": list(report.unchecked),
    }


def _put(cursor: Cursor, table: OpsTable, values: Mapping[str, Any]) -> None:
    """Insert a row, or bring the row of the same key (the only one, where there is no key) up to date."""
    columns = sql.SQL(", ").join(map(sql.Identifier, values))
    statement = sql.SQL(
        "insert into {table} ({columns}) values ({values}) on conflict ({key}) do update set ({columns}) = ({excluded})"
    ).format(
        table=_name(table),
        columns=columns,
        values=sql.SQL(", ").join(map(sql.Placeholder, values)),
        key=sql.SQL(", ").join(map(sql.Identifier, table.key or (ONLY,))),
        excluded=sql.SQL(", ").join(sql.SQL("excluded.{}").format(sql.Identifier(name)) for name in values),
    )
    cursor.execute(statement, dict(values))


def _name(table: OpsTable) -> sql.Identifier:
    return sql.Identifier(OPS_SCHEMA, table.name)


def _instant(epoch_seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch_seconds, dt.timezone.utc)
