"""Which stage lags, and what counts as unwell."""

from __future__ import annotations

from typing import Any

import pytest
from statuses import a_status

from lake.contracts.reports import BronzeReport, MirrorReport, SilverReport, StreamReport
from stack.status import Process, Stage, lags, problems

NOW = 1_800_000_000.0


REPORT = StreamReport(
    updated_at=NOW - 1,
    bronze=BronzeReport(version=3, rows=90, rejected=2, next_offsets={0: 50, 1: 40}, as_of=NOW - 70),
    silver=SilverReport(version=2, rows=80, as_of=NOW - 20),
    mirror=MirrorReport(bookmark=2, rows=80, as_of=NOW - 20),
)


def test_a_stage_lags_behind_the_one_before_it() -> None:
    bronze, silver, mirror = lags({0: 50, 1: 50}, REPORT, NOW)
    assert (bronze.lag_rows, bronze.lag_seconds) == (10, 70.0)
    assert (silver.lag_rows, silver.lag_seconds) == (10, 20.0)
    assert (mirror.lag_rows, mirror.lag_seconds) == (0, 0.0)


def test_an_empty_stack_lags_nowhere() -> None:
    assert [stage.lag_rows for stage in lags(dict.fromkeys(range(6), 0), None, NOW)] == [0, 0, 0]


@pytest.mark.parametrize(("rows", "seconds", "is_stale"), [(0, 61.0, False), (1, 60.0, False), (1, 61.0, True)])
def test_a_stage_is_stale_when_it_has_had_rows_to_do_for_a_minute(rows: int, seconds: float, is_stale: bool) -> None:
    stage = Stage("silver", 5, rows, seconds)
    assert stage.is_stale is is_stale
    assert bool(problems(a_status(stages=[stage]))) is is_stale


def test_a_current_stack_is_well_however_old_its_marts_are() -> None:
    assert problems(a_status(marts_age_seconds=9_999.0)) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"processes": [Process("kafka", "BACKOFF", 0, 0.0)]}, "kafka is backoff"),
        ({"stages": [Stage("silver", 5, 10, 61.0)]}, "silver is 10 rows and 61 s behind"),
        ({"stream_age_seconds": 61.0}, "said nothing"),
        ({"marts_version": 1, "marts_age_seconds": 61.0}, "the marts are at version 1"),
        ({"errors": ["mirror: it broke"]}, "it broke"),
    ],
)
def test_what_is_down_or_stale_is_named(changes: dict[str, Any], word: str) -> None:
    assert any(word in problem for problem in problems(a_status(**changes)))
