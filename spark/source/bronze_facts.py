"""What bronze holds, by a look at its rows: for a start, and after a write that ended in an error."""

from __future__ import annotations

from typing import Any

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from lake.settings import Settings
from spark.source.position import current_first_batch
from spark.tables.delta import is_empty, snapshot


def bronze_facts(session: SparkSession, settings: Settings, since: int) -> dict[str, Any]:
    """Return version, rows, rejected rows, next offsets and newest append time of the batches from ``since`` on.

    The next offsets are those in the topic that bronze reads now; earlier topics' do not count.
    """
    version = snapshot(session, settings.bronze).version
    partitions = [] if is_empty(session, settings.bronze) else _partitions(session, settings, since)
    return {
        "version": version,
        "rows": sum(row["rows"] for row in partitions),
        "rejected": sum(row["rejected"] for row in partitions),
        "next_offsets": {
            str(row["kafka_partition"]): row["last_offset"] + 1 for row in partitions if row["last_offset"] is not None
        },
        "as_of": max((row["newest"] / 1e6 for row in partitions), default=0.0),
    }


def _partitions(session: SparkSession, settings: Settings, since: int) -> list[Row]:
    is_of_this_topic = F.col("batch") >= current_first_batch(session, settings)
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
