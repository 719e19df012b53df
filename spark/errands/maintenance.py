"""Maintenance of the tables: small files merged, closed days of the ledger squashed, files that nobody needs deleted.

It is done in pieces, a day of a table each, so that live batches can be counted in between. None changes what a table
says, but for days that bronze no longer keeps, so one that is interrupted is simply begun again. On a disk that is
nearly full it only deletes files: to merge them takes more room at first.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import takewhile

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contracts import BRONZE_PARTITION, BY_STREAM, LEDGER, LEDGER_PARTITION, names
from lake.requests import MaintenanceAnswer, MaintenanceRequest, Sizes, TableSize, answer
from lake.settings import Settings
from spark import failpoints
from spark.errands.days import drop_days
from spark.errands.requests import FAILURES, failure_text, first_request, report
from spark.events.counts import sum_entries
from spark.tables.delta import (
    live_files,
    merge_files,
    own_snapshot,
    properties,
    replace_quietly,
    set_properties,
    snapshot,
    vacuum,
)
from spark.tables.storage import folder_size

log = logging.getLogger(__name__)

BATCHES_PER_MERGE = 60
BATCHES_PER_VACUUM = 360
SECONDS_PER_RESCUE = 600.0
"""How often files are deleted while the disk is nearly full: no batches come then, by which it could be due."""
SMALL_BYTES = 8 << 20
FEWEST_FILES = 10  # a day with fewer small files is left alone, or each late event would have a day rewritten
FEWEST_FILES_WHEN_ASKED = 2
DAYS_OPEN = 1  # yesterday's windows still get many late events
ROWS_PER_FILE = 2_000_000
BRONZE_HOURS = 1  # longer than any step that reads files of bronze that were merged meanwhile
BRONZE_LOG_HOURS = 24
SQUASH = "squash"


class Maintenance:
    """What is due by itself, or asked for, piece by piece."""

    def __init__(
        self,
        session: SparkSession,
        settings: Settings,
        bronze_at_rest: threading.Lock,
        has_room: Callable[[], bool],
    ) -> None:
        """Prepare; nothing is due before the next ``BATCHES_PER_MERGE`` batches of bronze, or the disk is nearly full.

        ``bronze_at_rest`` is held by whoever writes bronze: a batch is known by the version that it makes. ``has_room``
        says whether the disk has room for more than deleting.
        """
        self._has_room = has_room
        self._rescue_due = 0.0
        self._session = session
        self._settings = settings
        self._bronze_at_rest = bronze_at_rest
        self._seen = snapshot(session, settings.bronze).version
        self._request: MaintenanceRequest | None = None
        self._before: Sizes = {}
        self._pieces: Iterator[str] | None = None
        self._counted_up_to = -1

    def step(self, counted_up_to: int) -> bool:
        """Do one piece of what is requested or due. An error ends it: it changes nothing, and comes due again."""
        self._counted_up_to = counted_up_to
        try:
            if self._pieces is None:
                self._pieces = self._begin()
            done = next(self._pieces, None) if self._pieces else None
            after = sizes(self._session, self._settings) if done is None and self._request else {}
        except FAILURES as error:
            report("maintenance", error)
            self._end(MaintenanceAnswer(done=True, error=f"maintenance failed: {failure_text(error)}"))
            return False
        if done is None:
            self._end(MaintenanceAnswer(done=True, before=self._before, after=after))
            return False
        log.info("maintenance: %s", done)
        self._answer(MaintenanceAnswer(done=False, at=done))
        failpoints.reach("maintenance-after-piece")
        return True

    def _begin(self) -> Iterator[str] | None:
        """Return the pieces of what is to be done; None if there is nothing to do."""
        self._request = first_request(self._settings, MaintenanceRequest)
        if self._request:
            self._before = sizes(self._session, self._settings)
            return self._all(FEWEST_FILES_WHEN_ASKED)
        if not self._has_room():
            if time.monotonic() < self._rescue_due:
                return None
            self._rescue_due = time.monotonic() + SECONDS_PER_RESCUE
            return self._delete()
        before, self._seen = self._seen, own_snapshot(self._session, self._settings.bronze).version
        if self._seen // BATCHES_PER_MERGE == before // BATCHES_PER_MERGE:
            return None
        has_vacuum = self._seen // BATCHES_PER_VACUUM != before // BATCHES_PER_VACUUM
        return self._all(FEWEST_FILES) if has_vacuum else self._merge(FEWEST_FILES)

    def _end(self, outcome: MaintenanceAnswer) -> None:
        self._answer(outcome)
        self._request = None
        self._pieces = None

    def _answer(self, content: MaintenanceAnswer) -> None:
        if self._request:
            answer(self._settings.requests, self._request.id, content)

    def _all(self, fewest_files: int) -> Iterator[str]:
        """Do all that there is room for, and stop after each piece to say what it was."""
        yield from self._drop()
        yield from self._merge(fewest_files)
        yield from self._delete()

    def _drop(self) -> Iterator[str]:
        """Drop the days that bronze no longer keeps; not while the disk is full, when a replay may be half done."""
        if self._has_room():
            with self._bronze_at_rest:
                day = drop_days(self._session, self._settings, self._counted_up_to)
            if day:
                yield f"bronze freed of the days before {day}"

    def _merge(self, fewest_files: int) -> Iterator[str]:
        bronze, ledger, session = self._settings.bronze, self._settings.ledger, self._session
        for day in self._while_there_is_room(crowded_days(session, bronze, BRONZE_PARTITION, fewest_files)):
            with self._bronze_at_rest:
                merge_files(session, bronze, f"{BRONZE_PARTITION} = '{day}'")
            yield f"bronze of {day} merged"
        for day in self._while_there_is_room(crowded_days(session, ledger, LEDGER_PARTITION, fewest_files)):
            if is_closed(day):
                squash_day(session, ledger, day)
                yield f"ledger of {day} squashed"
            else:
                merge_files(session, ledger, f"{LEDGER_PARTITION} = '{day}'")
                yield f"ledger of {day} merged"

    def _while_there_is_room(self, days: list[str]) -> Iterator[str]:
        return takewhile(lambda _: self._has_room(), days)

    def _delete(self) -> Iterator[str]:
        bronze, ledger, session = self._settings.bronze, self._settings.ledger, self._session
        hours = self._settings.mirror_outage_hours
        with self._bronze_at_rest:
            _retain(session, bronze, BRONZE_LOG_HOURS)
            vacuum(session, bronze, BRONZE_HOURS)
        yield f"bronze freed of files that nobody has needed for {BRONZE_HOURS} h"
        _retain(session, ledger, hours)
        vacuum(session, ledger, hours)
        yield f"ledger freed of files that nobody has needed for {hours} h"


def sizes(session: SparkSession, settings: Settings) -> Sizes:
    """Return the size of each table."""
    tables: Sizes = {}
    for name, path in (("bronze", settings.bronze), ("ledger", settings.ledger)):
        _, files = live_files(session, path)
        disk_files, disk_bytes = folder_size(session, path)
        live_bytes = sum(file["size"] for file in files)
        tables[name] = TableSize(len(files), live_bytes, disk_files, disk_bytes)
    return tables


def crowded_days(session: SparkSession, path: str, partition: str, fewest_files: int) -> list[str]:
    """Return the days (partitions) of a table that have ``fewest_files`` small files or more."""
    _, files = live_files(session, path)
    small = Counter(file["partitionValues"][partition] for file in files if file["size"] < SMALL_BYTES)
    return sorted(day for day, number in small.items() if number >= fewest_files)


def is_closed(day: str) -> bool:
    """Return whether a day (ISO 8601, UTC) is so long over that hardly any events of it come in."""
    today = dt.datetime.now(tz=dt.timezone.utc).date()
    return dt.date.fromisoformat(day) < today - dt.timedelta(days=DAYS_OPEN)


def squash_day(session: SparkSession, ledger: str, day: str) -> None:
    """Replace the stream's entries of a day by their sums, in one commit that changes no data.

    The mirror takes no notice: it reads the files that an entry came with, which stay until they are vacuumed.
    """
    condition = f"{LEDGER_PARTITION} = '{day}'"
    entries = session.read.format("delta").load(ledger).filter(condition)
    name = f"{SQUASH}-{snapshot(session, ledger).version + 1}"
    squashed = squash(entries, name).persist()
    try:
        files = squashed.count() // ROWS_PER_FILE + 1
        sorted_ = squashed.repartition(files, "window_start").sortWithinPartitions("dimension", "window_start", "key")
        replace_quietly(sorted_, ledger, condition)
    finally:
        squashed.unpersist()


def squash(entries: DataFrame, name: str) -> DataFrame:
    """Add up the stream's entries under the new entry ``name``. Corrections stay as they are, to be undone by name."""
    is_streams = F.col("cause") == BY_STREAM
    sums = sum_entries(entries.filter(is_streams)).select(
        "*",
        F.lit(name).alias("entry"),
        F.lit(BY_STREAM).alias("cause"),
        F.col("window_start").cast("date").alias("window_date"),
    )
    return sums.select(*names(LEDGER)).unionByName(entries.filter(~is_streams).select(*names(LEDGER)))


def _retain(session: SparkSession, path: str, hours: int) -> None:
    """Have the table's log kept for ``hours``, and the versions in it readable."""
    durations = ("delta.logRetentionDuration", "delta.deletedFileRetentionDuration")
    values = dict.fromkeys(durations, f"interval {hours} hours")
    if not values.items() <= properties(session, path).items():
        set_properties(session, path, values)
