"""Silver: the ledger of ten-second counts. Each step appends the counts of the bronze rows that are new.

The ledger's own log says how far it has come (``txnAppId`` = the bronze table, ``txnVersion`` = the bronze batch), in
the same commit as the counts. So there is no checkpoint beside it that could be lost or disagree.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contracts import BRONZE, BY_STREAM, LEDGER, LEDGER_PARTITION, OTHER
from lake.contracts.edition import EDITION_PROPERTY, Edition
from lake.errors import LakeError
from lake.settings import Settings
from lake.space import require_space
from spark import failpoints
from spark.events.agent_columns import at_most, distinct_agents
from spark.events.counts import as_entry
from spark.events.duplicates import count_new, in_windows
from spark.events.formats import EVENTS
from spark.events.judgement import Judge
from spark.events.rejections import count_rejected
from spark.progress import Progress
from spark.source.bronze_facts import bronze_facts
from spark.tables.delta import append_once, create_table, own_snapshot, skip_once, snapshot, writers_progress
from spark.tables.edition import note_edition
from spark.tables.files import BronzeFiles, DataFile, read_files

log = logging.getLogger(__name__)

ROWS_PER_STEP = 1_000_000
ROWS_PER_LOOK = 30_000  # whose agents, however long, all together fit into memory
PROPERTIES = {
    "delta.dataSkippingStatsColumns": "entry,dimension,window_start",
    "delta.checkpointInterval": "50",
}


def create_ledger(session: SparkSession, settings: Settings) -> None:
    """Create the table if there is none yet; it says by which edition it is counted."""
    note_edition(session, settings)
    edition = {EDITION_PROPERTY: Edition.of_today(settings).as_text()}
    create_table(session, settings.ledger, LEDGER, LEDGER_PARTITION, PROPERTIES | edition)


def counted_up_to(session: SparkSession, settings: Settings) -> int:
    """Return the last bronze batch that is in the ledger; -1 before the first.

    Raises:
        LakeError: the ledger was counted from another bronze table, or from a later state of this one.
    """
    progress = writers_progress(session, settings.ledger)
    writer = _writer(session, settings)
    others = [name for name in progress if name.startswith("silver:") and name != writer]
    if others:
        raise LakeError(
            f"the ledger {settings.ledger} was counted from another bronze table than {settings.bronze}; "
            "put that bronze table back, or move the ledger away and run `make rebuild`"
        )
    done, version = progress.get(writer, -1), snapshot(session, settings.bronze).version
    if done > version:
        raise LakeError(
            f"the ledger {settings.ledger} has counted up to batch {done}, but bronze {settings.bronze} ends at "
            f"{version}; if bronze is an older copy, put the newer one back, or move the ledger away and run "
            "`make rebuild`"
        )
    return done


class Stand(NamedTuple):
    """A version of the ledger, and the bronze batch that it stands at."""

    version: int
    batch: int


class Silver:
    """The loop from bronze to the ledger."""

    def __init__(
        self,
        session: SparkSession,
        settings: Settings,
        progress: Progress,
        judge: Judge,
        on_commit: Callable[[], None],
        actions: tuple[str, ...],
    ) -> None:
        """Prepare the loop; ``judge`` says who is a bot, and ``on_commit`` is called after each batch.

        Where ``other`` is among the listed ``actions``, no action of a record can be told to be unlisted.
        """
        self._actions = actions
        self._judge = judge
        self._session = session
        self._settings = settings
        self._progress = progress
        self._on_commit = on_commit
        self._stop = threading.Event()
        self._files = BronzeFiles(session, settings.bronze)
        self.has_caught_up = threading.Event()
        self._stand = Stand(version=-1, batch=-1)

    def stop(self) -> None:
        """End after the current batch."""
        self._stop.set()

    def catch_up(self) -> None:
        """Count all bronze batches that are not in the ledger, and return.

        Raises:
            SpaceError: there is one, and the disk is nearly full.
        """
        done = self._counted_up_to()
        latest = self._files.refresh()
        while done < latest and not self._stop.is_set():
            require_space(self._settings, "counting waits")
            upto = self._next_step(done, latest)
            with self._progress.at_batch("silver"):
                self._count(done, upto)
            done = upto
        if done >= latest and not self.has_caught_up.is_set():
            self.has_caught_up.set()
            self._on_commit()

    def report(self) -> None:
        """Report progress from the tables themselves, at the start, when bronze has done so."""
        done, bronze = counted_up_to(self._session, self._settings), self._progress.bronze
        ahead = bronze_facts(self._session, self._settings, done + 1).rows if done < bronze.version else 0
        version = snapshot(self._session, self._settings.ledger).version
        rows, as_of = bronze.rows - ahead, bronze.as_of if not ahead else self._newest_of(done)
        self._progress.report_silver(lambda silver: replace(silver, version=version, rows=rows, as_of=as_of))

    def _newest_of(self, done: int) -> float:
        """Return when Kafka got the newest row of the batches up to ``done`` (epoch seconds; 0 where there is none)."""
        self._files.refresh()
        files = (file for file in self._files.between(-1, done) if file.last_batch <= done)
        return max((file.newest for file in files), default=0.0)

    @property
    def counted_up_to(self) -> int:
        """The bronze batch that the ledger stood at after the last batch."""
        return self._stand.batch

    def _counted_up_to(self) -> int:
        """Return the last bronze batch that is in the ledger; asks the table where its version is not our own."""
        version = own_snapshot(self._session, self._settings.ledger).version
        if version != self._stand.version:
            self._stand = Stand(version, counted_up_to(self._session, self._settings))
        return self._stand.batch

    def _next_step(self, done: int, latest: int) -> int:
        """Return the last batch of the next step: as many batches as stay under ``ROWS_PER_STEP``."""
        if latest == done + 1:
            return latest
        ahead = sorted(self._rows_by_batch(done, latest).items())
        if not ahead:
            return latest
        upto, rows = ahead[0]
        for batch, more in ahead[1:]:
            rows += more
            if rows > ROWS_PER_STEP:
                return upto
            upto = batch
        return latest  # what comes after the last rows holds none, such as a note of bronze's

    def _rows_by_batch(self, done: int, latest: int) -> dict[int, int]:
        """Return the rows of each batch after ``done`` up to ``latest``."""
        files = self._files.between(done, latest)
        if any(file.first_batch != file.last_batch for file in files):  # compacted: count
            bronze = read_files(self._session, self._settings.bronze, BRONZE, [file.path for file in files])
            ahead = bronze.filter((F.col("batch") > done) & (F.col("batch") <= latest))
            rows = ahead.groupBy("batch").count().collect()
            return {row["batch"]: row["count"] for row in rows}
        counted: dict[int, int] = {}
        for file in files:
            counted[file.first_batch] = counted.get(file.first_batch, 0) + file.rows
        return counted

    def _count(self, done: int, upto: int) -> None:
        """Append the counts of the batches after ``done`` up to ``upto``, in one commit."""
        ledger, writer = self._settings.ledger, _writer(self._session, self._settings)
        files = self._files.between(done, upto)
        batch = self._profile(files, done, upto)
        entries = self._entries(files, done, upto, batch) if files else None
        failpoints.reach("silver-before-commit")
        if entries is None:
            skip_once(self._session, ledger, writer, upto)
        else:
            append_once(entries.coalesce(1), ledger, writer, upto)
        failpoints.reach("silver-after-commit")
        self._stand = Stand(own_snapshot(self._session, ledger).version, upto)
        self._report(done, upto, batch)
        self._on_commit()

    def _profile(self, files: list[DataFile], done: int, upto: int) -> Profile:
        """Look through the valid rows of the batches after ``done`` up to ``upto``, which are in these files."""
        if not files:
            return Profile([], [])
        found = profile(self._valid(files, done + 1, upto), sum(file.rows for file in files))
        return found._replace(unlisted=0) if OTHER in self._actions else found

    def _entries(self, files: list[DataFile], done: int, upto: int, batch: Profile) -> DataFrame:
        """Return the ledger's rows for the batches after ``done`` up to ``upto``, which are in these files."""
        new = self._valid(files, done + 1, upto)
        earlier = self._files.in_windows(batch.windows, done)
        counted = in_windows(self._valid(earlier, 0, done), batch.windows) if earlier else new.limit(0)
        counts = count_new(new, counted, self._judge(batch.agents))
        if any(file.rejected for file in files):
            rejected = self._rows(files, done + 1, upto).filter(F.col("reject_reason").isNotNull())
            counts = counts.unionAll(count_rejected(rejected))
        return as_entry(counts, f"batch-{upto}", BY_STREAM)

    def _valid(self, files: list[DataFile], first: int, last: int) -> DataFrame:
        """Return the valid rows of the batches from ``first`` to ``last`` in these files."""
        return self._rows(files, first, last).filter(F.col("reject_reason").isNull())

    def _rows(self, files: list[DataFile], first: int, last: int) -> DataFrame:
        """Return the rows of the batches from ``first`` to ``last`` in these files.

        A condition on batches stands in the plan only where a file has others too: it would change with every batch,
        and Spark would compile the plan again.
        """
        rows = read_files(self._session, self._settings.bronze, BRONZE, [file.path for file in files])
        if any(file.first_batch < first or file.last_batch > last for file in files):
            rows = rows.filter(F.col("batch").between(first, last))
        return rows

    def _report(self, done: int, upto: int, batch: Profile) -> None:
        report, bronze = self._progress.silver, self._progress.bronze
        version = self._stand.version
        if upto >= bronze.version:
            rows, as_of = bronze.rows, bronze.as_of
        else:
            rows = report.rows + sum(self._rows_by_batch(done, upto).values())
            as_of = max((file.newest for file in self._files.between(done, upto)), default=report.as_of)
        self._progress.report_silver(lambda silver: replace(silver, version=version, rows=rows, as_of=as_of))
        if batch.unlisted:
            self._progress.report_silver(lambda silver: silver.with_unlisted(batch.named, batch.unlisted, as_of))
        log.info("ledger version %d: bronze up to batch %d", version, upto)


class Profile(NamedTuple):
    """What a batch holds: its windows (epoch seconds) and its distinct user agents, None where they are too many.

    And how many of its records say themselves what was done, and how many of those name an action that nobody listed.
    """

    windows: list[int]
    agents: list[str] | None
    named: int = 0
    unlisted: int = 0


def profile(new: DataFrame, rows: int) -> Profile:
    """Look through valid rows of bronze, ``rows`` at most, in one Spark job; in two where their agents need a bound."""
    is_named = F.col("format").isin([record_format.name for record_format in EVENTS])
    facts = (
        F.collect_set(F.unix_seconds("window_start")).alias("windows"),
        F.count_if(is_named).alias("named"),
        F.count_if(is_named & (F.col("action") == OTHER)).alias("unlisted"),
    )
    are_many = rows > ROWS_PER_LOOK
    found = new.agg(*facts, *([] if are_many else [F.collect_set("user_agent").alias("agents")])).collect()[0]
    agents = distinct_agents(new) if are_many else at_most(found["agents"])
    return Profile(found["windows"], agents, found["named"], found["unlisted"])


def _writer(session: SparkSession, settings: Settings) -> str:
    return f"silver:{own_snapshot(session, settings.bronze).table_id}"
