"""A Spark session for a command line: Java and Spark print nothing that says nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from lake.settings import Settings
from spark.session import spark_session


@contextmanager
def quiet_session(settings: Settings, app: str) -> Iterator[SparkSession]:
    """Give a session, and stop it in the end."""
    with java_kept_quiet():
        session = spark_session(settings, app=app)
    session.sparkContext.setLogLevel("OFF")
    try:
        yield session
    finally:
        session.stop()


@contextmanager
def java_kept_quiet() -> Iterator[None]:
    """Give the processes that are started here no standard error."""
    sys.stderr.flush()
    ours, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)
        os.close(nowhere)
