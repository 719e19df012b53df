"""What a build of the marts took, and how old the newest records in them were when they showed them."""

from __future__ import annotations

import logging
import time
from contextlib import closing

import psycopg2

from lake.contracts.work import MARTS, read_work, write_work
from lake.settings import Settings

SHOWN = """
    select version, coalesce(extract(epoch from counted_until), 0)::float8 from marts.freshness
"""

log = logging.getLogger(__name__)


def note_build(settings: Settings, seconds: float) -> None:
    """Log a build that has just ended, and add it to what is on record of all of them.

    Raises:
        psycopg2.Error: PostgreSQL does not say what the marts show.
    """
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
        cursor.execute(SHOWN)
        version, counted_until = cursor.fetchone() or (-1, 0.0)
    log.info("marts built: version %s in %.2f s", version, seconds)
    path = settings.loop_file("builds")
    try:
        work = read_work(path).with_batch(MARTS, seconds)
        write_work(path, work.with_arrival(MARTS, counted_until, time.time()))
    except OSError as error:  # a full disk: the marts show what they show
        log.warning("%s cannot be read or written: %s", path, error)
