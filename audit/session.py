"""A Spark session for a command line: Java and Spark print nothing that says nothing, and take little memory."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO

from pyspark.sql import SparkSession

from lake.errors import LakeError, WeblakeError, first_line
from lake.settings import Settings
from spark.session import how_java_ended, spark_session

MOST_TASKS = 2
"""At a time, on one machine: each keeps rows in memory, and the stream is at work beside it."""
BYTES_TO_PYTHON = "4m"
"""At a time: Spark's buffer for them doubles as it fills, outside of the heap, and one of 128 MB has crashed Java."""
OUTPUTS = (1, 2)


class CrashError(WeblakeError):
    """Spark could not begin its work, for a reason that says nothing of the lake."""


@contextmanager
def quiet_session(settings: Settings, app: str) -> Iterator[SparkSession]:
    """Give a session, and stop it in the end.

    Raises:
        LakeError: the jars are missing.
        CrashError: Java did not start; the message has the last line of what it said.
    """
    logging.getLogger("py4j").setLevel(logging.CRITICAL)  # it logs the traceback of what is raised anyway
    with tempfile.TemporaryFile("w+", errors="replace") as words:
        try:
            with _output_to(words):
                session = spark_session(replace(settings, spark_master=modest(settings.spark_master)), app=app)
        except LakeError:
            raise
        except Exception as error:
            words.seek(0)
            lines = [line.strip() for line in words if line.strip()]
            reason = lines[-1] if lines else first_line(error)
            raise CrashError(f"Spark's Java process did not start: {reason}") from error
        session.sparkContext.setLogLevel("OFF")
        session.conf.set("spark.sql.execution.arrow.maxBytesPerBatch", BYTES_TO_PYTHON)
        try:
            yield session
        finally:
            if not how_java_ended(session, patience_seconds=0):
                session.stop()


def modest(master: str) -> str:
    """Return a master of this machine with ``MOST_TASKS`` tasks at a time at most; any other as it is."""
    tasks = master.removeprefix("local[").removesuffix("]")
    is_more = tasks == "*" or (tasks.isdigit() and int(tasks) > MOST_TASKS)
    return f"local[{MOST_TASKS}]" if master != tasks and is_more else master


@contextmanager
def _output_to(words: IO[str]) -> Iterator[None]:
    """Have the processes that are started here write elsewhere: Java says on either output why it does not start."""
    sys.stdout.flush()
    sys.stderr.flush()
    ours = [os.dup(number) for number in OUTPUTS]
    for number in OUTPUTS:
        os.dup2(words.fileno(), number)
    try:
        yield
    finally:
        for number, own in zip(OUTPUTS, ours, strict=True):
            os.dup2(own, number)
            os.close(own)
