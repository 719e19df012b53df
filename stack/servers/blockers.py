"""Who stands in the way of a session: named in its error, and ended where it is a reader's."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from lake.errors import ServiceError, first_line
from lake.settings import Settings
from stack.servers import postgres
from stack.servers.roles import IS_READER

PATIENCE_SECONDS = 2.0
"""A lock that is given back sooner is nobody's business."""
POLL_SECONDS = 0.5
_SESSIONS = """
select pid, usename::text, application_name, coalesce(xact_start, query_start, backend_start), {is_reader}
from pg_stat_activity
where """
BLOCKERS = sql.SQL(_SESSIONS + "pid = any(pg_blocking_pids(%s))").format(is_reader=IS_READER)
READERS = sql.SQL(_SESSIONS + "{is_reader} and datname = current_database() and xact_start is not null").format(
    is_reader=IS_READER
)


@dataclass(frozen=True)
class Session:
    """Somebody's session in the database; ``since`` is when its transaction began, None where that is not shown."""

    pid: int
    role: str
    application: str
    since: dt.datetime | None
    is_reader: bool

    def __str__(self) -> str:
        since = f", since {self.since.astimezone(dt.timezone.utc):%H:%M:%S} UTC" if self.since else ""
        return f"pid {self.pid} (role {self.role}, application {self.application or 'unknown'}{since})"


@contextmanager
def clear_way(settings: Settings, connection: Connection, say: Callable[[str], None]) -> Iterator[None]:
    """End the sessions of readers that keep the connection waiting for more than a moment, and say which.

    Args:
        settings: with the owner's password: the owner looks, and ends.
        connection: whose statements may wait for locks; each waits as long as its ``lock_timeout``.
        say: gets a line for each session that is ended.

    Raises:
        ServiceError: a statement has waited for too long; the message names those that it waited for.
    """
    is_done = threading.Event()
    seen: dict[int, Session] = {}
    arguments = (settings, connection.get_backend_pid(), is_done, seen, say)
    thread = threading.Thread(name="blockers", target=_look, args=arguments, daemon=True)
    thread.start()
    try:
        yield
    except psycopg2.errors.LockNotAvailable as error:
        names = " and ".join(map(str, seen.values())) or "another session"
        raise ServiceError(
            f"PostgreSQL has a lock that was waited for too long, and {names} holds it; wait until that is done, or "
            f"end it with `select pg_terminate_backend(PID)` as its role or the owner, and try again"
        ) from error
    finally:
        is_done.set()
        thread.join()


def end_readers(connection: Connection, say: Callable[[str], None]) -> None:
    """End the readers' sessions that are in a transaction, and say which: those still see rows that were deleted."""
    with connection.cursor() as cursor:
        cursor.execute(READERS)
        for row in cursor.fetchall():
            _end(connection, Session(*row), say)


def _look(
    settings: Settings, waiting: int, is_done: threading.Event, seen: dict[int, Session], say: Callable[[str], None]
) -> None:
    """Look, until it is done, whom the backend with the process id ``waiting`` waits for."""
    if is_done.wait(PATIENCE_SECONDS):
        return
    try:
        with closing(postgres.connect(settings, postgres.OWNER)) as own, own.cursor() as cursor:
            while not is_done.wait(POLL_SECONDS):
                cursor.execute(BLOCKERS, (waiting,))
                blockers = [Session(*row) for row in cursor.fetchall()]
                if blockers:
                    seen.clear()
                for blocker in blockers:
                    seen[blocker.pid] = blocker
                    if blocker.is_reader:
                        _end(own, blocker, say)
    except psycopg2.Error as error:
        say(f"nobody can say who is in the way: {first_line(error)}")


def _end(connection: Connection, session: Session, say: Callable[[str], None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", (session.pid,))
    say(f"ended a reader's session that was in the way: {session}")
