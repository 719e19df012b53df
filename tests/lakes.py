"""A lake without services, for tests: bronze is filled as the stream would."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from frames import records
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from settings_in import settings_in

from lake.contracts import BRONZE, LEDGER_KEY, MEASURES, names
from lake.settings import Settings
from lake.url_rules import load_rules
from spark.bronze import create_bronze
from spark.events.parse import parse_records
from spark.tables.delta import append_once, snapshot


def copy_of(settings: Settings, folder: Path) -> Settings:
    """Return the settings of a copy of the lake in an empty folder; what stands outside of its data folder stays."""
    shutil.copytree(settings.data, folder, dirs_exist_ok=True)
    return settings_in(folder)


def append_batch(
    session: SparkSession,
    settings: Settings,
    values: Iterable[bytes],
    ingested: float = 30,
    log_format: str | None = None,
) -> None:
    """Append the records to bronze in one batch, at the next offsets of partition 0; Kafka got them at that second.

    ``log_format`` is the log string that came with all of them.
    """
    create_bronze(session, settings)
    batch = snapshot(session, settings.bronze).version + 1
    offset = session.read.format("delta").load(settings.bronze).count()
    arrived = records(session, *values, ingested=ingested).withColumn("kafka_offset", F.col("kafka_offset") + offset)
    declared = arrived.withColumn("header_log_format", F.lit(log_format).cast("string"))
    parsed = parse_records(declared, load_rules(settings))
    numbered = parsed.withColumn("batch", F.lit(batch).cast("bigint"))
    append_once(numbered.select(*names(BRONZE)).coalesce(1), settings.bronze, "test", batch)


def sums(session: SparkSession, settings: Settings) -> Counter[Row]:
    """Return the ledger's sums, a row per cell."""
    entries = session.read.format("delta").load(settings.ledger).groupBy(*names(LEDGER_KEY))
    return Counter(entries.agg(*(F.sum(name).alias(name) for name in names(MEASURES))).collect())


def rows(session: SparkSession, path: str) -> Counter[Row]:
    """Return all rows of a table."""
    return Counter(session.read.format("delta").load(path).collect())
