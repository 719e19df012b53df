"""Counts of rejected records, by reason and format. Pure: no session, no clock, no I/O.

What such a record says of its time is unknown or no good, so its window is that in which Kafka took it.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.contracts import COUNTS, LEDGER_PARTITION, MEASURES, NO_FORMAT, REJECTED, WINDOW_SECONDS, names


def ingestion_window() -> Column:
    """Start of the ten-second window in which Kafka took a row of bronze."""
    micros = WINDOW_SECONDS * 1_000_000
    return F.timestamp_seconds(F.floor(F.unix_micros("ingested_at") / F.lit(micros)) * WINDOW_SECONDS)


def counted_window() -> Column:
    """Start of the window in which a row of bronze is counted: its event's, or that of its ingestion if rejected."""
    return F.coalesce("window_start", ingestion_window())


def count_rejected(rows: DataFrame) -> DataFrame:
    """Count rejected rows of bronze: one row per window of ingestion, reason and format.

    Returns:
        The ledger's columns but for ``entry`` and ``cause``; all measures but ``events`` are 0.
    """
    key = F.concat_ws("|", "reject_reason", F.coalesce("format", F.lit(NO_FORMAT)))
    windows = rows.select(ingestion_window().alias("window_start"), key.alias("key"))
    counted = windows.groupBy("window_start", "key").agg(F.count("*").alias("events"))
    zeros = (F.lit(0).cast("bigint").alias(name) for name in names(MEASURES) if name != "events")
    date = F.col("window_start").cast("date").alias(LEDGER_PARTITION)
    dimension, is_bot = F.lit(REJECTED.name).alias("dimension"), F.lit(False).alias("is_bot")
    return counted.select("*", dimension, is_bot, date, *zeros).select(*names(COUNTS))
