"""Connections to the database as the role charts, which may read the marts and the stack's state, and write nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from lake.causes import cause
from lake.errors import WeblakeError
from lake.settings import OUR_SESSION, Settings

QUERY_SECONDS = 2
CONNECTIONS = 3
"""At once. The role has five, and the charts need one of them."""
IDLE_SECONDS = 60.0
SESSION = f"{OUR_SESSION} -c statement_timeout={QUERY_SECONDS}s -c timezone=UTC -c jit=off"

T = TypeVar("T")


class AwayError(WeblakeError):
    """The database does not answer, or has no marts yet."""


class SlowError(WeblakeError):
    """A query took too long."""


class Marts:
    """Reads in transactions that all see one edition of the marts; for several threads at once."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._turns = threading.BoundedSemaphore(CONNECTIONS)
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Connection]] = []

    def read(self, work: Callable[[Cursor], T]) -> T:
        """Return what ``work`` reads in one transaction.

        Raises:
            AwayError: the database does not answer, or has not what is asked for yet.
            SlowError: a query took longer than ``QUERY_SECONDS``.
        """
        with self._turns:
            try:
                return self._try(work)
            except errors.QueryCanceled as error:
                raise SlowError(
                    f"the database took longer than {QUERY_SECONDS} s for this; choose a shorter period, or ask with "
                    "`make sql`, which waits longer"
                ) from error
            except (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName) as error:
                raise AwayError(
                    "the marts are not built yet, or are an older version's; `make status` says what is missing"
                ) from error
            except psycopg2.Error as error:
                raise AwayError(f"the database does not answer ({cause(error)}); run `make status`") from error

    def close_idle(self, seconds: float = IDLE_SECONDS) -> None:
        """Close connections that nobody has used for so long."""
        with self._lock:
            limit = time.monotonic() - seconds
            old = [connection for since, connection in self._idle if since <= limit]
            self._idle = [(since, connection) for since, connection in self._idle if since > limit]
        for connection in old:
            connection.close()

    def _try(self, work: Callable[[Cursor], T]) -> T:
        with self._lock:
            kept = self._idle.pop()[1] if self._idle else None
        try:
            return self._use(kept or self._open(), work)
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            if kept is None or isinstance(error, errors.QueryCanceled):
                raise
            self.close_idle(0.0)  # the server has been restarted since, and knows none of them
            return self._use(self._open(), work)

    def _use(self, connection: Connection, work: Callable[[Cursor], T]) -> T:
        try:
            with connection, connection.cursor() as cursor:
                result = work(cursor)
        except BaseException:
            with suppress(psycopg2.Error):
                connection.close()
            raise
        with self._lock:
            self._idle.append((time.monotonic(), connection))
        return result

    def _open(self) -> Connection:
        connection = psycopg2.connect(self._settings.postgres_dsn("charts"), options=SESSION)
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        return connection
