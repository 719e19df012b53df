"""The topic's records as frames: a stream of what comes, or a range that is there."""

from __future__ import annotations

import json

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.kafka_access import spark_options
from lake.settings import Settings
from spark.source.topic import Offsets

RECORDS_PER_POLL = 20_000  # Spark asks the broker for the topic's bounds at each poll; Kafka's own 500 makes that dear
BYTES_PER_FETCH = 4 << 20
COMMITTED = ("kafka.isolation.level", "read_committed")
"""Of a transaction, its records are read once it is committed, and never if it is aborted."""


def read_topic(session: SparkSession, settings: Settings, begins: Offsets) -> DataFrame:
    """Return the topic from ``begins`` on as a stream of records, about ``max_records_per_batch`` a batch."""
    return _as_records(
        session.readStream.format("kafka")
        .options(**spark_options(settings))
        .option("subscribe", settings.kafka_topic)
        .option("startingOffsets", json.dumps({settings.kafka_topic: begins}))
        .option("maxOffsetsPerTrigger", settings.max_records_per_batch)
        .option("failOnDataLoss", "true")
        .option(*COMMITTED)
        .option("kafka.max.poll.records", RECORDS_PER_POLL)
        .option("kafka.max.partition.fetch.bytes", BYTES_PER_FETCH)
        .option("includeHeaders", "true")
        .load()
    )


def read_range(session: SparkSession, settings: Settings, begins: Offsets, ends: Offsets) -> DataFrame:
    """Return the records of the topic from ``begins`` to ``ends``, exclusive; both name the same partitions."""
    bounds = {"startingOffsets": begins, "endingOffsets": ends}
    return _as_records(
        session.read.format("kafka")
        .options(**spark_options(settings))
        .option("assign", json.dumps({settings.kafka_topic: list(begins)}))
        .option(*COMMITTED)
        .options(**{name: json.dumps({settings.kafka_topic: offsets}) for name, offsets in bounds.items()})
        .option("includeHeaders", "true")
        .load()
    )


def _as_records(topic: DataFrame) -> DataFrame:
    headers = F.col("headers")

    def first(name: str) -> Column:
        return F.get(headers["value"], F.array_position(headers["key"], name).cast("int") - 1).cast("string")

    return topic.select(
        "value",
        first("event_id").alias("header_event_id"),
        first("source").alias("header_source"),
        first("log_format").alias("header_log_format"),
        first("fields").alias("header_fields"),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("timestamp").alias("ingested_at"),
    )
