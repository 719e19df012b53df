"""PostgreSQL as the mirror writes it: the counts, the bookmark, and a connection that no frozen server holds on to."""

from __future__ import annotations

import datetime as dt
import io
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg2
import pyarrow as pa
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values
from pyarrow import csv
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.contracts import LEDGER_KEY, MEASURES, MIRROR_SCHEMA, VERDICTS, names
from lake.errors import ServiceError
from spark import failpoints

COLUMNS = [*names(LEDGER_KEY), *names(MEASURES)]
CONNECT_SECONDS = 5
PROBE_SECONDS = 5.0
SILENT_PROBES = 2
SESSION = (
    "-c lock_timeout=30s -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "
    "-c client_connection_check_interval=10s"
)
"""So that a session of ours that was cut off ends, and whoever waits for its locks hears of it."""


class BookmarkMovedError(ServiceError):
    """The bookmark is no longer where it was read: a transaction whose answer was lost has come through after all."""


@dataclass(frozen=True)
class Bookmark:
    """Where PostgreSQL stands: the ledger's version and which ledger it is; -1 and '' for an empty database."""

    version: int
    ledger_id: str


NOWHERE = Bookmark(-1, "")


def connect(dsn: str) -> Connection:
    """Open a connection.

    Raises:
        psycopg2.OperationalError: there is no answer within ``CONNECT_SECONDS``, or a refusal.
    """
    connection: Connection = psycopg2.connect(
        dsn,
        connect_timeout=CONNECT_SECONDS,
        options=SESSION,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=30_000,
    )
    return connection


@contextmanager
def watched(connection: Connection, dsn: str) -> Iterator[None]:
    """Cut the connection when the server stops answering meanwhile, so that whatever waits for it gets an error.

    A frozen server keeps its sockets open, and no time limit for a statement would tell it from a slow one. So the
    server is asked, on another connection, whether it still lets somebody in.

    Raises:
        psycopg2.OperationalError: the connection was cut.
    """
    is_done, is_cut = threading.Event(), threading.Event()
    arguments = (connection.fileno(), dsn, is_done, is_cut)
    watch = threading.Thread(name="mirror-watch", target=_watch, args=arguments, daemon=True)
    watch.start()
    try:
        yield
    except psycopg2.Error as error:
        if is_cut.is_set():
            raise psycopg2.OperationalError("the server has stopped answering") from error
        raise
    finally:
        is_done.set()
        watch.join()


def _watch(descriptor: int, dsn: str, is_done: threading.Event, is_cut: threading.Event) -> None:
    silent = 0
    while not is_done.wait(PROBE_SECONDS):
        silent = 0 if _answers(dsn) else silent + 1
        if silent == SILENT_PROBES:
            is_cut.set()
            with closing(socket.socket(fileno=os.dup(descriptor))) as copy:
                copy.shutdown(socket.SHUT_RDWR)
            return


def _answers(dsn: str) -> bool:
    """Say whether the server answers in time; a refusal is an answer."""
    started = time.monotonic()
    try:
        psycopg2.connect(dsn, connect_timeout=CONNECT_SECONDS).close()
    except psycopg2.OperationalError:
        return time.monotonic() - started < CONNECT_SECONDS * 0.9
    return True


def read_bookmark(cursor: Cursor) -> Bookmark:
    """Return the bookmark; without any counts it is worth nothing."""
    cursor.execute(
        f"select version, ledger_id from {MIRROR_SCHEMA}.bookmark "
        f"where exists (select from {MIRROR_SCHEMA}.window_counts)"
    )
    row = cursor.fetchone()
    return Bookmark(*row) if row else NOWHERE


def hold_bookmark(cursor: Cursor, expected: Bookmark) -> None:
    """Keep other writers out until the transaction ends; readers are let in.

    Raises:
        BookmarkMovedError: it is not where the caller has read it.
    """
    cursor.execute(f"lock table {MIRROR_SCHEMA}.bookmark in exclusive mode")
    found = read_bookmark(cursor)
    if found != expected:
        raise BookmarkMovedError(
            f"the bookmark is at version {found.version} and no longer at {expected.version}; going on from there"
        )


def move_bookmark(cursor: Cursor, to: Bookmark, is_filled_anew: bool = False) -> None:
    """Move the bookmark, or make it; ``is_filled_anew`` tells dbt to start from the beginning."""
    failpoints.reach("mirror-in-transaction")
    cursor.execute(
        f"insert into {MIRROR_SCHEMA}.bookmark as bookmark (version, ledger_id, moved_at, filled_at) "
        "values (%s, %s, now(), now()) on conflict (is_only) do update set version = excluded.version, "
        "ledger_id = excluded.ledger_id, moved_at = excluded.moved_at, "
        "filled_at = case when %s then excluded.filled_at else bookmark.filled_at end",
        (to.version, to.ledger_id, is_filled_anew),
    )


def put_verdicts(cursor: Cursor, number: int, rows: Iterable[tuple[str, str, str, str, dt.datetime]]) -> None:
    """Write all verdicts, where PostgreSQL does not have them yet.

    Args:
        cursor: of the transaction.
        number: the last verdict's.
        rows: address, verdict, who decided, reason and time of each.
    """
    cursor.execute(f"select coalesce(max(number), 0) from {MIRROR_SCHEMA}.verdicts")
    if cursor.fetchone() == (number,):
        return
    columns = names(VERDICTS)
    cursor.execute(f"delete from {MIRROR_SCHEMA}.verdicts")
    execute_values(
        cursor,
        f"insert into {MIRROR_SCHEMA}.verdicts ({', '.join(columns)}) values %s",
        [(*row, number) for row in rows],
    )


def clear_counts(cursor: Cursor) -> None:
    """Delete all counts, and the verdicts that they obey. Readers see them until the transaction ends."""
    cursor.execute(f"delete from {MIRROR_SCHEMA}.window_counts")
    cursor.execute(f"delete from {MIRROR_SCHEMA}.verdicts")


def add_sums(cursor: Cursor, sums: DataFrame, version: int) -> int:
    """Add sums of entries to the counts, stamp the rows that they touch, and return their number.

    The sums come to the driver: keep them to what its memory holds.
    """
    measures = ", ".join(f"{name} bigint not null" for name in names(MEASURES))
    cursor.execute(
        "create temporary table if not exists entries (dimension text not null, window_start timestamptz not null, "
        f"key text not null, is_bot boolean not null, {measures}) on commit drop"
    )
    table = sums.select("dimension", F.unix_micros("window_start").alias("window_start"), *COLUMNS[2:]).toArrow()
    stamps = pa.compute.strftime(table["window_start"].cast(pa.timestamp("us")), format="%Y-%m-%d %H:%M:%S+00")
    table = table.set_column(table.column_names.index("window_start"), "window_start", stamps)
    buffer = io.BytesIO()
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    buffer.seek(0)
    cursor.copy_expert(f"copy entries ({', '.join(COLUMNS)}) from stdin with (format csv)", buffer)
    _upsert(cursor, version)
    cursor.execute("truncate entries")
    return int(table.num_rows)


def _upsert(cursor: Cursor, version: int) -> None:
    key = ", ".join(names(LEDGER_KEY))
    added = ", ".join(f"{name} = counts.{name} + excluded.{name}" for name in names(MEASURES))
    cursor.execute(
        f"insert into {MIRROR_SCHEMA}.window_counts as counts ({', '.join(COLUMNS)}, version) "
        f"select {', '.join(COLUMNS)}, %s from entries order by {key} "
        f"on conflict ({key}) do update set {added}, version = excluded.version",
        (version,),
    )
