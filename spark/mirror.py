"""The mirror: the ledger's sums and what is on record in PostgreSQL, in the same transaction as their bookmark."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace

import psycopg2
import pyarrow as pa
from psycopg2.extensions import connection as Connection
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from lake.causes import cause
from lake.contracts import LEDGER
from lake.errors import LakeError
from lake.settings import Settings
from lake.space import AT_WORK, WRITERS, Layer, require_space
from spark import failpoints
from spark.entry_sums import FEW_ENTRIES, sums_in_spark, sums_of_files
from spark.progress import Progress
from spark.seen import seen_in_ledger
from spark.tables.delta import Snapshot, own_snapshot
from spark.tables.files import read_files
from spark.tables.ledger_parts import added_files, in_days, in_parts, newest_window
from spark.tables.postgres import (
    NOWHERE,
    Bookmark,
    BookmarkMovedError,
    News,
    clear_tables,
    connect,
    hold_bookmark,
    move_bookmark,
    put_news,
    read_bookmark,
    read_settled_until,
    watchdog,
    who_holds_locks,
)
from spark.tables.records import Records, put_records
from spark.tables.window_counts import Brought, add_entries, bring, next_boundary, put_seen, wanted_boundary

log = logging.getLogger(__name__)

VERSIONS_AT_ONCE = 20
ENTRIES_IN_ALL = 2_000_000
"""Of the versions whose entries are added in one transaction, if not of a single one."""
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0
MISSING = (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedColumn, psycopg2.errors.InsufficientPrivilege)


class Mirror:
    """The loop from the ledger to PostgreSQL."""

    def __init__(
        self,
        session: SparkSession,
        settings: Settings,
        progress: Progress,
        is_ledger_whole: Callable[[], bool],
        records: Callable[[], Records],
    ) -> None:
        """Prepare the loop; nothing is connected yet.

        Counts of another ledger are replaced when ``is_ledger_whole`` says so: until then they are the better answer.
        ``records`` says what is on record now.
        """
        self._is_ledger_whole = is_ledger_whole
        self._records = records
        self._session = session
        self._settings = settings
        self._dsn = settings.postgres_dsn("pipeline")
        self._progress = progress
        self._connection: Connection | None = None
        self._brought: Records | None = None
        self._brought_until = 0.0
        self._nothing: Snapshot | None = None
        self._stop = threading.Event()

    def stop(self) -> None:
        """End after the current transaction."""
        self._stop.set()

    def catch_up(self) -> None:
        """Bring PostgreSQL to the ledger's version; wait for PostgreSQL as long as it takes, or until stopped."""
        pause = FIRST_RETRY_SECONDS
        while not self._stop.is_set():
            try:
                with self._progress.at_batch("mirror"):
                    self._move()
                return
            except (psycopg2.Error, BookmarkMovedError) as error:
                self.close()
                text = _message(error)
                if isinstance(error, psycopg2.errors.LockNotAvailable):
                    text = f"{text}; {who_holds_locks(self._dsn)}"
                log.warning("PostgreSQL: %s; trying again in %.0f s", text, pause)
                self._progress.report_error("mirror", text)
                self._stop.wait(pause)
                pause = min(pause * 2, LONGEST_RETRY_SECONDS)

    def close(self) -> None:
        """Close the connection. The next one may lead to another database, so nothing is known of it."""
        self._brought, self._brought_until, self._nothing = None, 0.0, None
        if self._connection is not None:
            with closing(self._connection):
                self._connection = None

    def _move(self) -> None:
        """Add all new entries. Read the bookmark each time: the database may have been replaced."""
        silver, bronze = self._progress.silver, self._progress.bronze
        news = News(silver.as_of, bronze.rows, bronze.rejected)
        ledger = own_snapshot(self._session, self._settings.ledger)
        if self._connection is None:
            self._connection = connect(self._dsn)
        with watchdog(self._connection, self._dsn):
            has_moved = self._follow(self._connection, ledger, news)
        if has_moved and silver.version <= ledger.version:
            self._progress.report_mirror(
                lambda mirror: replace(
                    mirror, bookmark=ledger.version, rows=silver.rows, as_of=silver.as_of, error=None
                )
            )

    def _follow(self, connection: Connection, ledger: Snapshot, news: News) -> bool:
        """Go from the bookmark to the ledger's version; return whether PostgreSQL is there.

        ``news`` is how new the ledger is, at that version at the latest.
        """
        with connection, connection.cursor() as cursor:
            bookmark = read_bookmark(cursor)
        is_of_another = bookmark != NOWHERE and bookmark.ledger_id != ledger.table_id
        if is_of_another or bookmark.version > ledger.version:
            if not self._is_ledger_whole():
                return False
            log.warning("PostgreSQL holds the counts of another ledger; filling it again")
            self._fill(connection, bookmark, ledger, news)
            return True
        if bookmark == NOWHERE and ledger == self._nothing:
            self._keep_up(connection, bookmark, ledger, news)
            return True
        if bookmark == NOWHERE:
            self._fill(connection, bookmark, ledger, news)
            return True
        while bookmark.version < ledger.version and not self._stop.is_set():
            try:
                to = Bookmark(self._next_stop(bookmark.version, ledger.version), ledger.table_id)
                self._add(connection, bookmark, to, news if to.version == ledger.version else None)
            except (LakeError, AnalysisException) as error:
                log.warning("the new entries cannot be read (%s); filling PostgreSQL again", _message(error))
                self._fill(connection, bookmark, ledger, news)
                return True
            bookmark = to
        if bookmark.version == ledger.version:
            self._keep_up(connection, bookmark, ledger, news)
        return bookmark.version == ledger.version

    def _add(self, connection: Connection, after: Bookmark, to: Bookmark, news: News | None) -> None:
        """Add the entries of the versions after ``after`` up to ``to``, in one transaction."""
        records = self._records()
        files = added_files(self._session, self._settings.ledger, after.version, to.version)
        started = time.monotonic()
        with connection, connection.cursor() as cursor:
            hold_bookmark(cursor, after)
            since, brought = read_settled_until(cursor), Brought()
            for sums in self._sums(files):
                bring(cursor, sums, brought)
            until = next_boundary(cursor, since, brought.newest, self._settings.hot_hours)
            if files:
                add_entries(cursor, to.version, since, until)
            if since and until:
                put_seen(cursor, seen_in_ledger(self._session, self._at(to.version), brought.shrunk, since, until))
            if records != self._brought:
                put_records(cursor, records, to.version)
            move_bookmark(cursor, to, until)
            if news:
                put_news(cursor, news)
        self._note(records, news)
        failpoints.reach("mirror-after-transaction")
        log.info("PostgreSQL at version %d: %d rows in %.1f s", to.version, brought.rows, time.monotonic() - started)

    def _sums(self, files: dict[str, int]) -> Iterator[pa.Table]:
        """Yield the sums of the entries of some files, which have so many each, in parts of about as many.

        Raises LakeError or AnalysisException where a file is gone.
        """
        if 0 < sum(files.values()) <= FEW_ENTRIES:
            self._require_space(WRITERS)
            yield sums_of_files(self._session, self._settings.ledger, files)
            return
        layer = WRITERS
        for part in self._in_parts(files):
            self._require_space(layer)
            yield sums_in_spark(part)
            layer = AT_WORK

    def _keep_up(self, connection: Connection, bookmark: Bookmark, ledger: Snapshot, news: News) -> None:
        """Bring what came without a new version of the ledger, such as a replay that corrected nothing."""
        records = self._records()
        if records == self._brought and news.until == self._brought_until:
            return
        with connection, connection.cursor() as cursor:
            hold_bookmark(cursor, bookmark)
            is_other = put_records(cursor, records, ledger.version)
            if put_news(cursor, news) or is_other:
                move_bookmark(cursor, Bookmark(ledger.version, ledger.table_id), read_settled_until(cursor))
        self._note(records, news)

    def _fill(self, connection: Connection, before: Bookmark, ledger: Snapshot, news: News) -> None:
        """Fill PostgreSQL from the ledger's sums, in one transaction that replaces what was there."""
        records, started = self._records(), time.monotonic()
        brought, layer, parts = Brought(), WRITERS, self._parts(ledger.version)
        newest = newest_window(self._at(ledger.version)) if parts else None
        until = wanted_boundary(newest, self._settings.hot_hours)
        with connection, connection.cursor() as cursor:
            hold_bookmark(cursor, before)
            clear_tables(cursor)
            for part in parts:
                self._require_space(layer)
                bring(cursor, sums_in_spark(part), brought)
                add_entries(cursor, ledger.version, None, until, has_hot=False)
                layer = AT_WORK
            put_records(cursor, records, ledger.version)
            move_bookmark(cursor, Bookmark(ledger.version, ledger.table_id), until, is_filled_anew=brought.rows > 0)
            put_news(cursor, news)
        self._note(records, news)
        self._nothing = None if brought.rows else ledger  # an empty ledger leaves no bookmark, and is not filled twice
        failpoints.reach("mirror-after-transaction")
        seconds = time.monotonic() - started
        log.info("PostgreSQL filled at version %d: %d rows in %.1f s", ledger.version, brought.rows, seconds)

    def _require_space(self, layer: Layer) -> None:
        """Require room for a part.

        Raises:
            SpaceError: the disk is nearly full; what was begun may go on a little longer than to begin is allowed.
        """
        require_space(self._settings, "the mirror waits", layer=layer)

    def _at(self, version: int) -> DataFrame:
        """Return the ledger's entries up to a version."""
        return self._session.read.format("delta").option("versionAsOf", version).load(self._settings.ledger)

    def _next_stop(self, after: int, newest: int) -> int:
        """Return the version up to which entries are added next: some versions, and not too many entries.

        Raises what :func:`added_files` raises.
        """
        upto = min(after + VERSIONS_AT_ONCE, newest)
        while upto > after + 1 and self._count_added(after, upto) > ENTRIES_IN_ALL:
            upto = after + (upto - after) // 2
        return upto

    def _count_added(self, after: int, upto: int) -> int:
        return sum(added_files(self._session, self._settings.ledger, after, upto).values())

    def _note(self, records: Records, news: News | None) -> None:
        """Note what has been committed, so that it is not brought again; ``news`` is None where none was."""
        self._brought = records
        if news:
            self._brought_until = news.until

    def _parts(self, version: int) -> list[DataFrame]:
        """Return all entries up to a version of the ledger, in parts of about as many as are added at once."""
        if version <= VERSIONS_AT_ONCE:  # the log says it sooner than Delta, which makes up the table's state first
            with suppress(LakeError, AnalysisException):
                return self._added(NOWHERE.version, version)
        return in_days(self._at(version))

    def _added(self, after: int, upto: int) -> list[DataFrame]:
        """Return the entries that the versions after ``after`` up to ``upto`` have added, in parts of about as many.

        Raises what :func:`added_files` raises, and AnalysisException where one of their files is gone.
        """
        return self._in_parts(added_files(self._session, self._settings.ledger, after, upto))

    def _in_parts(self, files: dict[str, int]) -> list[DataFrame]:
        """Return the entries of some files of the ledger, which have so many each, in parts of about as many."""
        if not files:
            return []
        entries = read_files(self._session, self._settings.ledger, LEDGER, list(files))
        return in_parts(entries, sum(files.values()))


def _message(error: Exception) -> str:
    """Return an error in one line, with what to do where waiting does not help."""
    text = cause(error)
    return f"{text}; run `make up`, which creates what is missing" if isinstance(error, MISSING) else text
