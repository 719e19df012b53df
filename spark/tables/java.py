"""Java's classes, where Python has no way of its own to what Spark and Delta can do."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession


def java_class(session: SparkSession, name: str) -> Any:
    """Return a class by its full name, in one step; ``jvm.org.apache...`` asks Java for each part of it."""
    return getattr(session._jvm, name)
