"""The horizon on real Delta tables: days go from bronze, and all that is left still agrees, or says why it cannot."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from frames import event, iso, records
from horizons import (
    CLIENT,
    append_rejected,
    audited,
    days_of,
    decide,
    keeping_since,
    maintain,
    raw_records_of,
    rejections,
    replay,
    wrong,
)
from lakes import append_batch, copy_of, rows, sums
from pyspark.sql import SparkSession
from settings_in import settings_in

from lake.contracts import CONVICTED
from lake.contracts.generations import Generation, as_property
from lake.contracts.horizon import Horizon, seconds_of
from lake.errors import LakeError
from lake.requests import (
    ReplayRequest,
)
from lake.retention import Retention
from lake.settings import Settings
from lake.url_rules import load_rules
from spark import failpoints
from spark.errands.days import drop_days
from spark.errands.erasure import erase_on_record
from spark.events.horizon import reject_before
from spark.events.parse import parse_records
from spark.pipeline import Pipeline
from spark.source.position import generations
from spark.tables.delta import set_properties, snapshot
from spark.tables.edition import edition_advice
from spark.tables.horizon import give_up_past, horizon_of

HOUR, DAY = 3600, 86_400
HORIZON = dt.date(2026, 1, 2)


@pytest.fixture(scope="module")
def filled(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Three days of some clients, with repeats and garbage, taken in on the fourth and counted in two batches."""
    lake = settings_in(tmp_path_factory.mktemp("filled"))
    for batch in range(2):
        fresh = [
            event(event_id=f"{batch}-{day}-{n}", timestamp=iso(day * DAY + n), ip_address=f"198.51.100.{n % 3}")
            for day in range(3)
            for n in range(6)
        ]
        append_batch(session, lake, [*fresh, fresh[0], fresh[-1], b"garbage"], ingested=3 * DAY + batch)
        set_properties(session, lake.bronze, as_property([Generation("a", 0, {})]))
        Pipeline(session, lake).count()
    return lake


@pytest.fixture
def settings(filled: Settings, tmp_path: Path) -> Settings:
    """A copy of that lake, for one test, in which bronze shall begin at the horizon."""
    return keeping_since(HORIZON, copy_of(filled, tmp_path))


# --- Rows


def test_an_event_before_the_horizon_is_rejected_and_what_was_read_of_it_stays(session: SparkSession) -> None:
    parsed = parse_records(
        records(session, event(timestamp=iso(0)), event(timestamp=iso(DAY)), b"garbage", ingested=DAY),
        load_rules(settings_in(Path("/nowhere"))),
    )
    early, late, garbage = reject_before(parsed, HORIZON).orderBy("kafka_offset").collect()
    assert (early.reject_reason, early.window_start, early.event_key) == ("before_horizon", None, None)
    assert (early.event_date, early.event_id, early.ip_address) == (HORIZON, "e-1", "203.0.113.7")
    assert early.occurred_at is not None
    assert (late.reject_reason, late.event_date) == (None, HORIZON)
    assert garbage.reject_reason == "not_a_log_line"


def test_a_horizon_is_read_as_it_was_written() -> None:
    horizon = Horizon(HORIZON, 1.5, 3, 1, {"all, bot": {"events": 2}})
    (text,) = horizon.as_property().values()
    assert Horizon.parse(text) == horizon
    assert horizon.replayable(300, has_other_zones=False) == dt.date(2026, 1, 3)
    assert horizon.replayable(0, has_other_zones=False) == HORIZON
    assert horizon.replayable(300, has_other_zones=True) == dt.date(2026, 1, 5)


# --- Maintenance


def test_days_go_from_bronze_and_the_ledger_stays(session: SparkSession, settings: Settings) -> None:
    cells, total = sums(session, settings), sum(rows(session, settings.bronze).values())
    maintain(session, settings)
    assert days_of(session, settings)[0] == HORIZON
    assert sums(session, settings) == cells
    horizon = horizon_of(session, settings)
    assert horizon is not None
    assert (horizon.day, horizon.rows, horizon.rejected) == (HORIZON, 14, 0)
    assert horizon.sums["all, human"]["events"] == 12
    assert sum(rows(session, settings.bronze).values()) == total - 14
    (topic,) = generations(session, settings)
    assert (topic.gone, topic.passed) == ({0: 14}, {0: 40})  # the repeat of the second batch's first event is its last
    checks = audited(session, settings)
    assert wrong(checks) == {}
    assert checks["ledger: before the horizon"].note.startswith("2026-01-02: 14 rows of the days before went")


def test_without_the_setting_or_an_older_row_nothing_moves(session: SparkSession, settings: Settings) -> None:
    version = snapshot(session, settings.bronze).version
    assert drop_days(session, replace(settings, retention=Retention(bronze_days=0)), version) is None
    assert drop_days(session, keeping_since(dt.date(2026, 1, 1), settings), version) is None
    assert horizon_of(session, settings) is None
    assert snapshot(session, settings.bronze).version == version


def test_it_only_moves_forward(session: SparkSession, settings: Settings) -> None:
    maintain(session, settings)
    maintain(session, replace(settings, retention=Retention(bronze_days=0)))
    maintain(session, keeping_since(dt.date(2026, 1, 1), settings))
    first = horizon_of(session, settings)
    maintain(session, keeping_since(dt.date(2026, 1, 3), settings))
    second = horizon_of(session, settings)
    assert first is not None
    assert second is not None
    assert (first.day, second.day, second.rows) == (HORIZON, dt.date(2026, 1, 3), first.rows + 12)
    assert wrong(audited(session, settings)) == {}


def test_rows_that_are_not_counted_yet_hold_it_back(session: SparkSession, settings: Settings) -> None:
    counted_up_to = snapshot(session, settings.bronze).version
    append_batch(session, settings, [event(event_id="waits", timestamp=iso(HOUR))], ingested=3 * DAY)
    assert drop_days(session, settings, counted_up_to) is None
    assert horizon_of(session, settings) is None
    maintain(session, settings)
    assert days_of(session, settings)[0] == HORIZON
    assert wrong(audited(session, settings)) == {}


def test_one_that_is_interrupted_goes_on(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        raise LakeError(name)

    version = snapshot(session, settings.bronze).version
    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "reach", die)
        with pytest.raises(LakeError, match="horizon-after-move"):
            drop_days(session, settings, version)
    moved = horizon_of(session, settings)
    assert days_of(session, settings)[0] < HORIZON
    assert wrong(audited(session, settings)) == {}
    assert drop_days(session, replace(settings, retention=Retention(bronze_days=0)), version) == HORIZON
    assert days_of(session, settings)[0] == HORIZON
    assert horizon_of(session, settings) == moved
    assert wrong(audited(session, settings)) == {}


def test_a_count_that_changes_before_the_horizon_is_found(session: SparkSession, settings: Settings) -> None:
    maintain(session, settings)
    entries = session.read.format("delta").load(settings.ledger)
    extra = entries.filter(f"dimension = 'product' and window_date < '{HORIZON}'").limit(1)
    extra.write.format("delta").mode("append").save(settings.ledger)
    note = wrong(audited(session, settings))["ledger: before the horizon"]
    assert note.startswith("first: product, human: events 12 in the record, 24 in the ledger")


# --- Replays, verdicts, erasure, rebuild


def test_a_replay_begins_where_all_rows_are(session: SparkSession, settings: Settings) -> None:
    maintain(session, settings)
    cells = sums(session, settings)
    first, end = seconds_of(dt.date(2026, 1, 3)), seconds_of(dt.date(2026, 1, 6))
    refused = replay(session, settings, ReplayRequest("a", first - 10, end))
    assert refused.error == (
        "bronze begins at the horizon, 2026-01-02, so nothing before 2026-01-03 can be counted again; replay from "
        "2026-01-03 on"
    )
    assert replay(session, settings, ReplayRequest("b", first, end)).outcome().corrections == 0
    assert sums(session, settings) == cells
    other = replace(settings, future_seconds=301)
    advice = edition_advice(session, other, Pipeline(session, other)._edition)
    assert advice is not None
    assert "run `make replay FROM=2026-01-03 TO=" in advice


def test_what_was_rejected_on_arrival_and_lies_there_is_shown_as_such(
    session: SparkSession, settings: Settings
) -> None:
    maintain(session, settings)
    append_rejected(session, settings, event(event_id="early", timestamp=iso(HOUR)), "invalid_ip", 4 * DAY)
    append_rejected(session, settings, event(event_id="late", timestamp=iso(3 * DAY)), "invalid_ip", 4 * DAY)
    append_rejected(session, settings, event(event_id="old", timestamp=iso(2)), "before_horizon", 4 * DAY)
    Pipeline(session, settings).count()
    garbage = {"not_a_log_line|none": 2}
    assert rejections(session, settings) == {"invalid_ip|json": 2, "before_horizon|json": 1} | garbage
    request = ReplayRequest("a", seconds_of(dt.date(2026, 1, 3)), seconds_of(dt.date(2026, 1, 7)))
    assert replay(session, settings, request).outcome().moved["events"] == 1
    assert rejections(session, settings) == {"before_horizon|json": 2} | garbage
    assert replay(session, settings, replace(request, id="b")).outcome().corrections == 0
    assert wrong(audited(session, settings)) == {}


def test_a_replay_that_corrected_days_before_it_can_no_longer_be_undone(
    session: SparkSession, settings: Settings
) -> None:
    append_rejected(session, settings, event(event_id="early", timestamp=iso(HOUR)), "invalid_ip", 4 * DAY)
    Pipeline(session, settings).count()
    request = ReplayRequest("a", seconds_of(dt.date(2026, 1, 1)), seconds_of(dt.date(2026, 1, 7)))
    assert replay(session, settings, request).outcome().moved["events"] == 1
    maintain(session, settings)
    assert wrong(audited(session, settings)) == {}
    undoing = replay(session, settings, ReplayRequest("b", 0, 0, undo="a"))
    assert "it has corrected days before the horizon, 2026-01-02" in str(undoing.error)


def test_a_verdict_moves_what_comes_after_and_an_erasure_reaches_the_rest(
    session: SparkSession, settings: Settings
) -> None:
    maintain(session, settings)
    assert decide(session, settings, CONVICTED).moved["events"] == 8
    theirs = [row for row in sums(session, settings) if row.key == CLIENT and row.events]
    assert {row.is_bot for row in theirs if row.window_start.date() < HORIZON} == {False}
    assert {row.is_bot for row in theirs if row.window_start.date() >= HORIZON} == {True}
    assert wrong(audited(session, settings)) == {}
    assert raw_records_of(session, settings) == "8 records in bronze, which begins at 2026-01-02,"

    record = erase_on_record(session, settings, CLIENT, "")
    assert record.horizon == "2026-01-02"
    assert not [row for row in sums(session, settings) if row.key == CLIENT]
    assert wrong(audited(session, settings)) == {}


def test_a_ledger_that_is_gone_is_counted_again_only_by_who_does_without_the_past(
    session: SparkSession, settings: Settings
) -> None:
    maintain(session, settings)
    Path(settings.ledger).rename(Path(settings.lake_root) / "away")
    session._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]
    with pytest.raises(LakeError, match=r"it begins at 2026-01-02, and 12 events .* run `make rebuild FROM_HORIZON=1`"):
        Pipeline(session, settings)
    assert not Path(settings.ledger).exists()
    give_up_past(session, settings)
    Pipeline(session, settings).count()
    kept = [row for row in sums(session, settings) if row.dimension == "all" and row.events]
    assert sum(row.events for row in kept) == 24
    checks = audited(session, settings)
    assert wrong(checks) == {}
    assert checks["ledger: before the horizon"].note.endswith("the ledger was counted again without them")
