"""PostgreSQL as the mirror writes it: the counts, the bookmark, and a connection that no frozen server holds on to."""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from lake.contracts import MIRROR_SCHEMA, MIRROR_TABLES
from lake.contracts.mirror import BOOKMARK_MOVED, BOOKMARK_TABLE
from lake.errors import ServiceError, first_line
from lake.locks import lock_holders
from lake.settings import OUR_SESSION
from spark import failpoints

WINDOW_COUNTS, BOOKMARK = (sql.Identifier(MIRROR_SCHEMA, table) for table in ("window_counts", "bookmark"))
CONNECT_SECONDS = 5
PROBE_SECONDS = 5.0
SILENT_PROBES = 2
SESSION = (
    f"{OUR_SESSION} -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "
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


@dataclass(frozen=True)
class News:
    """How new the counts are: when Kafka got the newest record in them (epoch seconds; 0 where nobody knows).

    ``records`` came into bronze up to then, and ``rejected`` of them do not count.
    """

    until: float
    records: int
    rejected: int


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
def watchdog(connection: Connection, dsn: str) -> Iterator[None]:
    """Cut the connection when the server stops answering meanwhile, so that all that waits for it gets an error.

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


def who_holds_locks(dsn: str) -> str:
    """Return who holds locks on the mirror's tables, in words; why nobody can say, where the server does not."""
    try:
        with closing(connect(dsn)) as connection, watchdog(connection, dsn), connection.cursor() as cursor:
            return lock_holders(cursor, MIRROR_SCHEMA)
    except psycopg2.Error as error:
        return f"who holds the lock is not known: {first_line(error)}"


def read_bookmark(cursor: Cursor) -> Bookmark:
    """Return the bookmark; an empty table has no valid bookmark."""
    query = sql.SQL("select version, ledger_id from {} where exists (select from {})")
    cursor.execute(query.format(BOOKMARK, WINDOW_COUNTS))
    row = cursor.fetchone()
    return Bookmark(*row) if row else NOWHERE


def hold_bookmark(cursor: Cursor, expected: Bookmark) -> None:
    """Keep other writers out until the transaction ends; readers are let in.

    Raises:
        BookmarkMovedError: it is not where the caller has read it.
    """
    cursor.execute(sql.SQL("lock table {} in exclusive mode").format(BOOKMARK))
    bookmark = read_bookmark(cursor)
    if bookmark != expected:
        raise BookmarkMovedError(
            f"the bookmark is at version {bookmark.version} and no longer at {expected.version}; going on from there"
        )


def read_settled_until(cursor: Cursor) -> dt.datetime | None:
    """Return the time before which windows stand in wider ones; None where none do."""
    cursor.execute(sql.SQL("select max(settled_until) from {}").format(BOOKMARK))
    ((settled_until,),) = cursor.fetchall()
    return settled_until  # type: ignore[no-any-return]


def move_bookmark(
    cursor: Cursor, to: Bookmark, settled_until: dt.datetime | None, is_filled_anew: bool = False
) -> None:
    """Move the bookmark, or make it, and tell who listens; ``is_filled_anew`` tells dbt to start from the beginning."""
    failpoints.reach("mirror-in-transaction")
    statement = sql.SQL(
        "insert into {} as bookmark (version, ledger_id, moved_at, filled_at, settled_until) "
        "values (%s, %s, now(), now(), %s) on conflict (is_only) do update set version = excluded.version, "
        "ledger_id = excluded.ledger_id, moved_at = excluded.moved_at, settled_until = excluded.settled_until, "
        "filled_at = case when %s then excluded.filled_at else bookmark.filled_at end"
    )
    cursor.execute(statement.format(BOOKMARK), (to.version, to.ledger_id, settled_until, is_filled_anew))
    cursor.execute(sql.SQL("notify {}").format(sql.Identifier(BOOKMARK_MOVED)))


def put_news(cursor: Cursor, news: News) -> bool:
    """Write how new the counts are beside the bookmark, and return whether that was news."""
    statement = sql.SQL(
        "update {} set counted_until = to_timestamp(%(until)s), counted_at = now(), records = %(records)s, "
        "rejected = %(rejected)s where %(until)s > 0 and counted_until is distinct from to_timestamp(%(until)s)"
    )
    cursor.execute(statement.format(BOOKMARK), asdict(news))
    return cursor.rowcount > 0


def clear_tables(cursor: Cursor) -> None:
    """Delete all counts, and the verdicts and records beside them. Readers see them until the transaction ends."""
    for table in MIRROR_TABLES:
        if table != BOOKMARK_TABLE:
            cursor.execute(sql.SQL("delete from {}").format(sql.Identifier(MIRROR_SCHEMA, table.name)))
