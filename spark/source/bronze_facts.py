"""What bronze holds, by a look at its rows: for a start, and after a write that ended in an error."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from lake.settings import Settings
from spark.source.position import generations
from spark.source.topic import Offsets
from spark.tables.delta import is_empty, snapshot


@dataclass(frozen=True)
class BronzeFacts:
    """The version of bronze, and the rows, rejected rows, next offsets and newest append time of some batches.

    The next offsets are those in the topic that bronze reads now; earlier topics' do not count. They lie after the
    last row, and after the offsets without a record that bronze has passed by.
    """

    version: int
    rows: int
    rejected: int
    next_offsets: Offsets
    as_of: float


def bronze_facts(session: SparkSession, settings: Settings, since: int) -> BronzeFacts:
    """Return what bronze holds of the batches from ``since`` on."""
    version = snapshot(session, settings.bronze).version
    partitions = [] if is_empty(session, settings.bronze) else _partitions(session, settings, since)
    return BronzeFacts(
        version=version,
        rows=sum(row["rows"] for row in partitions),
        rejected=sum(row["rejected"] for row in partitions),
        next_offsets=_next_offsets(session, settings, partitions),
        as_of=max((row["newest"] / 1e6 for row in partitions), default=0.0),
    )


def _next_offsets(session: SparkSession, settings: Settings, partitions: list[Row]) -> Offsets:
    history = generations(session, settings)
    rows = {row["kafka_partition"]: row["last_offset"] + 1 for row in partitions if row["last_offset"] is not None}
    passed = history[-1].passed if history else {}
    return {partition: max(rows.get(partition, 0), passed.get(partition, 0)) for partition in {**rows, **passed}}


def _partitions(session: SparkSession, settings: Settings, since: int) -> list[Row]:
    history = generations(session, settings)
    is_of_this_topic = F.col("batch") >= (history[-1].first_batch if history else 0)
    return (
        session.read.format("delta")
        .load(settings.bronze)
        .filter(F.col("batch") >= since)
        .groupBy("kafka_partition")
        .agg(
            F.count("*").alias("rows"),
            F.count("reject_reason").alias("rejected"),
            F.max(F.when(is_of_this_topic, F.col("kafka_offset"))).alias("last_offset"),
            F.unix_micros(F.max("ingested_at")).alias("newest"),
        )
        .collect()
    )
