"""The mirror when its transaction is lost, overtaken or answered by nobody, and when it must begin anew."""

from __future__ import annotations

import datetime as dt
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from frames import START, at
from mirrors import execute
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.contracts import LEDGER, LEDGER_KEY, MEASURES, names, spark_schema
from lake.contracts.records import ReplayRecord
from lake.settings import Settings
from spark import mirror
from spark.mirror import Mirror
from spark.progress import Progress
from spark.silver import create_ledger
from spark.tables import ledger_parts, postgres
from spark.tables.delta import snapshot
from spark.tables.records import Records
from spark.tables.verdicts import Verdicts
from stack.servers.migrations import migrate
from stack.servers.postgres import query, server_processes
from stack.servers.waiting import wait_until

pytestmark = pytest.mark.stack


def nothing_on_record() -> Records:
    return Records(Verdicts({}))


@pytest.fixture
def settings(stack_settings: Settings, session: SparkSession, tmp_path: Path) -> Iterator[Settings]:
    """A ledger of the test's own with two entries, and an empty database."""
    own = replace(
        stack_settings, data=tmp_path, lake_root=str(tmp_path / "lake"), postgres_database="mirror", hot_hours=100_000
    )
    migrate(own)
    execute(own, "truncate silver.window_counts, silver.bookmark")
    create_ledger(session, own)
    append(session, own, second=0, events=5)
    append(session, own, second=10, events=2)
    yield own


def append(session: SparkSession, settings: Settings, second: int, events: int) -> None:
    """Append one entry to the ledger."""
    window = at(second)
    counts = [events if name == "events" else 0 for name in names(MEASURES)]
    row = ("test", "stream", "all", window, "all", False, window.date(), *counts)
    session.createDataFrame([row], spark_schema(LEDGER)).write.format("delta").mode("append").save(settings.ledger)


def move(session: SparkSession, settings: Settings) -> None:
    """Have a new mirror catch up, and require that PostgreSQL then has the ledger's sums and version."""
    moved = Mirror(session, settings, Progress(settings.data / "stream.json"), lambda: True, nothing_on_record)
    moved.catch_up()
    moved.close()
    check(session, settings)


def check(session: SparkSession, settings: Settings) -> None:
    key = names(LEDGER_KEY)
    entries = session.read.format("delta").load(settings.ledger)
    sums = entries.groupBy(*key).agg(*(F.sum(name) for name in names(MEASURES)))
    measures = (f"coalesce({name}, 0)" for name in names(MEASURES))
    columns = ", ".join(["dimension", "extract(epoch from window_start)::bigint", *key[2:], *measures])
    assert Counter(query(settings, "dbt", f"select {columns} from silver.window_counts")) == Counter(
        tuple(row) for row in sums.withColumn("window_start", F.unix_seconds("window_start")).collect()
    )
    assert query(settings, "dbt", "select version from silver.bookmark") == [
        (snapshot(session, settings.ledger).version,)
    ]


def moved_at(settings: Settings) -> object:
    return query(settings, "dbt", "select moved_at from silver.bookmark")


def filled_at(settings: Settings) -> object:
    return query(settings, "dbt", "select filled_at from silver.bookmark")


def test_an_empty_database_is_filled_and_then_carried_on(session: SparkSession, settings: Settings) -> None:
    move(session, settings)
    filled = filled_at(settings)
    append(session, settings, second=0, events=-3)
    move(session, settings)
    assert filled_at(settings) == filled


def test_what_comes_without_a_new_version_is_brought_and_stamps_the_bookmark(
    session: SparkSession, settings: Settings
) -> None:
    progress = Progress(settings.data / "stream.json")
    on_record = [nothing_on_record()]
    follower = Mirror(session, settings, progress, lambda: True, lambda: on_record[-1])
    with closing(follower):
        follower.catch_up()
        stood_at = moved_at(settings)
        follower.catch_up()
        assert moved_at(settings) == stood_at, "nothing has come"
        on_record.append(Records(Verdicts({}), {"a": ReplayRecord("a", 0, 10, at=START.timestamp())}))
        follower.catch_up()
        assert query(settings, "dbt", "select id, range_end, version from silver.replay_records") == [
            ("a", dt.datetime(1970, 1, 1, 0, 0, 10, tzinfo=dt.timezone.utc), snapshot(session, settings.ledger).version)
        ]
        assert moved_at(settings) != stood_at
    check(session, settings)


def test_a_ledger_without_entries_is_brought_once(session: SparkSession, settings: Settings, tmp_path: Path) -> None:
    empty = replace(settings, lake_root=str(tmp_path / "empty"))
    create_ledger(session, empty)
    progress = Progress(settings.data / "stream.json")
    on_record = [nothing_on_record()]
    with closing(Mirror(session, empty, progress, lambda: True, lambda: on_record[-1])) as follower:
        follower.catch_up()
        stood_at = moved_at(settings)
        follower.catch_up()
        assert moved_at(settings) == stood_at, "nothing has come"
        on_record.append(Records(Verdicts({}), {"a": ReplayRecord("a", 0, 10, at=START.timestamp())}))
        follower.catch_up()
        assert moved_at(settings) != stood_at
        append(session, empty, second=0, events=5)
        follower.catch_up()
    check(session, empty)


def test_the_bookmark_says_how_new_the_counts_are_once_that_is_known(session: SparkSession, settings: Settings) -> None:
    progress = Progress(settings.data / "stream.json")
    known = "select counted_until, counted_at >= counted_until, records, rejected from silver.bookmark"
    with closing(Mirror(session, settings, progress, lambda: True, nothing_on_record)) as follower:
        follower.catch_up()
        assert query(settings, "dbt", known) == [(None, None, None, None)]
        progress.report_bronze(lambda bronze: replace(bronze, rows=9, rejected=2))
        progress.report_silver(lambda silver: replace(silver, as_of=START.timestamp()))
        follower.catch_up()
        assert query(settings, "dbt", known) == [(START, True, 9, 2)]
        append(session, settings, second=0, events=4)
        progress.report_bronze(lambda bronze: replace(bronze, rows=11))
        progress.report_silver(lambda silver: replace(silver, as_of=at(7).timestamp()))
        follower.catch_up()
        assert query(settings, "dbt", known) == [(at(7), True, 11, 2)]
    check(session, settings)


@pytest.mark.parametrize("damage", ["truncate silver.window_counts", "truncate silver.window_counts, silver.bookmark"])
def test_an_emptied_database_is_filled_anew(session: SparkSession, settings: Settings, damage: str) -> None:
    move(session, settings)
    filled = filled_at(settings)
    execute(settings, damage)
    move(session, settings)
    assert filled_at(settings) != filled


@pytest.mark.parametrize("versions", [2, 20])
def test_counts_that_come_in_many_parts_are_the_same(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch, versions: int
) -> None:
    monkeypatch.setattr(ledger_parts, "ENTRIES_AT_ONCE", 2)
    monkeypatch.setattr(mirror, "VERSIONS_AT_ONCE", versions)
    append(session, settings, second=2 * 86_400, events=7)
    append(session, settings, second=86_400, events=7)
    append(session, settings, second=86_400, events=1)
    move(session, settings)


@pytest.mark.parametrize("lost", ["_delta_log/00000000000000000003.json", "*/*.parquet"])
def test_entries_that_are_no_longer_there_one_by_one_are_made_up_for_by_a_fill(
    session: SparkSession, settings: Settings, lost: str
) -> None:
    move(session, settings)
    filled = filled_at(settings)
    before = set(Path(settings.ledger).glob(lost))
    append(session, settings, second=20, events=1)
    gone = set(Path(settings.ledger).glob(lost)) - before
    # What becomes of a table that is squashed, checkpointed and vacuumed while PostgreSQL is away.
    session.sql(f"alter table delta.`{settings.ledger}` set tblproperties ('delta.checkpointInterval' = '1')")
    entries = session.read.format("delta").load(settings.ledger)
    entries.coalesce(1).write.format("delta").mode("overwrite").option("dataChange", "false").save(settings.ledger)
    for path in gone:
        path.unlink()
    move(session, settings)
    assert filled_at(settings) != filled


def test_a_transaction_that_comes_through_after_all_is_not_added_twice(
    session: SparkSession, settings: Settings
) -> None:
    move(session, settings)
    append(session, settings, second=0, events=4)
    version = snapshot(session, settings.ledger).version
    ghost = psycopg2.connect(settings.postgres_dsn("pipeline"))
    with closing(ghost), ghost.cursor() as cursor:
        bookmark = postgres.read_bookmark(cursor)
        postgres.hold_bookmark(cursor, bookmark)
        cursor.execute("update silver.window_counts set events = events + 4 where window_start = %s", (at(0),))
        postgres.move_bookmark(cursor, postgres.Bookmark(version, bookmark.ledger_id), None)
        # The mirror has lost the answer, comes back, reads the old bookmark and waits for the ghost's lock.
        follower = Mirror(session, settings, Progress(settings.data / "stream.json"), lambda: True, nothing_on_record)
        with psycopg2.connect(settings.postgres_dsn("pipeline")) as second, second.cursor() as other:
            assert postgres.read_bookmark(other) == bookmark
            ghost.commit()
            with pytest.raises(postgres.BookmarkMovedError, match=f"at version {version}"):
                postgres.hold_bookmark(other, bookmark)
    follower.catch_up()
    follower.close()
    check(session, settings)


def test_a_mirror_that_waits_for_a_lock_in_vain_names_who_holds_it(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "SESSION", postgres.SESSION.replace("lock_timeout=30s", "lock_timeout=200ms"))
    progress = Progress(settings.data / "stream.json")
    follower = Mirror(session, settings, progress, lambda: True, nothing_on_record)
    thread = threading.Thread(target=follower.catch_up)
    with closing(psycopg2.connect(settings.postgres_dsn("pipeline"))) as other, other.cursor() as cursor:
        postgres.hold_bookmark(cursor, postgres.NOWHERE)
        thread.start()
        name = f"locks on silver: pid {other.get_backend_pid()} (role pipeline, application weblake"
        wait_until(lambda: name in (progress.mirror.error or ""), 60, f"the mirror says {name}")
    thread.join()
    follower.close()
    check(session, settings)


def test_a_server_that_answers_nobody_is_given_up(stack_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 2)
    dsn = stack_settings.postgres_dsn("pipeline")
    with closing(postgres.connect(dsn)) as connection, connection.cursor() as cursor:
        with postgres.watchdog(connection, dsn):  # slow is not frozen
            cursor.execute("select pg_sleep(1)")
        processes = server_processes(stack_settings)
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            stopped = pytest.raises(psycopg2.OperationalError, match="stopped answering")
            with stopped, postgres.watchdog(connection, dsn):
                cursor.execute("select 1")
            assert time.monotonic() - began < 30
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)


def test_a_dropped_schema_is_said_with_what_to_do_and_filled_when_it_is_back(
    session: SparkSession, settings: Settings
) -> None:
    execute(settings, "drop schema silver cascade")
    progress = Progress(settings.data / "stream.json")
    follower = Mirror(session, settings, progress, lambda: True, nothing_on_record)
    thread = threading.Thread(target=follower.catch_up)
    thread.start()
    try:
        wait_until(lambda: progress.mirror.error is not None, 30, "the mirror says something")
        said = str(progress.mirror.error)
        migrate(settings)
        thread.join(30)
    finally:
        follower.stop()
        thread.join()
        follower.close()
    assert 'relation "silver.bookmark" does not exist' in said
    assert "run `make up`" in said
    check(session, settings)
