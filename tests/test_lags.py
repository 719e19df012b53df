"""How far each stage is behind, and since when: what is late, what is stuck, and what a pause must not look like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lake.contracts.reports import BronzeReport, MirrorReport, SilverReport, StreamReport, write_stream_report
from spark.arrivals import MOST_MARKS, Arrivals
from stack.health.lags import Stage, lags, record_age
from stack.health.topic import Topic

NOW = 1_800_000_000.0
HOUR = 3_600.0

REPORT = StreamReport(
    updated_at=NOW - 1,
    bronze=BronzeReport(version=3, rows=90, rejected=2, next_offsets={0: 50, 1: 40}, as_of=NOW - 70),
    silver=SilverReport(version=2, rows=80, as_of=NOW - 20),
    mirror=MirrorReport(bookmark=2, rows=80, as_of=NOW - 20),
    running_since=NOW - HOUR,
    waiting_since={"silver": NOW - 20},
    moved_at={"bronze": NOW - 20, "silver": NOW - 25},
)


def report_of(at: float, bronze: int, silver: int, mirror: int) -> StreamReport:
    """A report of so many rows, written at a time; versions as of a stream that has looked at its tables."""
    return StreamReport(
        updated_at=at,
        bronze=BronzeReport(version=1, rows=bronze),
        silver=SilverReport(version=1, rows=silver),
        mirror=MirrorReport(bookmark=1, rows=mirror),
    )


def test_a_stage_lags_behind_the_one_before_it_since_its_oldest_row_came() -> None:
    bronze, silver, mirror = lags(Topic({0: 50, 1: 50}, NOW - 7), REPORT, 10, NOW)
    assert (bronze.lag_rows, bronze.lag_seconds, bronze.still_seconds, bronze.pace_seconds) == (10, 7.0, 20.0, 10)
    assert (silver.lag_rows, silver.lag_seconds, silver.still_seconds) == (10, 20.0, 25.0)
    assert (mirror.lag_rows, mirror.lag_seconds, mirror.still_seconds) == (0, 0.0, None)


def test_rows_that_came_while_the_stream_was_down_wait_since_its_start() -> None:
    bronze, _, _ = lags(Topic({0: 100}, NOW - 2 * HOUR), replace(REPORT, running_since=NOW - 12), 10, NOW)
    assert bronze.lag_seconds == 12.0


def test_an_empty_stack_lags_nowhere() -> None:
    assert [stage.lag_rows for stage in lags(Topic(dict.fromkeys(range(6), 0)), None, 10, NOW)] == [0, 0, 0]
    assert [stage.lag_rows for stage in lags(None, REPORT, 10, NOW)] == [0, 10, 0]


@pytest.mark.parametrize(
    ("rows", "seconds", "still", "is_stale"),
    [
        (0, 61.0, 61.0, False),
        (1, 60.0, 61.0, False),
        (1, 61.0, 61.0, True),
        (1, 61.0, 60.0, False),
        (1, 600.0, 5.0, False),
        (1, 601.0, 5.0, True),
    ],
)
def test_a_stage_is_stale_when_rows_wait_for_it_and_it_deals_with_none_or_with_too_few(
    rows: int, seconds: float, still: float, is_stale: bool
) -> None:
    assert Stage("silver", 5, rows, seconds, still_seconds=still).is_stale is is_stale


def test_a_slow_pace_is_no_lag() -> None:
    slow = Stage("bronze", 5, 1, 100.0, still_seconds=100.0, pace_seconds=60.0)
    assert (slow.is_late, slow.is_stale) == (True, False)
    assert Stage("bronze", 5, 1, 121.0, still_seconds=121.0, pace_seconds=60.0).is_stale


def test_the_age_of_the_newest_record_is_known_when_it_is_read() -> None:
    assert record_age(Topic({0: 50}), REPORT, NOW) == 70.0
    assert record_age(Topic({0: 50}, NOW - 5), REPORT, NOW) is None
    assert record_age(None, REPORT, NOW) is record_age(Topic({}), StreamReport(), NOW) is None


# --- Since when rows wait


def test_the_first_rows_after_a_quiet_hour_have_waited_since_they_came(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path / "stream.json", NOW)
    assert arrivals.noted(report_of(NOW, 90, 90, 90)).waiting_since == {}
    came = NOW + HOUR
    behind = arrivals.noted(report_of(came, 100, 90, 90))
    assert behind.waiting_since == {"silver": came}
    assert behind.moved_at == {"bronze": came, "silver": NOW, "mirror": NOW}
    counted = arrivals.noted(report_of(came + 2, 100, 100, 90))
    assert counted.waiting_since == {"mirror": came + 2}
    assert arrivals.noted(report_of(came + 3, 100, 100, 100)).waiting_since == {}


def test_an_empty_lake_that_gets_its_first_rows_late_has_them_wait_since_then(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path / "stream.json", NOW)
    arrivals.noted(report_of(NOW, 0, 0, 0))
    came = NOW + HOUR
    assert arrivals.noted(report_of(came, 10, 0, 0)).waiting_since == {"silver": came}


def test_a_stage_that_deals_with_some_rows_is_behind_since_the_oldest_of_the_others_came(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path / "stream.json", NOW)
    arrivals.noted(report_of(NOW, 10, 10, 10))
    for step in range(1, 5):
        arrivals.noted(report_of(NOW + step, 10 * (step + 1), 10, 10))
    report = arrivals.noted(report_of(NOW + 5, 50, 30, 10))
    assert report.waiting_since == {"silver": NOW + 3, "mirror": NOW + 5}
    assert report.moved_at["silver"] == NOW + 5


def test_a_stage_that_is_stuck_for_days_keeps_when_its_oldest_row_came(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path / "stream.json", NOW)
    arrivals.noted(report_of(NOW, 10, 10, 10))
    for step in range(1, 2 * MOST_MARKS):
        report = arrivals.noted(report_of(NOW + step, 10 + step, 10, 10))
    assert report.waiting_since == {"silver": NOW + 1}
    last = NOW + HOUR
    arrivals.noted(report_of(last, 10 + step, 10 + step, 10 + step))
    assert arrivals.noted(report_of(last + 1, 5_000, 10 + step, 10 + step)).waiting_since == {"silver": last + 1}


@pytest.mark.parametrize(("ago", "since"), [(100.0, NOW - 500), (121.0, NOW)])
def test_a_stream_that_is_started_again_at_once_goes_on_waiting(tmp_path: Path, ago: float, since: float) -> None:
    path = tmp_path / "stream.json"
    waiting = {"silver": NOW - 500}
    write_stream_report(path, StreamReport(updated_at=NOW - ago, running_since=NOW - 500, waiting_since=waiting))
    arrivals = Arrivals(path, NOW)
    report = arrivals.noted(report_of(NOW, 20, 10, 10))
    assert (report.running_since, report.waiting_since) == (since, {"silver": since})
    assert arrivals.noted(report_of(NOW + 9, 30, 10, 10)).waiting_since == {"silver": since}
    assert arrivals.noted(report_of(NOW + 10, 30, 20, 10)).waiting_since == {"silver": NOW + 9, "mirror": NOW + 10}
