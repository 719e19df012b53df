"""The mirror: the ledger's sums in PostgreSQL, moved on in the same transaction as their bookmark."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import unquote

import psycopg2
import pyarrow as pa
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from pyarrow import csv
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake import failpoints
from lake.contracts import LEDGER, LEDGER_KEY, MEASURES, MIRROR_SCHEMA, names
from lake.errors import LakeError
from lake.settings import Settings
from spark.counts import sum_entries
from spark.delta import Snapshot, commit_actions, snapshot
from spark.files import read_files
from spark.progress import Progress

log = logging.getLogger(__name__)

VERSIONS_AT_ONCE = 20
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0
COLUMNS = [*names(LEDGER_KEY), *names(MEASURES)]


@dataclass(frozen=True)
class Bookmark:
    """Where PostgreSQL stands: the ledger's version and which ledger it is; -1 and '' for an empty database."""

    version: int
    ledger_id: str


class Mirror:
    """The loop from the ledger to PostgreSQL."""

    def __init__(
        self, session: SparkSession, settings: Settings, progress: Progress, is_ledger_whole: Callable[[], bool]
    ) -> None:
        """Prepare the loop; nothing is connected yet.

        Counts of another ledger are replaced when ``is_ledger_whole`` says so: until then they are the better answer.
        """
        self._is_ledger_whole = is_ledger_whole
        self._session = session
        self._settings = settings
        self._progress = progress
        self._connection: Connection | None = None
        self._stop = threading.Event()

    def stop(self) -> None:
        """End after the transaction at hand."""
        self._stop.set()

    def catch_up(self) -> None:
        """Bring PostgreSQL to the ledger's version; wait for PostgreSQL as long as it takes, or until stopped."""
        pause = FIRST_RETRY_SECONDS
        while not self._stop.is_set():
            try:
                self._move()
                return
            except psycopg2.Error as error:
                self._disconnect()
                text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                log.warning("PostgreSQL: %s; trying again in %.0f s", text, pause)
                self._progress.report("mirror", error=text)
                self._stop.wait(pause)
                pause = min(pause * 2, LONGEST_RETRY_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._disconnect()

    def _move(self) -> None:
        """Add all new entries. The bookmark is read anew each time: PostgreSQL may be another than before."""
        silver = self._progress.stage("silver")
        ledger = snapshot(self._session, self._settings.ledger)
        connection = self._connect()
        bookmark = read_bookmark(connection)
        if bookmark.ledger_id not in ("", ledger.table_id) or bookmark.version > ledger.version:
            if not self._is_ledger_whole():
                return
            log.warning("PostgreSQL holds the counts of another ledger; filling it anew")
            bookmark = Bookmark(-1, "")
        if bookmark.version < 0:
            self._fill(connection, ledger)
        while bookmark.version >= 0 and bookmark.version < ledger.version and not self._stop.is_set():
            upto = min(bookmark.version + VERSIONS_AT_ONCE, ledger.version)
            try:
                self._add(connection, bookmark.version, Bookmark(upto, ledger.table_id))
            except (LakeError, AnalysisException) as error:
                log.warning("PostgreSQL is too far behind (%s); filling it anew", str(error).splitlines()[0])
                self._fill(connection, ledger)
                upto = ledger.version
            bookmark = Bookmark(upto, ledger.table_id)
        if silver["version"] <= ledger.version:
            self._progress.report(
                "mirror", bookmark=ledger.version, rows=silver["rows"], as_of=silver["as_of"], error=None
            )

    def _add(self, connection: Connection, after: int, to: Bookmark) -> None:
        """Add the entries of the versions after ``after`` up to ``to``, in one transaction."""
        files = added_files(self._session, self._settings.ledger, after, to.version)
        started = time.monotonic()
        with connection, connection.cursor() as cursor:
            lock_bookmark(cursor)
            rows = 0
            if files:
                rows = _copy(cursor, sum_entries(read_files(self._session, self._settings.ledger, LEDGER, files)))
                _upsert(cursor, to.version)
            move_bookmark(cursor, to)
        failpoints.reach("mirror-after-transaction")
        log.info("PostgreSQL at version %d: %d rows in %.1f s", to.version, rows, time.monotonic() - started)

    def _fill(self, connection: Connection, ledger: Snapshot) -> None:
        """Fill PostgreSQL from the ledger's sums, in one transaction; what was there goes with it."""
        entries = self._session.read.format("delta").option("versionAsOf", ledger.version).load(self._settings.ledger)
        with connection, connection.cursor() as cursor:
            lock_bookmark(cursor)
            cursor.execute(f"delete from {MIRROR_SCHEMA}.window_counts")
            rows = _copy(cursor, sum_entries(entries))
            _upsert(cursor, ledger.version)
            move_bookmark(cursor, Bookmark(ledger.version, ledger.table_id))
        failpoints.reach("mirror-after-transaction")
        log.info("PostgreSQL filled at version %d: %d rows", ledger.version, rows)

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = psycopg2.connect(
                self._settings.postgres_dsn("pipeline"),
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                tcp_user_timeout=30_000,
            )
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with closing(self._connection):
                self._connection = None


def added_files(session: SparkSession, ledger: str, after: int, upto: int) -> list[str]:
    """Return the files of the entries that the versions after ``after`` up to ``upto`` have added.

    What only rearranges the table, such as compaction, says in the log that it changes no data.
    """
    actions = [action for version in range(after + 1, upto + 1) for action in commit_actions(session, ledger, version)]
    return [unquote(action["add"]["path"]) for action in actions if "add" in action and action["add"]["dataChange"]]


def read_bookmark(connection: Connection) -> Bookmark:
    """Return PostgreSQL's bookmark, in a transaction of its own."""
    with connection, connection.cursor() as cursor:
        return lock_bookmark(cursor, for_update=False)


def lock_bookmark(cursor: Cursor, for_update: bool = True) -> Bookmark:
    """Return the bookmark, and by default hold it until the transaction ends."""
    cursor.execute(f"select version, ledger_id from {MIRROR_SCHEMA}.bookmark {'for update' if for_update else ''}")
    row = cursor.fetchone()
    return Bookmark(*row) if row else Bookmark(-1, "")


def move_bookmark(cursor: Cursor, to: Bookmark) -> None:
    """Move the bookmark, or make it."""
    failpoints.reach("mirror-in-transaction")
    cursor.execute(
        f"insert into {MIRROR_SCHEMA}.bookmark (version, ledger_id, moved_at) values (%s, %s, now()) "
        "on conflict (is_only) do update set version = excluded.version, ledger_id = excluded.ledger_id, "
        "moved_at = excluded.moved_at",
        (to.version, to.ledger_id),
    )


def _copy(cursor: Cursor, sums: DataFrame) -> int:
    """COPY the sums into the temporary table ``entries`` and return their number."""
    measures = ", ".join(f"{name} bigint not null" for name in names(MEASURES))
    cursor.execute(
        "create temporary table entries (dimension text not null, window_start timestamptz not null, "
        f"key text not null, is_bot boolean not null, {measures}) on commit drop"
    )
    rows = 0
    micros = F.unix_micros("window_start").alias("window_start")
    for table in _tables(sums.select("dimension", micros, *COLUMNS[2:])):
        rows += table.num_rows
        stamps = pa.compute.strftime(table["window_start"].cast(pa.timestamp("us")), format="%Y-%m-%d %H:%M:%S+00")
        table = table.set_column(table.column_names.index("window_start"), "window_start", stamps)
        buffer = io.BytesIO()
        csv.write_csv(table, buffer, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
        buffer.seek(0)
        cursor.copy_expert(f"copy entries ({', '.join(COLUMNS)}) from stdin with (format csv)", buffer)
    return rows


def _tables(frame: DataFrame) -> Iterator[pa.Table]:
    """Bring a frame to the driver: at most the cells of ``VERSIONS_AT_ONCE`` batches."""
    yield frame.toArrow()


def _upsert(cursor: Cursor, version: int) -> None:
    """Add ``entries`` to the counts, and stamp the rows that they touch."""
    key = ", ".join(names(LEDGER_KEY))
    added = ", ".join(f"{name} = counts.{name} + excluded.{name}" for name in names(MEASURES))
    cursor.execute(
        f"insert into {MIRROR_SCHEMA}.window_counts as counts ({', '.join(COLUMNS)}, version) "
        f"select {', '.join(COLUMNS)}, %s from entries order by {key} "
        f"on conflict ({key}) do update set {added}, version = excluded.version",
        (version,),
    )
