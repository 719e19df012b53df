"""The marts' ear at the mirror: PostgreSQL says when a transaction that moved the bookmark has been committed."""

from __future__ import annotations

import select
import threading
import time
from contextlib import closing
from types import TracebackType

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from lake.contracts.mirror import BOOKMARK_MOVED

STOP_POLL_SECONDS = 0.5


class Listener:
    """``with Listener(dsn) as listener:`` keeps one session at the database, and makes another where that was cut off.

    Not every way to PostgreSQL lets notifications through (a pooler between transactions does not), so whoever waits
    does so for a limited time, and then looks.
    """

    def __init__(self, dsn: str) -> None:
        """Take note of the database; nothing is connected yet."""
        self._dsn = dsn
        self._connection: Connection | None = None

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def listen(self) -> None:
        """From now on, remember whether the bookmark moves. What was heard before is forgotten: look after this.

        Raises:
            psycopg2.Error: PostgreSQL does not answer.
        """
        self._has_heard()
        if self._connection is not None:
            self._connection.notifies.clear()
            return
        self._connection = psycopg2.connect(
            self._dsn, keepalives_idle=10, keepalives_interval=5, keepalives_count=3, tcp_user_timeout=30_000
        )
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(sql.SQL("listen {}").format(sql.Identifier(BOOKMARK_MOVED)))

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait until there is reason to look, or ``stop`` is set; return whether there is reason.

        The bookmark has moved since :meth:`listen`, or the session was cut off, and nobody knows.
        """
        end = time.monotonic() + seconds
        while not self._has_heard():
            left = end - time.monotonic()
            if left <= 0 or stop.is_set() or self._connection is None:
                return False
            select.select([self._connection], [], [], min(left, STOP_POLL_SECONDS))
        return True

    def _has_heard(self) -> bool:
        """Return whether there is reason to look. A session that was cut off is one, and is closed."""
        if self._connection is None:
            return True
        try:
            self._connection.poll()
        except psycopg2.Error:
            self._close()
            return True
        return bool(self._connection.notifies)

    def _close(self) -> None:
        if self._connection is not None:
            with closing(self._connection):
                self._connection = None
