"""Functions of functions, which Spark never compiles: for what is seldom needed, and would be too much code."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F


def let(value: Column, body: Callable[[Column], Column]) -> Column:
    """Return ``body`` of a value, which is worked out once."""
    return F.get(F.transform(F.array(value), body), F.lit(0))


def present(value: Column) -> Column:
    """Return whether a log has something in a field: it is neither empty nor a dash."""
    return F.coalesce((value != "") & (value != "-"), F.lit(False))


def first_present(values: Column) -> Column:
    """Return the first of an array that a log has something in, else the first that is there at all."""
    there = F.get(F.filter(values, lambda value: value.isNotNull()), F.lit(0))
    return F.coalesce(F.get(F.filter(values, present), F.lit(0)), there)
