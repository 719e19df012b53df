"""Maintenance on real Delta tables: nothing that they say changes, and whoever reads older versions still can."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from disks import has_free
from frames import event, iso
from lakes import append_batch, copy_of, rows, sums
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from settings_in import settings_in

from lake.contracts import LEDGER, LEDGER_PARTITION
from lake.errors import SpaceError
from lake.requests import MaintenanceAnswer, MaintenanceRequest, TableSize, ask, read_answer
from lake.settings import Settings
from spark.errands import maintenance
from spark.pipeline import Pipeline
from spark.tables.delta import commit_actions, merge_files, properties, snapshot
from spark.tables.files import read_files
from spark.tables.ledger_parts import added_files
from weblake.show.errands import show_maintenance


@pytest.fixture(scope="module")
def filled(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two batches over three windows of a day long over; the second also repeats an event of the first."""
    lake = settings_in(tmp_path_factory.mktemp("filled"))
    for batch in range(2):
        numbers = [*range(batch * 5, batch * 5 + 5), max(0, batch * 5 - 1)]
        fresh = [event(event_id=f"e-{n}", timestamp=iso(n * 7 % 30), product_id=f"p-{n % 2}") for n in numbers]
        append_batch(session, lake, [*fresh, b"garbage"])
        Pipeline(session, lake).count()
    return lake


@pytest.fixture
def settings(filled: Settings, tmp_path: Path) -> Settings:
    """A copy of that lake, for one test."""
    return copy_of(filled, tmp_path)


def maintain(pipeline: Pipeline, settings: Settings) -> MaintenanceAnswer:
    ask(settings.requests, MaintenanceRequest("m"))
    pipeline.count()
    answer = read_answer(settings.requests, "m", MaintenanceAnswer)
    assert answer is not None
    assert answer.done
    return answer


def restate(session: SparkSession, settings: Settings) -> None:
    """Append an entry as a replay does."""
    entries = session.read.format("delta").load(settings.ledger).filter("dimension = 'all'").limit(1)
    restated = entries.withColumn("cause", F.lit("replay")).withColumn("entry", F.lit("replay-x"))
    restated.write.format("delta").mode("append").save(settings.ledger)


def test_merged_and_squashed_tables_say_what_they_said(session: SparkSession, settings: Settings) -> None:
    pipeline = Pipeline(session, settings)
    restate(session, settings)
    bronze, cells = rows(session, settings.bronze), sums(session, settings)
    mirrored = added_files(session, settings.ledger, 0, snapshot(session, settings.ledger).version)
    outcome = maintain(pipeline, settings)
    assert outcome.error is None
    assert (outcome.before["bronze"].files, outcome.after["bronze"].files) == (2, 1)
    assert (outcome.before["ledger"].files, outcome.after["ledger"].files) == (3, 1)
    assert rows(session, settings.bronze) == bronze
    assert sums(session, settings) == cells
    entries = session.read.format("delta").load(settings.ledger)
    assert entries.filter("cause = 'stream'").count() == len(cells)
    assert entries.filter("entry = 'replay-x'").count() == 1

    # The mirror, wherever it stands, adds what the batches added, and nothing of the squash.
    version = snapshot(session, settings.ledger).version
    assert added_files(session, settings.ledger, 0, version) == mirrored
    assert read_files(session, settings.ledger, LEDGER, list(mirrored)).count() > entries.count()
    assert properties(session, settings.ledger)["delta.logRetentionDuration"] == "interval 72 hours"

    # An event that comes again is still known, and a late one still counts.
    append_batch(session, settings, [event(event_id="e-0", timestamp=iso(0), product_id="p-0"), event(event_id="new")])
    pipeline.count()
    total = F.sum("events").alias("events")
    before = sum(row["events"] for row in cells if row["dimension"] == "all")
    ledger = session.read.format("delta").load(settings.ledger)
    assert ledger.filter("dimension = 'all'").agg(total).collect()[0]["events"] == before + 1


def test_without_an_outage_to_bridge_old_files_go_at_once(session: SparkSession, settings: Settings) -> None:
    eager = replace(settings, mirror_outage_hours=0)
    pipeline = Pipeline(session, eager)
    old, cells = (
        added_files(session, settings.ledger, 0, snapshot(session, settings.ledger).version),
        sums(session, eager),
    )
    maintain(pipeline, eager)
    assert not any((Path(eager.ledger) / path).exists() for path in old)
    assert sums(session, eager) == cells


def test_on_a_full_disk_it_only_deletes_also_while_batches_wait(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager = replace(settings, mirror_outage_hours=0)
    maintain(Pipeline(session, eager), eager)
    restate(session, eager)  # another file, to be merged one day
    pipeline = Pipeline(session, eager)
    old = Path(eager.ledger) / f"{LEDGER_PARTITION}=2026-01-01" / "left-over.parquet"
    old.parent.mkdir(exist_ok=True)
    old.touch()
    os.utime(old, (0, 0))
    append_batch(session, eager, [event(event_id="waits")])
    ask(eager.requests, MaintenanceRequest("m"))
    files = added_files(session, eager.ledger, 0, snapshot(session, eager.ledger).version)
    has_free(monkeypatch, 511)
    with pytest.raises(SpaceError, match="counting waits"):
        pipeline.count()
    answer = read_answer(eager.requests, "m", MaintenanceAnswer)
    assert answer is not None
    assert (answer.done, answer.error) == (True, None)
    assert answer.before["ledger"].files == answer.after["ledger"].files == 2
    assert not old.exists()
    assert added_files(session, eager.ledger, 0, snapshot(session, eager.ledger).version) == files

    def events() -> int:
        ledger = session.read.format("delta").load(eager.ledger).filter("dimension = 'all'")
        return int(ledger.agg(F.sum("events")).collect()[0][0])

    before = events()
    monkeypatch.undo()
    pipeline.count()
    assert events() == before + 1


def test_a_disk_that_gets_full_meanwhile_ends_merging_and_not_deleting(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Path(settings.ledger) / f"{LEDGER_PARTITION}=2026-01-01" / "left-over.parquet"
    old.parent.mkdir(exist_ok=True)
    old.touch()
    os.utime(old, (0, 0))

    def merge_and_fill(*arguments: Any) -> None:
        merge_files(*arguments)
        has_free(monkeypatch, 511)

    monkeypatch.setattr(maintenance, "merge_files", merge_and_fill)
    ask(settings.requests, MaintenanceRequest("m"))
    with pytest.raises(SpaceError, match="counting waits"):
        Pipeline(session, settings).count()
    answer = read_answer(settings.requests, "m", MaintenanceAnswer)
    assert answer is not None
    assert (answer.done, answer.error) == (True, None)
    assert (answer.before["bronze"].files, answer.after["bronze"].files) == (2, 1)
    assert answer.before["ledger"].files == answer.after["ledger"].files > 1
    assert not old.exists()


def test_it_is_due_by_itself_but_leaves_a_day_of_few_files_alone(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "BATCHES_PER_MERGE", 1)
    monkeypatch.setattr(maintenance, "FEWEST_FILES", 3)
    pipeline = Pipeline(session, settings)
    assert snapshot(session, settings.bronze).version == 2
    append_batch(session, settings, [event(event_id="one more")])
    pipeline.count()
    (operation,) = (
        action["commitInfo"]["operation"]
        for action in commit_actions(session, settings.bronze, 4)
        if "commitInfo" in action
    )
    assert operation == "OPTIMIZE"


def test_one_that_fails_says_so_and_is_begun_again(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(session, settings)
    cells = sums(session, settings)
    with monkeypatch.context() as broken:
        broken.setattr(maintenance, "is_closed", lambda day: session.sql("select no_such_column"))
        assert "run it again" in (maintain(pipeline, settings).error or "")
    assert maintain(pipeline, settings).error is None
    assert sums(session, settings) == cells


def test_sizes_are_shown_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    before = {"bronze": TableSize(files=1200, bytes=3 << 20, disk_files=1300, disk_bytes=4 << 20)}
    after = {"bronze": TableSize(files=1, bytes=1 << 20, disk_files=1301, disk_bytes=5 << 20)}
    show_maintenance(before, after)
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split("  ")[-1].strip() == "1,301 files, 5.0 MiB"
    assert "1,200 files, 3.0 MiB" in line
