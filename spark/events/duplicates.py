"""Which rows are duplicates: of the valid rows with one event id in one window, all but the first.

Duplicates are rare, so nothing is de-duplicated row by row. First only the hashes that occur twice are found, which
costs a fraction of that, and then the few rows behind them are compared exactly.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lake.contracts import WINDOW_SECONDS
from spark.events.counts import count_windows
from spark.events.judgement import Judgement

MOST_LISTED_WINDOWS = 200
MOST_SPANS = 8
MOST_BROADCAST = 1_000_000  # as many rows as a step of silver has
ORDER = ("batch", "kafka_partition", "kafka_offset")


@dataclass(frozen=True)
class Span:
    """Windows from ``first`` to ``last``, both included; epoch seconds."""

    first: int
    last: int


def to_each_task(frame: DataFrame, rows: int) -> DataFrame:
    """Have a join send a frame of at most so many rows to each task, as long as so many fit into memory there."""
    return F.broadcast(frame) if rows <= MOST_BROADCAST else frame


def find_duplicates(new: DataFrame, earlier: DataFrame, rows: int = 0) -> DataFrame:
    """Find the rows of ``new`` that are duplicates: one row per (batch, kafka_partition, kafka_offset).

    Args:
        new: Valid rows of bronze, to be counted now.
        earlier: Valid rows of bronze in the same windows, counted before.
        rows: How many the new may be, if they are more than a batch.
    """
    columns = ("event_key", "event_id", "window_start", *ORDER)
    both = (
        new.select(*columns, F.lit(True).alias("is_new"))
        .unionAll(earlier.select(*columns, F.lit(False).alias("is_new")))
        .filter(F.col("event_key").isNotNull())
    )
    suspects = (
        both.groupBy("event_key")
        .agg(F.count("*").alias("rows"), F.max("is_new").alias("has_new"))
        .filter((F.col("rows") > 1) & F.col("has_new"))
        .select("event_key")
    )
    rank = F.row_number().over(Window.partitionBy("event_key", "event_id", "window_start").orderBy(*ORDER))
    return (
        both.join(to_each_task(suspects, rows), "event_key", "left_semi")
        .withColumn("rank", rank)
        .filter((F.col("rank") > 1) & F.col("is_new"))
        .select(*ORDER)
    )


def count_new(new: DataFrame, earlier: DataFrame, judgement: Judgement) -> DataFrame:
    """Count the rows of ``new`` that are no duplicates of each other or of ``earlier`` rows; both are valid rows."""
    duplicates = find_duplicates(new, earlier)
    distinct = new.join(F.broadcast(duplicates), list(ORDER), "left_anti")
    return count_windows(distinct, judgement)


def spans(windows: list[int]) -> list[Span]:
    """Cover the windows (epoch seconds) with at most ``MOST_SPANS`` spans, split at the widest gaps."""
    ordered = sorted(set(windows))
    gaps = sorted(((later - earlier, index) for index, (earlier, later) in enumerate(pairwise(ordered))), reverse=True)
    cuts = sorted(index for gap, index in gaps[: MOST_SPANS - 1] if gap > WINDOW_SECONDS)
    starts = [0, *(cut + 1 for cut in cuts)]
    ends = [*cuts, len(ordered) - 1]
    return [Span(ordered[start], ordered[end]) for start, end in zip(starts, ends, strict=True)] if ordered else []


def in_windows(rows: DataFrame, windows: list[int]) -> DataFrame:
    """Keep the rows of bronze that may be in the windows (epoch seconds): all that are, and few others."""
    if len(windows) <= MOST_LISTED_WINDOWS:
        return rows.filter(F.col("window_start").isin([dt.datetime.fromtimestamp(w, dt.timezone.utc) for w in windows]))
    condition = F.lit(False)
    for span in spans(windows):
        first, last = (F.timestamp_seconds(F.lit(second)) for second in (span.first, span.last))
        condition = condition | F.col("window_start").between(first, last)
    return rows.filter(condition)
