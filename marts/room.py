"""Room for dbt: a build that would fill the disk is ended while it can still be undone.

How much a build writes is not known before: one from the start copies all counts. What it has written goes again with
its transaction.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from lake.errors import ServiceError, SpaceError, first_line
from lake.settings import Settings
from lake.space import AT_WORK, glance, require_space

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
CANCEL = """
    select pg_cancel_backend(pid) from pg_stat_activity
    where usename = 'dbt' and state = 'active' and pid <> pg_backend_pid()
"""


@contextmanager
def room_for_dbt(settings: Settings) -> Iterator[None]:
    """Let dbt work in this context for as long as there is room.

    Raises:
        SpaceError: there is none to begin with, or what dbt did was ended for want of it.
    """
    require_space(settings, "the marts wait")
    is_done, ended_for = threading.Event(), list[str]()

    def keep_watch() -> None:
        while not is_done.wait(LOOK_SECONDS):
            short = glance(settings, AT_WORK, "a build of the marts was ended; they wait")
            if short and _cancel(settings):
                ended_for[:] = [short]

    watch = threading.Thread(target=keep_watch, name="room", daemon=True)
    watch.start()
    try:
        try:
            yield
        finally:
            is_done.set()
            watch.join()  # a cancel may still wait for its answer when dbt has already failed of it
    except ServiceError as error:
        if ended_for:
            raise SpaceError(ended_for[0]) from error
        raise


def _cancel(settings: Settings) -> bool:
    """Cancel what dbt has PostgreSQL do now; return whether it did anything."""
    try:
        with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
            cursor.execute(CANCEL)
            return (True,) in cursor.fetchall()
    except psycopg2.Error as error:
        log.warning("what dbt does could not be ended: %s", first_line(error))
        return False
