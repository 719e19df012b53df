"""Bronze: every Kafka record, untouched, one row each, exactly once."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake import failpoints
from lake.contracts import BRONZE, BRONZE_PARTITION, names
from lake.errors import LakeError, RefusedError
from lake.settings import Settings
from lake.url_rules import UrlRules
from spark.delta import append_once, commit_actions, create_table, snapshot, writers_progress
from spark.files import DataFile
from spark.parse import parse_records
from spark.position import Position, current_first_batch, next_batch
from spark.progress import Progress
from spark.space import require_space
from spark.topic import Offsets, Topic, TopicState

log = logging.getLogger(__name__)

PROPERTIES = {
    "delta.dataSkippingStatsColumns": "kafka_partition,kafka_offset,batch,ingested_at,window_start,reject_reason",
    "delta.checkpointInterval": "50",
}
WRITER = "bronze"
ROWS_PER_FILE = 100_000  # a batch of fewer records is written as one file


def create_bronze(session: SparkSession, settings: Settings) -> None:
    """Create the table where there is none yet."""
    create_table(session, settings.bronze, BRONZE, BRONZE_PARTITION, PROPERTIES)


def read_topic(session: SparkSession, settings: Settings, topic_id: str, begins: Offsets, ends: Offsets) -> DataFrame:
    """Return the records of some partitions from ``begins`` up to, not including, ``ends``; fails if one is missing."""
    topic = settings.kafka_topic
    records = (
        session.read.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap_servers)
        .option(
            "kafka.group.id", f"weblake-{topic_id}"
        )  # one name, so that Spark keeps its consumers for the next batch
        .option("assign", json.dumps({topic: list(ends)}))
        .option("startingOffsets", json.dumps({topic: {partition: begins[partition] for partition in ends}}))
        .option("endingOffsets", json.dumps({topic: ends}))
        .option("failOnDataLoss", "true")
        .option("includeHeaders", "true")
        .load()
    )
    id_headers = F.filter("headers", lambda header: header["key"] == "event_id")
    return records.select(
        "value",
        F.when(F.col("headers").isNotNull(), F.try_element_at(id_headers, F.lit(1))["value"].cast("string")).alias(
            "header_event_id"
        ),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("timestamp").alias("ingested_at"),
    )


class Bronze:
    """The step from Kafka to the bronze table."""

    def __init__(
        self,
        session: SparkSession,
        settings: Settings,
        rules: UrlRules,
        progress: Progress,
        on_commit: Callable[[], None],
    ) -> None:
        """Prepare; ``on_commit`` is called after each batch."""
        self._session = session
        self._settings = settings
        self._rules = rules
        self._progress = progress
        self._on_commit = on_commit
        self._topic = Topic(settings)
        self._position = Position(session, settings, self._topic)
        self._step = 0  # the next of our writes: Delta takes each but once, so a second writer's is ignored
        self._stop = threading.Event()
        self.writing = threading.Lock()  # held for a batch, and by whoever else writes the table

    def catch_up(self) -> None:
        """Take in all records that are there now, batch after batch, and return.

        Before each batch it is made sure that this is still the topic, that it still has all that comes next, and that
        there is room on the disk.

        Raises:
            RefusedError: the topic is another one or has lost records; somebody has to accept that.
            LakeError: the disk is full.
            ServiceError: Kafka does not answer.
        """
        ends: Offsets = {}
        while not self._stop.is_set():
            require_space(self._settings)
            with self.writing:
                topic = self._topic.look()
                if not self._position.is_known:
                    self.report()
                ends = ends or topic.ends
                begins = self._next_offsets(topic)
                batch_ends = next_batch(begins, ends, self._settings.max_records_per_batch)
                if not batch_ends:
                    return
                self._take_in(topic.topic_id, begins, batch_ends)
            self._on_commit()

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stop.set()

    def report(self) -> None:
        """Say from the table how far bronze has come; for the start, and after a write that ended in an error."""
        facts = bronze_facts(self._session, self._settings, 0)
        self._position.is_at({int(partition): offset for partition, offset in facts["next_offsets"].items()})
        self._step = writers_progress(self._session, self._settings.bronze).get(WRITER, -1) + 1
        self._progress.report("bronze", **facts)

    def _next_offsets(self, topic: TopicState) -> Offsets:
        """Return the next offset of each partition, and have everybody know what bronze waits for, if it does."""
        refusal = None
        try:
            return self._position.in_topic(topic)
        except RefusedError as error:
            refusal = error.what
            raise
        finally:
            if self._progress.stage("bronze")["refusal"] != refusal:
                self._progress.report("bronze", refusal=refusal)

    def _take_in(self, topic_id: str, begins: Offsets, ends: Offsets) -> None:
        """Append one batch. Its number is the Delta version that it makes."""
        batch = snapshot(self._session, self._settings.bronze).version + 1
        records = sum(end - begins[partition] for partition, end in ends.items())
        files = 1 if records < ROWS_PER_FILE else self._session.sparkContext.defaultParallelism
        parsed = parse_records(read_topic(self._session, self._settings, topic_id, begins, ends), self._rules)
        rows = parsed.withColumn("batch", F.lit(batch).cast("bigint")).select(*names(BRONZE))
        note = json.dumps({"topic_id": topic_id, "from": {place: begins[place] for place in ends}, "to": ends})
        self._position.forget()
        failpoints.reach("bronze-before-commit")
        append_once(rows.coalesce(files), self._settings.bronze, WRITER, self._step, note)
        failpoints.reach("bronze-after-commit")
        self._report_batch(batch, note, {**begins, **ends})
        self._position.is_at({**begins, **ends})
        self._step += 1

    def _report_batch(self, batch: int, note: str, offsets: Offsets) -> None:
        """Add a batch to the progress, from the statistics in its commit."""
        known = self._progress.stage("bronze")
        actions = commit_actions(self._session, self._settings.bronze, batch)
        if not any(action.get("commitInfo", {}).get("userMetadata") == note for action in actions):
            raise LakeError(
                f"version {batch} of {self._settings.bronze} is not the batch that was to become it: somebody else "
                "writes this lake; stop that one"
            )
        files = [DataFile.of(action["add"]) for action in actions if "add" in action]
        taken = sum(file.rows for file in files)
        self._progress.report(
            "bronze",
            version=batch,
            rows=known["rows"] + taken,
            rejected=known["rejected"] + sum(file.rejected for file in files),
            next_offsets={str(partition): offset for partition, offset in offsets.items() if offset},
            as_of=max([known["as_of"], *(file.newest for file in files)]),
        )
        log.info("bronze version %d: %d records", batch, taken)


def bronze_facts(session: SparkSession, settings: Settings, since: int) -> dict[str, Any]:
    """Return version, rows, rejected rows, next offsets and newest append time of the batches from ``since`` on.

    The next offsets are those in the topic that bronze reads now; earlier topics' do not count.
    """
    is_of_this_topic = F.col("batch") >= current_first_batch(session, settings)
    per_partition = (
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
    return {
        "version": snapshot(session, settings.bronze).version,
        "rows": sum(row["rows"] for row in per_partition),
        "rejected": sum(row["rejected"] for row in per_partition),
        "next_offsets": {
            str(row["kafka_partition"]): row["last_offset"] + 1
            for row in per_partition
            if row["last_offset"] is not None
        },
        "as_of": max((row["newest"] / 1e6 for row in per_partition), default=0.0),
    }
