"""How many events PostgreSQL shows, looked at ten times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import psycopg2

from bench.background import Background
from lake.errors import ServiceError
from lake.settings import Settings

POLL_SECONDS = 0.1
PATIENCE_SECONDS = 180.0
SAY_SECONDS = 10.0
TOTAL = "select coalesce(sum(events), 0)::bigint from silver.window_counts where dimension = 'all'"


class Step(NamedTuple):
    """The count as first seen at a time (epoch seconds)."""

    at: float
    events: int


class CountWatch(Background):
    """``with CountWatch(settings) as watch:`` keeps ``watch.steps``, one for each time that the count has moved."""

    def __init__(self, settings: Settings) -> None:
        """Look at nothing yet."""
        super().__init__("count watch")
        self._settings = settings
        self._failure: Exception | None = None
        self.steps: list[Step] = []

    @property
    def events(self) -> int:
        """The count as last seen."""
        return self.steps[-1].events if self.steps else 0

    def wait_for(self, events: int, check: Callable[[], object], say: Callable[[str], None]) -> Step:
        """Wait until the count is ``events`` or more, and return the step that brought it there.

        ``check`` raises when there is nothing to wait for any more, and returns something that changes while the
        stream gets on.

        Raises:
            ServiceError: nothing has moved for ``PATIENCE_SECONDS``, or PostgreSQL cannot be asked.
        """
        last_progress = last_message = time.monotonic()
        last_signs: object = None
        while self.events < events:
            signs = (self.events, check())
            if self._failure:
                raise ServiceError(f"the counts in PostgreSQL cannot be read: {self._failure}") from self._failure
            now = time.monotonic()
            if signs != last_signs:
                last_signs, last_progress = signs, now
            if now - last_progress > PATIENCE_SECONDS:
                raise ServiceError(
                    f"PostgreSQL holds {self.events:,} of {events:,} events, and nothing has moved for "
                    f"{PATIENCE_SECONDS:.0f} s; run again with --keep, and read logs/stream.log in the folder"
                )
            if now - last_message > SAY_SECONDS:
                last_message = now
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
