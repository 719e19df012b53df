"""What is on record of alerts in PostgreSQL's schema ``ops``: read and written as role ``watch``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json

from lake.contracts.ops import (
    ALERTS_TABLE,
    DELIVERIES_TABLE,
    MESSAGES_TABLE,
    OPS_SCHEMA,
    SILENCES_TABLE,
    OpsTable,
)
from lake.settings import Settings
from watch.alerts import Alert, Message

WATCH = "watch"
MESSAGES_DAYS, ALERTS_DAYS = 90, 400
"""How long messages, and alerts that are over, stay on record."""
_NAMES = [field.name for field in fields(Alert)]
_TIMES = {name for name in _NAMES if name.endswith("_at")}


def connect(settings: Settings) -> Connection:
    """Open a connection in autocommit mode; raises psycopg2.OperationalError where it cannot."""
    connection: Connection = psycopg2.connect(settings.postgres_dsn(WATCH))
    connection.autocommit = True
    return connection


@contextmanager
def recording(connection: Connection) -> Iterator[Cursor]:
    """Give a cursor in a transaction, which is taken back where the block fails."""
    with connection.cursor() as cursor:
        cursor.execute("begin")
        try:
            yield cursor
        except BaseException:
            if not connection.closed:
                cursor.execute("rollback")
            raise
        cursor.execute("commit")


def open_alerts(cursor: Cursor) -> list[Alert]:
    """Return the alerts that are not over, the oldest first."""
    return _alerts(cursor, sql.SQL("where closed_at is null order by opened_at"), ())


def alerts_since(cursor: Cursor, since: float, most: int) -> list[Alert]:
    """Return the newest alerts that are open or opened since a time (epoch seconds), the newest first."""
    return _alerts(
        cursor,
        sql.SQL("where closed_at is null or opened_at >= %s order by opened_at desc limit %s"),
        (instant(since), most),
    )


def put_alert(cursor: Cursor, alert: Alert) -> None:
    """Write an alert, new or changed."""
    statement = sql.SQL(
        "insert into {table} ({names}) values ({values}) on conflict (alert_id) do update set ({names}) = ({new})"
    ).format(
        table=_name(ALERTS_TABLE),
        names=sql.SQL(", ").join(map(sql.Identifier, _NAMES)),
        values=sql.SQL(", ").join(map(sql.Placeholder, _NAMES)),
        new=sql.SQL(", ").join(sql.SQL("excluded.{}").format(sql.Identifier(name)) for name in _NAMES),
    )
    values = {name: getattr(alert, name) for name in _NAMES}
    cursor.execute(statement, {name: instant(value) if name in _TIMES else value for name, value in values.items()})


def write_message(cursor: Cursor, message: Message, channels: Sequence[str], now: float) -> None:
    """Write a message that is to be sent to each of the channels; what is older than it need be is deleted."""
    cursor.execute(
        sql.SQL("insert into {} (message_id, written_at, kind, title, content) values (%s, %s, %s, %s, %s)").format(
            _name(MESSAGES_TABLE)
        ),
        (message.message_id, instant(now), message.kind, message.title, Json(list(message.alerts))),
    )
    for channel in channels:
        cursor.execute(
            sql.SQL("insert into {} (message_id, channel, due_at, attempts, error) values (%s, %s, %s, 0, '')").format(
                _name(DELIVERIES_TABLE)
            ),
            (message.message_id, channel, instant(now)),
        )
    _forget(cursor, now)


def silenced_rules(cursor: Cursor, now: float) -> dict[str, float]:
    """Return the rules that are silent now, each with the end of that (epoch seconds)."""
    statement = sql.SQL("select rule, until from {} where until > %s").format(_name(SILENCES_TABLE))
    cursor.execute(statement, (instant(now),))
    return {rule: until.timestamp() for rule, until in cursor.fetchall()}


def silence(cursor: Cursor, rule: str, until: float, now: float) -> None:
    """Have nobody told of a rule's alerts, or of any for ``all``, until a time (epoch seconds)."""
    statement = sql.SQL(
        "insert into {} (rule, until, asked_at) values (%s, %s, %s) "
        "on conflict (rule) do update set until = excluded.until, asked_at = excluded.asked_at"
    ).format(_name(SILENCES_TABLE))
    cursor.execute(statement, (rule, instant(until), instant(now)))


def due_deliveries(cursor: Cursor, now: float) -> list[tuple[Message, str, int, float]]:
    """Return what is to be sent by now, oldest first: message, channel, failed attempts, when it was written."""
    statement = sql.SQL(
        "select message_id, kind, title, content, channel, attempts, written_at from {} join {} using (message_id) "
        "where sent_at is null and abandoned_at is null and due_at <= %s order by written_at, message_id, channel"
    ).format(_name(DELIVERIES_TABLE), _name(MESSAGES_TABLE))
    cursor.execute(statement, (instant(now),))
    return [
        (Message(message_id, kind, title, tuple(content)), channel, attempts, written_at.timestamp())
        for message_id, kind, title, content, channel, attempts, written_at in cursor.fetchall()
    ]


def next_due(cursor: Cursor) -> float | None:
    """Return when the next message is to be sent (epoch seconds); None where none is left."""
    statement = sql.SQL("select min(due_at) from {} where sent_at is null and abandoned_at is null")
    cursor.execute(statement.format(_name(DELIVERIES_TABLE)))
    (due_at,) = cursor.fetchone() or (None,)
    return due_at.timestamp() if due_at else None


def record_sent(cursor: Cursor, message_id: str, channel: str, now: float) -> None:
    """Record that a message was sent, after it was."""
    _update(cursor, message_id, channel, sent_at=instant(now), error="")


def record_failure(
    cursor: Cursor, message_id: str, channel: str, attempts: int, error: str, due: float | None, now: float
) -> None:
    """Record that sending failed; it is tried again at ``due`` (epoch seconds), or never for None."""
    if due is None:
        _update(cursor, message_id, channel, attempts=attempts, error=error, abandoned_at=instant(now))
    else:
        _update(cursor, message_id, channel, attempts=attempts, error=error, due_at=instant(due))


def failing_channels(cursor: Cursor) -> list[tuple[str, str]]:
    """Return the channels that have failed to take a message that still waits, each with why."""
    cursor.execute(
        sql.SQL(
            "select channel, max(error) from {} where sent_at is null and abandoned_at is null and attempts > 0 "
            "group by channel order by channel"
        ).format(_name(DELIVERIES_TABLE))
    )
    return [(channel, error) for channel, error in cursor.fetchall()]


def instant(epoch_seconds: float | None) -> dt.datetime | None:
    """Return a time as PostgreSQL takes it."""
    return None if epoch_seconds is None else dt.datetime.fromtimestamp(epoch_seconds, dt.timezone.utc)


def _alerts(cursor: Cursor, where: sql.SQL, arguments: tuple[Any, ...]) -> list[Alert]:
    names = sql.SQL(", ").join(map(sql.Identifier, _NAMES))
    cursor.execute(sql.SQL("select {} from {} {}").format(names, _name(ALERTS_TABLE), where), arguments)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return [Alert(*(_seconds(value) for value in row)) for row in rows]


def _seconds(value: Any) -> Any:
    """Return a time of PostgreSQL's in epoch seconds, and what is no time as it is."""
    return value.timestamp() if isinstance(value, dt.datetime) else value


def _update(cursor: Cursor, message_id: str, channel: str, **values: Any) -> None:
    changes = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
    )
    statement = sql.SQL("update {} set {} where message_id = %(message_id)s and channel = %(channel)s")
    cursor.execute(
        statement.format(_name(DELIVERIES_TABLE), changes), {**values, "message_id": message_id, "channel": channel}
    )


def _forget(cursor: Cursor, now: float) -> None:
    """Delete messages and alerts that are older than they need be."""
    day = 86_400
    old = instant(now - MESSAGES_DAYS * day)
    deliveries, messages = _name(DELIVERIES_TABLE), _name(MESSAGES_TABLE)
    statement = sql.SQL("delete from {} where message_id in (select message_id from {} where written_at < %s)")
    cursor.execute(statement.format(deliveries, messages), (old,))
    cursor.execute(sql.SQL("delete from {} where written_at < %s").format(messages), (old,))
    cursor.execute(
        sql.SQL("delete from {} where closed_at < %s").format(_name(ALERTS_TABLE)), (instant(now - ALERTS_DAYS * day),)
    )


def _name(table: OpsTable) -> sql.Identifier:
    return sql.Identifier(OPS_SCHEMA, table.name)
