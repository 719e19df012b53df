"""Delta tables: made, given new columns, appended to once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from delta.exceptions import ConcurrentTransactionException
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from lake.contracts import Column
from spark.tables.delta import (
    _commit,
    append_once,
    commit_actions,
    create_table,
    is_empty,
    own_snapshot,
    skip_once,
    snapshot,
    writers_progress,
)

DAY = Column("day", "DATE", "partition")
OLD = (DAY, Column("events", "BIGINT", "measure"))
NEW = (*OLD, Column("searches", "BIGINT", "a measure that was added later"))


def test_an_older_table_gets_new_columns_once_and_keeps_its_rows(session: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "counts")
    create_table(session, path, OLD, "day", {})
    append_once(session.sql("select date'2026-01-01' as day, 7L as events"), path, "test", 1)
    create_table(session, path, NEW, "day", {})
    append_once(session.sql("select date'2026-01-01' as day, 2L as events, 5L as searches"), path, "test", 2)
    rows = session.read.format("delta").load(path).select("events", "searches").collect()
    assert sorted(map(tuple, rows)) == [(2, 5), (7, None)]
    version = snapshot(session, path).version
    create_table(session, path, NEW, "day", {})
    assert snapshot(session, path).version == version


@pytest.fixture
def counts(session: SparkSession, tmp_path: Path) -> str:
    """The path of an empty table with the columns ``OLD``."""
    path = str(tmp_path / "counts")
    create_table(session, path, OLD, "day", {})
    return path


@pytest.mark.parametrize("has_checksums", [True, False])
def test_a_step_is_appended_or_skipped_once(session: SparkSession, counts: str, has_checksums: bool) -> None:
    frame = session.sql("select date'2026-01-01' as day, 7L as events")
    assert is_empty(session, counts)
    append_once(frame, counts, "a", 1, "the first")
    for step in (0, 1):
        append_once(frame, counts, "a", step)
    skip_once(session, counts, "a", 2)
    if not has_checksums:
        for checksum in Path(counts, "_delta_log").glob("*.crc"):
            checksum.unlink()
        session._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]
    for step in (1, 2):
        append_once(frame, counts, "a", step)
        skip_once(session, counts, "a", step)
    append_once(frame, counts, "b", 1)
    assert snapshot(session, counts).version == 3
    assert writers_progress(session, counts) == {"a": 2, "b": 1}
    assert session.read.format("delta").load(counts).count() == 2
    assert not is_empty(session, counts)
    notes = [action["commitInfo"].get("userMetadata") for action in commit_actions(session, counts, 1)[:1]]
    assert notes == ["the first"]


def test_a_small_append_asks_for_no_state_of_the_table(session: SparkSession, counts: str) -> None:
    append_once(session.sql("select date'2026-01-01' as day, 7L as events"), counts, "a", 1)
    jobs = session.sparkContext.statusTracker()
    before = len(jobs.getJobIdsForGroup(None))
    append_once(session.sql("select date'2026-01-01' as day, 7L as events"), counts, "a", 2)
    assert len(jobs.getJobIdsForGroup(None)) == before + 1


def test_a_commit_of_the_same_writer_meanwhile_is_a_conflict(
    session: SparkSession, counts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = session.sql("select date'2026-01-01' as day, 7L as events")

    def overtaken(*arguments: Any) -> None:
        monkeypatch.undo()
        append_once(frame, counts, "a", 1)
        _commit(*arguments)

    monkeypatch.setattr("spark.tables.delta._commit", overtaken)
    with pytest.raises(ConcurrentTransactionException):
        append_once(frame, counts, "a", 1)
    assert session.read.format("delta").load(counts).count() == 1


def test_a_commit_from_elsewhere_is_seen_when_the_log_is_looked_at_and_nothing_is_lost(
    session: SparkSession, counts: str
) -> None:
    frame = session.sql("select date'2026-01-01' as day, 7L as events")
    append_once(frame, counts, "a", 1)
    log = Path(counts, "_delta_log")
    another = (log / f"{1:020d}.json").read_text().replace('"appId":"a"', '"appId":"b"')
    (log / f"{2:020d}.json").write_text(another)
    assert own_snapshot(session, counts).version == 1
    append_once(frame, counts, "a", 2)
    assert own_snapshot(session, counts).version == 3
    (log / f"{4:020d}.json").write_text(another.replace('"version":1', '"version":2'))
    assert snapshot(session, counts).version == 4
    assert own_snapshot(session, counts).version == 4
    assert writers_progress(session, counts) == {"a": 2, "b": 2}


def test_columns_of_another_type_are_refused(session: SparkSession, counts: str) -> None:
    with pytest.raises(AnalysisException, match="events"):
        append_once(session.sql("select date'2026-01-01' as day, array(7) as events"), counts, "a", 1)
