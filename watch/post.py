"""The post: sends the messages that are on record, and records that after it was done.

Killed between the two, it sends a message again, with the same id. None is lost.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection as Connection

from lake.errors import WeblakeError, brief, first_line
from lake.settings import Settings
from lake.text import printable
from watch import journal
from watch.channels import Channel

FIRST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 5.0, 600.0
"""After a failure a channel is tried again, each time after twice as long."""
ABANDON_SECONDS = 24 * 3600.0
"""How long after it was written a message is still worth sending."""
LOOK_SECONDS = 60.0

log = logging.getLogger(__name__)


def keep_post(
    settings: Settings, channels: Mapping[str, Channel], wake: threading.Event, stop: threading.Event
) -> None:
    """Send what is due, at once when ``wake`` is set, until ``stop`` is; no failure ends it."""
    while not stop.is_set():
        wake.clear()
        pause = LOOK_SECONDS
        try:
            with closing(journal.connect(settings)) as connection:
                send_due(connection, channels, time.time())
                with connection.cursor() as cursor:
                    due = journal.next_due(cursor)
            pause = LOOK_SECONDS if due is None else min(max(due - time.time(), 0.5), LOOK_SECONDS)
        except psycopg2.Error as error:
            log.warning("messages wait, because PostgreSQL does not answer: %s", first_line(error))
        wake.wait(pause)


def send_due(connection: Connection, channels: Mapping[str, Channel], now: float) -> None:
    """Send what is due, to each channel in the order in which it was written.

    Raises:
        psycopg2.Error: PostgreSQL does not answer.
    """
    with connection.cursor() as cursor:
        failed: set[str] = set()
        for message, name, attempts, written_at in journal.due_deliveries(cursor, now):
            channel = channels.get(name)
            if name in failed:
                continue
            if channel is None:
                journal.record_failure(
                    cursor, message.message_id, name, attempts, "it is no longer among ALERTS_TO", None, now
                )
                continue
            try:
                channel.send(message)
            except Exception as error:  # whatever a channel raises, the others get theirs
                failed.add(name)
                why = printable(brief(first_line(error)))
                log.warning("%s did not take message %s: %s", name, message.message_id, why, exc_info=_odd(error))
                later = time.time() + pause_seconds(attempts + 1)
                due = None if later - written_at > ABANDON_SECONDS else later
                journal.record_failure(cursor, message.message_id, name, attempts + 1, why, due, time.time())
            else:
                journal.record_sent(cursor, message.message_id, name, time.time())


def _odd(error: Exception) -> Exception | None:
    """Return an error whose trace tells something: what a server or our own code says needs none."""
    return None if isinstance(error, (WeblakeError, OSError)) else error


def pause_seconds(attempts: int) -> float:
    """Return how long to wait after so many failures."""
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(attempts - 1, 10), MOST_PAUSE_SECONDS))
