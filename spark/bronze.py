"""Bronze: every Kafka record, untouched, one row each, exactly once."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, StreamingQueryException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from lake.contracts import BRONZE, BRONZE_PARTITION, names
from lake.errors import LakeError, RefusedError, SpaceError, WeblakeError
from lake.settings import Settings
from lake.space import WRITERS, shortage
from lake.url_rules import UrlRules
from spark import failpoints
from spark.events.horizon import reject_before
from spark.events.parse import parse_records
from spark.progress import Progress
from spark.source.bronze_facts import bronze_facts
from spark.source.clocks import seconds_ahead
from spark.source.gaps import batch_note, note_gaps, note_last_gaps
from spark.source.position import Position
from spark.source.reader import read_range, read_topic
from spark.source.slow_rules import slow_rule, watch
from spark.source.topic import Offsets, Topic, TopicState
from spark.source.upkeep import Upkeep
from spark.tables.delta import append_once, commit_actions, create_table, own_snapshot, writers_progress
from spark.tables.files import DataFile
from spark.tables.horizon import horizon_of
from spark.tables.storage import read_text, remove_folder

log = logging.getLogger(__name__)

PROPERTIES = {
    "delta.dataSkippingStatsColumns": "kafka_partition,kafka_offset,batch,ingested_at,window_start,reject_reason",
    "delta.checkpointInterval": "50",
}
WRITER = "bronze"
PATIENCE_SECONDS = 60.0
ROWS_PER_FILE = 100_000  # a batch of fewer records is written as one file


def create_bronze(session: SparkSession, settings: Settings) -> None:
    """Create the table if there is none yet."""
    create_table(session, settings.bronze, BRONZE, BRONZE_PARTITION, PROPERTIES)


class Bronze:
    """The loop from Kafka to the bronze table.

    Spark wants a checkpoint, and gets a new one for each query: it begins where bronze itself says that it stands.
    """

    def __init__(
        self,
        session: SparkSession,
        settings: Settings,
        rules: UrlRules,
        progress: Progress,
        on_commit: Callable[[], None],
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Prepare; ``on_commit`` is called after each batch. In one that takes longer a slow rule is looked for."""
        self._patience_seconds = patience_seconds
        self._session = session
        self._settings = settings
        self._rules = rules
        self._progress = progress
        self._on_commit = on_commit
        self._topic = Topic(settings)
        self._position = Position(session, settings, self._topic)
        self._upkeep = Upkeep(settings, self._topic)
        self._step = 0  # the next of our writes: Delta takes each but once, so a second writer's is ignored
        self._stop = threading.Event()
        self._is_full = threading.Event()
        self._is_ending = False
        self._failure: Exception | None = None
        self._planned: Offsets = {}  # where Spark begins its next batch
        self.writing = threading.Lock()  # held for a batch, and by whoever else writes the table

    def catch_up(self) -> None:
        """Take in all records that are there now, batch after batch, and return.

        Before each batch it is made sure that this is still the topic, that it still has all that comes next, and that
        there is room on the disk.

        Raises:
            RefusedError: the topic is another one or has lost records; somebody has to accept that.
            SpaceError: the disk is nearly full.
            ServiceError: Kafka does not answer.
        """
        self._run(availableNow=True)

    def follow(self) -> None:
        """Take in records every ``trigger_seconds`` until stopped; a backlog is taken in without pauses.

        Raises what :meth:`catch_up` raises.
        """
        while not self._stop.is_set():
            self.catch_up()
            if self._progress.has_error("bronze"):  # an error ends this loop, so here it is past
                self._progress.report_error("bronze", None)
            self._run(processingTime=f"{self._settings.trigger_seconds} seconds")

    def stop(self) -> None:
        """End after the current batch."""
        self._stop.set()

    def _run(self, **trigger: Any) -> None:
        """Run a query until it has done its work, until :meth:`stop`, or until a live one has fallen behind."""
        with self.writing:
            begins = self._planned = self._begins()
        if self._stop.is_set():
            return
        remove_folder(self._session, self._settings.bronze_checkpoint)
        self._failure, self._is_ending = None, False
        self._is_full.clear()
        parsed = parse_records(read_topic(self._session, self._settings, begins), self._rules)
        writer = parsed.writeStream.queryName(WRITER).foreachBatch(self._write)
        query = writer.option("checkpointLocation", self._settings.bronze_checkpoint).trigger(**trigger).start()
        is_live = "processingTime" in trigger
        try:
            while not query.awaitTermination(1):
                if self._stop.is_set() or (is_live and self._is_full.is_set()):
                    break
        except StreamingQueryException as error:
            raise self._topic.explain(self._failure or error) from error
        finally:
            self._end(query)

    def _end(self, query: StreamingQuery) -> None:
        """End a query between two batches. One that begins now is refused, and comes again with the next query."""
        with self.writing:
            self._is_ending = True
        query.stop()

    def _write(self, records: DataFrame, batch_id: int) -> None:
        """Take in a batch. Keep the error: Spark passes on only its text."""
        try:
            with self.writing:
                if self._is_ending:
                    raise LakeError(f"batch {batch_id} came while the query was ending; the next query takes it in")
                begins = self._begins()
                if not self._planned.items() <= begins.items():
                    raise LakeError(f"batch {batch_id} does not begin where bronze ends; the next query begins there")
                with self._progress.at_batch("bronze"):
                    self._take_in(records, begins, self._planned_ends(batch_id))
        except (WeblakeError, PySparkException, Py4JError) as error:
            self._failure = error
            raise
        self._on_commit()

    def _begins(self) -> Offsets:
        """Return the next offset of each partition, once it is sure that bronze may go on from there.

        On the way the broker is kept from filling the disk.
        """
        short = shortage(self._settings, WRITERS, "the stream waits")
        if short:
            with suppress(WeblakeError, PySparkException, Py4JError):  # the disk comes first; a full one may be why
                self._tended(is_short=True)
            raise SpaceError(short)
        return self._tended(is_short=False)

    def _tended(self, is_short: bool) -> Offsets:
        """Return the next offset of each partition, and keep the broker from filling the disk.

        Senders are slowed down before anything else can fail.
        """
        topic = self._topic.look()
        self._upkeep.limit_senders(is_short)
        if not self._position.is_known:
            self.report()
        offsets = self._next_offsets(topic)
        self._upkeep.trim(topic, offsets, is_short)
        return offsets

    def _planned_ends(self, batch_id: int) -> Offsets:
        """Return the offsets that a batch ends at, exclusive, as Spark planned it."""
        text = read_text(self._session, f"{self._settings.bronze_checkpoint}/offsets/{batch_id}")
        ends = json.loads((text or "{}").splitlines()[-1])[self._settings.kafka_topic]
        return {int(partition): offset for partition, offset in ends.items()}

    def report(self) -> None:
        """Report progress from the table itself, at the start and after a failed write."""
        note_last_gaps(self._session, self._settings)
        facts = bronze_facts(self._session, self._settings, 0)
        self._position.is_at(facts.next_offsets)
        self._step = writers_progress(self._session, self._settings.bronze).get(WRITER, -1) + 1
        horizon = horizon_of(self._session, self._settings)
        self._progress.report_bronze(
            lambda bronze: replace(
                bronze,
                version=facts.version,
                rows=facts.rows + (horizon.rows if horizon else 0),
                rejected=facts.rejected + (horizon.rejected if horizon else 0),
                next_offsets=facts.next_offsets,
                as_of=facts.as_of,
            )
        )

    def _next_offsets(self, topic: TopicState) -> Offsets:
        """Return the next offset of each partition, and report them, or what bronze waits for."""
        ends = _with_records(topic.ends)
        try:
            offsets = self._position.in_topic(topic)
        except RefusedError as error:
            refusal = error.what
            self._progress.report_bronze(lambda bronze: replace(bronze, refusal=refusal, ends=ends))
            raise
        report, filled = self._progress.bronze, _with_records(offsets)
        if report.refusal or (report.next_offsets, report.ends) != (filled, ends):
            self._progress.report_bronze(lambda bronze: replace(bronze, refusal=None, next_offsets=filled, ends=ends))
        return offsets

    def _take_in(self, records: DataFrame, begins: Offsets, ends: Offsets) -> None:
        """Append one batch. Its number is the Delta version that it makes."""
        batch = own_snapshot(self._session, self._settings.bronze).version + 1
        moved = {partition: end for partition, end in ends.items() if end != begins.get(partition, 0)}
        first = {partition: begins.get(partition, 0) for partition in moved}
        number = sum(end - first[partition] for partition, end in moved.items())
        half = max(1, self._session.sparkContext.defaultParallelism // 2)  # the other half is left to silver
        files = 1 if number < ROWS_PER_FILE else half
        horizon = horizon_of(self._session, self._settings)
        countable = reject_before(records, horizon.day) if horizon else records
        rows = countable.withColumn("batch", _constant(batch)).select(*names(BRONZE))
        note = batch_note(first, moved)
        self._position.forget()
        failpoints.reach("bronze-before-commit")
        with watch(self._patience_seconds, lambda: self._slow_rule(first, moved), self._report_error):
            append_once(rows.coalesce(files), self._settings.bronze, WRITER, self._step, note)
        failpoints.reach("bronze-after-commit")
        if self._report_batch(batch, note, {**begins, **ends}) != number:
            note_gaps(self._session, self._settings, batch)
        if number >= self._settings.max_records_per_batch * 0.9:
            self._is_full.set()
        self._position.is_at({**begins, **ends})
        self._planned = ends
        self._step += 1

    def _slow_rule(self, begins: Offsets, ends: Offsets) -> str | None:
        return slow_rule(read_range(self._session, self._settings, begins, ends), self._rules)

    def _report_error(self, error: str | None) -> None:
        self._progress.report_error("bronze", error)

    def _report_batch(self, batch: int, note: str, offsets: Offsets) -> int:
        """Add a batch to the progress, from the statistics in its commit; return how many records it has."""
        actions = commit_actions(self._session, self._settings.bronze, batch)
        if not any(action.get("commitInfo", {}).get("userMetadata") == note for action in actions):
            raise LakeError(f"another process wrote version {batch} of {self._settings.bronze}; stop that process")
        files = [DataFile.of(action["add"]) for action in actions if "add" in action]
        records = sum(file.rows for file in files)
        rejected = sum(file.rejected for file in files)
        newest = max([0.0, *(file.newest for file in files)])
        ahead = seconds_ahead(self._session, self._settings, actions)
        self._progress.report_bronze(
            lambda bronze: replace(
                bronze.with_intake(time.time(), records, rejected),
                version=batch,
                rows=bronze.rows + records,
                rejected=bronze.rejected + rejected,
                next_offsets=_with_records(offsets),
                as_of=max(bronze.as_of, newest),
                clock_ahead_seconds=ahead or bronze.clock_ahead_seconds,
                clock_ahead_at=newest if ahead else bronze.clock_ahead_at,
            )
        )
        log.info("bronze version %d: %d records", batch, records)
        return records


def _constant(number: int) -> Column:
    """Return a constant that Spark holds as an object. It would compile a plain one for each batch."""
    return F.get(F.array(F.lit(number).cast("bigint")), F.col("kafka_partition") * 0)


def _with_records(offsets: Offsets) -> Offsets:
    """Return offsets as the report has them: without those of partitions that are empty."""
    return {partition: offset for partition, offset in offsets.items() if offset}
