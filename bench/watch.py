"""How many events PostgreSQL shows, looked at ten times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from types import TracebackType
from typing import NamedTuple

import psycopg2

from lake.errors import ServiceError
from lake.settings import Settings

POLL_SECONDS = 0.1
SAY_SECONDS = 10.0
TOTAL = "select coalesce(sum(events), 0)::bigint from silver.window_counts where dimension = 'all'"


class Step(NamedTuple):
    """The count as first seen at a time (epoch seconds)."""

    at: float
    events: int


class CountWatch:
    """``with CountWatch(settings) as watch:`` keeps ``watch.steps``, one for each time that the count has moved."""

    def __init__(self, settings: Settings) -> None:
        """Look at nothing yet."""
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="count watch", daemon=True)
        self._failure: Exception | None = None
        self.steps: list[Step] = []

    def __enter__(self) -> CountWatch:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    @property
    def events(self) -> int:
        """The count as last seen."""
        return self.steps[-1].events if self.steps else 0

    def wait_for(
        self, events: int, patience_seconds: float, check: Callable[[], object], say: Callable[[str], None]
    ) -> Step:
        """Wait until the count is ``events`` or more, and return the step that brought it there.

        ``check`` raises when there is nothing to wait for any more, and returns something that changes while the
        stream gets on.

        Raises:
            ServiceError: nothing has moved for ``patience_seconds``, or PostgreSQL cannot be asked.
        """
        moved = said = time.monotonic()
        known: object = None
        while self.events < events:
            signs = (self.events, check())
            if self._failure:
                raise ServiceError(f"PostgreSQL cannot be asked for its counts: {self._failure}") from self._failure
            now = time.monotonic()
            if signs != known:
                known, moved = signs, now
            if now - moved > patience_seconds:
                raise ServiceError(
                    f"PostgreSQL holds {self.events:,} of {events:,} events, and nothing has moved for "
                    f"{patience_seconds:.0f} s; run again with --keep, then see logs/stream.log in the folder kept"
                )
            if now - said > SAY_SECONDS:
                said = now
                say(f"  {self.events:,} of {events:,} events in PostgreSQL")
            time.sleep(POLL_SECONDS / 4)
        return next(step for step in self.steps if step.events >= events)

    def _watch(self) -> None:
        try:
            with closing(psycopg2.connect(self._settings.postgres_dsn("dbt"))) as connection:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    while not self._stop.wait(POLL_SECONDS):
                        cursor.execute(TOTAL)
                        ((events,),) = cursor.fetchall()
                        if events != self.events:
                            self.steps.append(Step(time.time(), events))
        except psycopg2.Error as error:
            self._failure = error
