"""What every command that writes the lake itself begins and ends with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from lake.settings import Settings
from spark.session import java_process, spark_session
from spark.tables.lock import lake_lock


@contextmanager
def writer(settings: Settings, app: str, purpose: str, wait_seconds: float) -> Iterator[SparkSession]:
    """Hold the lake's lock and yield a session to write with, which ends with the work, however the work ends.

    Args:
        settings: Where the lake and its lock are.
        app: The session's name.
        purpose: What the work is; the message to a second writer says it.
        wait_seconds: How long to wait for a writer that is ending.

    Raises:
        LockedError: somebody else writes the lake.
    """
    with lake_lock(settings.lock_file, wait_seconds, purpose) as lock:
        session = spark_session(settings, app=app)
        java = java_process(session)
        try:
            lock.also_held_by(java.pid)
            yield session
        finally:
            if java.poll() is None:  # a session whose Java is gone has nothing to stop
                with suppress(Py4JError):  # nor has one that was interrupted in a call; it would hide the first error
                    session.stop()
