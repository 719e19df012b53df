"""Bronze: every Kafka record, untouched, one row each, exactly once."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming.query import StreamingQuery

from lake import failpoints
from lake.contracts import BRONZE, BRONZE_PARTITION, names
from lake.errors import LakeError
from lake.settings import Settings
from lake.url_rules import UrlRules
from spark.delta import append_once, commit_actions, compact, create_table, read_text, snapshot, writers_progress
from spark.files import DataFile
from spark.parse import parse_records
from spark.progress import Progress

log = logging.getLogger(__name__)

PROPERTIES = {
    "delta.dataSkippingStatsColumns": "kafka_partition,kafka_offset,batch,ingested_at,window_start,reject_reason",
    "delta.checkpointInterval": "50",
}
BATCHES_PER_COMPACTION = 30
ROWS_PER_FILE = 100_000  # a batch after one of fewer rows is written as one file


def create_bronze(session: SparkSession, settings: Settings) -> None:
    """Create the table where there is none yet."""
    create_table(session, settings.bronze, BRONZE, BRONZE_PARTITION, PROPERTIES)


def read_topic(session: SparkSession, settings: Settings) -> DataFrame:
    """Return the topic as a stream of records, bounded to ``max_records_per_batch`` a batch."""
    stream = (
        session.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap_servers)
        .option("subscribe", settings.kafka_topic)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "true")
        .option("includeHeaders", "true")
        .option("maxOffsetsPerTrigger", settings.max_records_per_batch)
        .load()
    )
    id_headers = F.filter("headers", lambda header: header["key"] == "event_id")
    return stream.select(
        "value",
        F.when(F.col("headers").isNotNull(), F.try_element_at(id_headers, F.lit(1))["value"].cast("string")).alias(
            "header_event_id"
        ),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("timestamp").alias("ingested_at"),
    )


class Bronze:
    """The loop from Kafka to the bronze table."""

    def __init__(
        self,
        session: SparkSession,
        settings: Settings,
        rules: UrlRules,
        progress: Progress,
        on_commit: Callable[[], None],
    ) -> None:
        """Prepare the loop; ``on_commit`` is called after each batch."""
        self._session = session
        self._settings = settings
        self._rules = rules
        self._progress = progress
        self._on_commit = on_commit
        self._files = session.sparkContext.defaultParallelism
        self._is_full = threading.Event()
        self._stop = threading.Event()
        self._in_batch = threading.Lock()
        self._is_ending = False
        self._has_written = False

    def drain(self) -> None:
        """Take in all records that are there now, batch after batch, and return."""
        query = self._start(availableNow=True)
        while not query.awaitTermination(1):
            if self._stop.is_set():
                self._end(query)
                return

    def follow(self) -> None:
        """Take in records every ``trigger_seconds`` until stopped; a backlog is drained without pauses."""
        while not self._stop.is_set():
            self.drain()
            if self._stop.is_set():
                return
            self._is_full.clear()
            query = self._start(processingTime=f"{self._settings.trigger_seconds} seconds")
            while not query.awaitTermination(1):
                if self._stop.is_set() or self._is_full.is_set():
                    self._end(query)
                    break

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stop.set()

    def _start(self, **trigger: Any) -> StreamingQuery:
        self._is_ending = False
        self._has_written = False
        parsed = parse_records(read_topic(self._session, self._settings), self._rules)
        writer = parsed.writeStream.queryName("bronze").foreachBatch(self._write)
        return writer.option("checkpointLocation", self._settings.bronze_checkpoint).trigger(**trigger).start()

    def _end(self, query: StreamingQuery) -> None:
        """End a query between two batches. One that begins now is refused, and comes again with the next query."""
        with self._in_batch:
            self._is_ending = True
        query.stop()

    def _write(self, records: DataFrame, batch_id: int) -> None:
        with self._in_batch:
            if self._is_ending:
                raise LakeError(f"batch {batch_id} came while the query was ending; the next query takes it up")
            self._append(records, batch_id)
        self._on_commit()

    def _append(self, records: DataFrame, batch_id: int) -> None:
        """Append one batch. Its number is the Delta version that it makes, so it grows whatever the checkpoint does."""
        query_id = records.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId")
        writer = f"bronze:{query_id}"
        if not self._has_written:
            if writers_progress(self._session, self._settings.bronze).get(writer, -1) >= batch_id:
                log.info("bronze batch %d was committed before", batch_id)
                return
            self._has_written = True
        batch = snapshot(self._session, self._settings.bronze).version + 1
        rows = records.withColumn("batch", F.lit(batch).cast("bigint")).select(*names(BRONZE))
        failpoints.reach("bronze-before-commit")
        append_once(rows.coalesce(self._files), self._settings.bronze, writer, batch_id)
        failpoints.reach("bronze-after-commit")
        self._report_batch(batch, batch_id)
        if batch % BATCHES_PER_COMPACTION == 0:
            compact(self._session, self._settings.bronze)

    def report(self) -> None:
        """Say from the table how far bronze has come; for the start, when nothing is known."""
        self._progress.report("bronze", **bronze_facts(self._session, self._settings, 0))

    def _report_batch(self, batch: int, batch_id: int) -> None:
        """Add a batch to the progress, from the statistics in its commit."""
        known = self._progress.stage("bronze")
        actions = commit_actions(self._session, self._settings.bronze, batch)
        files = [DataFile.of(action["add"]) for action in actions if "add" in action]
        taken = sum(file.rows for file in files)
        self._progress.report(
            "bronze",
            version=batch,
            rows=known["rows"] + taken,
            rejected=known["rejected"] + sum(file.rejected for file in files),
            next_offsets={**known["next_offsets"], **self._offsets_after(batch_id)},
            as_of=max([known["as_of"], *(file.newest for file in files)]),
        )
        log.info("bronze version %d: %d records", batch, taken)
        self._files = 1 if taken < ROWS_PER_FILE else self._session.sparkContext.defaultParallelism
        if taken >= self._settings.max_records_per_batch * 0.9:
            self._is_full.set()

    def _offsets_after(self, batch_id: int) -> dict[str, int]:
        """Return the next offset of each partition after a batch, as Spark planned it."""
        text = read_text(self._session, f"{self._settings.bronze_checkpoint}/offsets/{batch_id}")
        offsets: dict[str, int] = json.loads((text or "{}").splitlines()[-1]).get(self._settings.kafka_topic, {})
        return offsets


def bronze_facts(session: SparkSession, settings: Settings, since: int) -> dict[str, Any]:
    """Return version, rows, rejected rows, next offsets and newest append time of the batches from ``since`` on."""
    per_partition = (
        session.read.format("delta")
        .load(settings.bronze)
        .filter(F.col("batch") >= since)
        .groupBy("kafka_partition")
        .agg(
            F.count("*").alias("rows"),
            F.count("reject_reason").alias("rejected"),
            F.max("kafka_offset").alias("last_offset"),
            F.unix_micros(F.max("ingested_at")).alias("newest"),
        )
        .collect()
    )
    return {
        "version": snapshot(session, settings.bronze).version,
        "rows": sum(row["rows"] for row in per_partition),
        "rejected": sum(row["rejected"] for row in per_partition),
        "next_offsets": {str(row["kafka_partition"]): row["last_offset"] + 1 for row in per_partition},
        "as_of": max((row["newest"] / 1e6 for row in per_partition), default=0.0),
    }
