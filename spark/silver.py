"""Silver: the ledger of ten-second counts. Each step appends the counts of the bronze rows that are new.

The ledger's own log says how far it has come (``txnAppId`` = the bronze table, ``txnVersion`` = the bronze batch), in
the same commit as the counts. So there is no checkpoint beside it that could be lost or disagree.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake.contracts import BRONZE_PARTITION, LEDGER, LEDGER_PARTITION, names
from lake.errors import LakeError
from lake.settings import Settings
from spark.agents import declared_bots
from spark.bronze import bronze_facts
from spark.counts import count_windows
from spark.delta import append_once, create_table, snapshot
from spark.duplicates import find_duplicates, in_spans, spans
from spark.progress import Progress

log = logging.getLogger(__name__)

STREAM = "stream"
PROPERTIES = {
    "delta.enableChangeDataFeed": "true",
    "delta.dataSkippingStatsColumns": "entry,dimension,window_start",
    "delta.checkpointInterval": "50",
}
MOST_LISTED_WINDOWS = 20_000


def create_ledger(session: SparkSession, settings: Settings) -> None:
    """Create the table where there is none yet."""
    create_table(session, settings.ledger, LEDGER, LEDGER_PARTITION, PROPERTIES)


def counted_up_to(session: SparkSession, settings: Settings) -> int:
    """Return the last bronze batch that is in the ledger; -1 before the first.

    Raises:
        LakeError: the ledger was counted from another bronze table.
    """
    progress = snapshot(session, settings.ledger).progress
    writer = _writer(session, settings)
    others = [name for name in progress if name.startswith("silver:") and name != writer]
    if others:
        raise LakeError(
            f"the ledger {settings.ledger} was counted from another bronze table than {settings.bronze}; "
            "put that bronze back, or move the ledger away and let it be counted again"
        )
    return progress.get(writer, -1)


class Silver:
    """The loop from bronze to the ledger."""

    def __init__(
        self, session: SparkSession, settings: Settings, progress: Progress, on_commit: Callable[[], None]
    ) -> None:
        """Prepare the loop; ``on_commit`` is called after each batch."""
        self._session = session
        self._settings = settings
        self._progress = progress
        self._on_commit = on_commit
        self._stop = threading.Event()

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stop.set()

    def catch_up(self) -> None:
        """Count all bronze batches that are not in the ledger, in bounded steps, and return."""
        done = counted_up_to(self._session, self._settings)
        latest = snapshot(self._session, self._settings.bronze).version
        while done < latest and not self._stop.is_set():
            upto = self._next_step(done, latest)
            self._count(done, upto)
            done = upto

    def report(self) -> None:
        """Say from the tables how far the ledger has come; for the start, when nothing is known."""
        done = counted_up_to(self._session, self._settings)
        facts = bronze_facts(self._session, self._settings, 0)
        ahead = bronze_facts(self._session, self._settings, done + 1)
        version = snapshot(self._session, self._settings.ledger).version
        self._progress.report("silver", version=version, rows=facts["rows"] - ahead["rows"], as_of=facts["as_of"])

    def _next_step(self, done: int, latest: int) -> int:
        """Return the last batch of the next step: as many batches as stay under ``max_records_per_batch``."""
        if latest == done + 1:
            return latest
        bronze = self._session.read.format("delta").load(self._settings.bronze)
        ahead = bronze.filter(F.col("batch") > done).groupBy("batch").count().orderBy("batch").limit(1000).collect()
        if not ahead:
            return latest
        upto, rows = int(ahead[0]["batch"]), int(ahead[0]["count"])
        for row in ahead[1:]:
            rows += row["count"]
            if rows > self._settings.max_records_per_batch:
                break
            upto = int(row["batch"])
        return upto

    def _count(self, done: int, upto: int) -> None:
        """Append the counts of the batches after ``done`` up to ``upto``, in one commit."""
        bronze = self._session.read.format("delta").load(self._settings.bronze)
        is_new = (F.col("batch") > done) & (F.col("batch") <= upto)
        valid = bronze.filter(F.col("reject_reason").isNull())
        counts = count_new(planned_once(valid, is_new), valid.filter(F.col("batch") <= done))
        entry = F.lit(f"batch-{upto}").alias("entry")
        rows = counts.select(entry, F.lit(STREAM).alias("cause"), "*").select(*names(LEDGER))
        append_once(rows.coalesce(1), self._settings.ledger, _writer(self._session, self._settings), upto)
        self._report(done, upto)
        self._on_commit()

    def _report(self, done: int, upto: int) -> None:
        known = self._progress.stage("silver")
        bronze = self._progress.stage("bronze")
        version = snapshot(self._session, self._settings.ledger).version
        if upto >= bronze["version"]:
            rows, as_of = bronze["rows"], bronze["as_of"]
        else:
            facts = bronze_facts(self._session, self._settings, done + 1)
            later = bronze_facts(self._session, self._settings, upto + 1)
            rows, as_of = known["rows"] + facts["rows"] - later["rows"], facts["as_of"]
        self._progress.report("silver", version=version, rows=rows, as_of=as_of)
        log.info("ledger version %d: bronze up to batch %d", version, upto)


def count_new(new: DataFrame, earlier: DataFrame) -> DataFrame:
    """Count the rows of ``new`` that are no duplicates of each other or of ``earlier`` rows; both are valid rows."""
    profile = new.agg(
        F.collect_set(F.unix_seconds("window_start")).alias("windows"),
        F.collect_set("user_agent").alias("agents"),
    ).collect()[0]
    covering = spans(profile["windows"])
    counted = planned_once(earlier, in_spans(covering))
    if 0 < len(profile["windows"]) <= MOST_LISTED_WINDOWS:
        counted = counted.filter(F.unix_seconds("window_start").isin(profile["windows"]))
    duplicates = find_duplicates(new, counted)
    position = ["kafka_partition", "kafka_offset"]
    distinct = new.join(F.broadcast(duplicates), position, "left_anti")
    return count_windows(distinct, declared_bots(profile["agents"]))


def planned_once(table: DataFrame, condition: Column) -> DataFrame:
    """Return ``table`` where ``condition`` holds, over the files that Delta finds for it now.

    Delta looks its files up anew, in a Spark job of its own, each time that a plan reads the table; a batch reads it
    six times, and in a small batch the look-ups would cost more than the rows.
    """
    wanted = table.filter(condition)
    files = [unquote(urlsplit(name).path) if name.startswith("file:") else name for name in wanted.inputFiles()]
    if not files:
        return table.limit(0)
    root = files[0].split(f"/{BRONZE_PARTITION}=")[0]
    rows = table.sparkSession.read.schema(table.schema).option("basePath", root).parquet(*files)
    return rows.filter(F.col("reject_reason").isNull() & condition)


def _writer(session: SparkSession, settings: Settings) -> str:
    return f"silver:{snapshot(session, settings.bronze).table_id}"
