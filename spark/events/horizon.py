"""Events of days before the horizon: nobody can tell them from repeats any more. Pure: no session, no clock, no I/O."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.contracts import BEFORE_HORIZON, BRONZE_PARTITION


def reject_before(rows: DataFrame, first: dt.date) -> DataFrame:
    """Reject the valid rows, in bronze's columns, of events before the day ``first``. What was read of them stays."""
    is_valid = F.col("reject_reason").isNull()
    is_before = is_valid & (F.col(BRONZE_PARTITION) < F.lit(first))
    return rows.withColumns(
        {
            "reject_reason": F.when(is_before, BEFORE_HORIZON).otherwise(F.col("reject_reason")),
            "event_key": F.when(~is_before, F.col("event_key")),
            "window_start": F.when(~is_before, F.col("window_start")),
            BRONZE_PARTITION: F.when(is_before, F.col("ingested_at").cast("date")).otherwise(F.col(BRONZE_PARTITION)),
        }
    )


def as_counted_from(rows: DataFrame, first: dt.date, is_same_zone: bool) -> DataFrame:
    """Leave out rows, read again, whose counts stand before the day ``first``; reject others whose events lie there.

    Args:
        rows: Rows as today's rules read them, in bronze's columns, and ``counted_on``: the day on which a row was valid
            on arrival.
        first: The first day that can be counted again.
        is_same_zone: Whether the ledger has events on the days that today's time zone gives them.
    """
    is_valid, counted_on = F.col("reject_reason").isNull(), F.col("counted_on")
    day = F.when(is_valid, F.col(BRONZE_PARTITION)).otherwise(counted_on) if is_same_zone else counted_on
    stands_before = counted_on.isNotNull() & (day < F.lit(first))
    return reject_before(rows.filter(~stands_before), first)
