"""The days that bronze no longer keeps: the horizon moves past them, and then their rows are deleted.

What is known of them goes on record with the horizon, in the same commit: how many rows of each partition go, and what
the ledger has of those days. So the audit can still account for each offset, and for each count.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Mapping
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.contracts import BRONZE_PARTITION, LEDGER_PARTITION, MEASURES, names
from lake.contracts.generations import Generation, as_property
from lake.contracts.horizon import Horizon
from lake.settings import Settings
from spark import failpoints
from spark.source.position import generations
from spark.tables.delta import live_files, set_properties
from spark.tables.files import DataFile
from spark.tables.horizon import horizon_of

log = logging.getLogger(__name__)


def drop_days(session: SparkSession, settings: Settings, counted_up_to: int) -> dt.date | None:
    """Delete bronze's rows of the days that it no longer keeps; return the horizon, or None if no row had to go.

    Bronze must be at rest. Rows that the ledger does not have yet, from batches after ``counted_up_to``, keep all of
    them until the next time.
    """
    horizon, wanted = horizon_of(session, settings), _wanted(settings.retention.bronze_days)
    day = max(wanted, horizon.day if horizon else wanted)
    _, files = live_files(session, settings.bronze)
    old = [file for file in files if dt.date.fromisoformat(file["partitionValues"][BRONZE_PARTITION]) < day]
    if not old:
        return None
    if horizon is None or horizon.day < day:
        if any(DataFile.of(file).last_batch > counted_up_to for file in old):
            return None
        _move(session, settings, horizon, day)
        failpoints.reach("horizon-after-move")
    DeltaTable.forPath(session, settings.bronze).delete(F.col(BRONZE_PARTITION) < F.lit(day))
    return day


def _wanted(days: int) -> dt.date:
    """Return the day at which bronze shall begin; the first of all where it keeps all."""
    today = dt.datetime.now(tz=dt.timezone.utc).date()
    return dt.date.fromordinal(max(1, today.toordinal() - days)) if days else dt.date.min


def _move(session: SparkSession, settings: Settings, before: Horizon | None, day: dt.date) -> None:
    """Move the horizon, with what is known of the days before it, in one commit."""
    topics = generations(session, settings)
    going = _going(session, settings, topics, day)
    horizon = Horizon(
        day=day,
        at=time.time(),
        rows=(before.rows if before else 0) + sum(row["rows"] for row in going),
        rejected=(before.rejected if before else 0) + sum(row["rejected"] for row in going),
        sums=_sums(session, settings, day),
    )
    for number, topic in enumerate(topics):
        own = [row for row in going if row["generation"] == number]
        rows = {row["kafka_partition"]: row["rows"] for row in own}
        topics[number] = topic.without_rows(rows, {row["kafka_partition"]: row["end"] for row in own})
    set_properties(session, settings.bronze, {**horizon.as_property(), **(as_property(topics) if topics else {})})
    log.info("the horizon is at %s: %d rows go", day, horizon.rows - (before.rows if before else 0))


def _going(session: SparkSession, settings: Settings, topics: list[Generation], day: dt.date) -> list[Any]:
    """Return how many rows of the days before ``day`` bronze has, and the offset after them, by topic and partition."""
    generation = F.lit(0)
    for topic in topics[1:]:
        generation = generation + F.when(F.col("batch") >= topic.first_batch, 1).otherwise(0)
    rows = session.read.format("delta").load(settings.bronze).filter(F.col(BRONZE_PARTITION) < F.lit(day))
    return (
        rows.groupBy(generation.alias("generation"), "kafka_partition")
        .agg(
            F.count("*").alias("rows"),
            F.count("reject_reason").alias("rejected"),
            (F.max("kafka_offset") + 1).alias("end"),
        )
        .collect()
    )


def _sums(session: SparkSession, settings: Settings, day: dt.date) -> Mapping[str, Mapping[str, int]]:
    """Return what the ledger has of the days before ``day``."""
    entries = session.read.format("delta").load(settings.ledger).filter(F.col(LEDGER_PARTITION) < F.lit(day))
    sums = [F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in names(MEASURES)]
    rows = entries.groupBy("dimension", "is_bot").agg(*sums).collect()
    return {
        f"{row['dimension']}, {'bot' if row['is_bot'] else 'human'}": {name: row[name] for name in names(MEASURES)}
        for row in rows
    }
