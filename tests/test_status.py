"""Which stage lags, and what counts as unwell."""

from __future__ import annotations

from typing import Any

import pytest

from stack.status import Process, Stage, Status, lags, problems

NOW = 1_800_000_000.0


def stream_file(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "updated_at": NOW - 1,
        "bronze": {"version": 3, "rows": 90, "rejected": 2, "next_offsets": {"0": 50, "1": 40}, "as_of": NOW - 70},
        "silver": {"version": 2, "rows": 80, "as_of": NOW - 20},
        "mirror": {"bookmark": 2, "rows": 80, "as_of": NOW - 20, "error": None},
    }
    return facts | changes


def a_status(**changes: Any) -> Status:
    facts: dict[str, Any] = {
        "data": "folder",
        "processes": [Process("kafka", "RUNNING", 1, 5.0)],
        "end_offsets": {0: 50, 1: 50},
        "stages": [Stage("bronze", 90, 0, 0.0)],
        "rejected": 2,
        "ledger_version": 2,
        "bookmark": 2,
        "marts_version": 2,
        "marts_age_seconds": 5.0,
        "stream_age_seconds": 1.0,
        "disk_bytes": {"lake": 2048},
    }
    return Status(**(facts | changes))


def test_a_stage_lags_behind_the_one_before_it() -> None:
    bronze, silver, mirror = lags({0: 50, 1: 50}, stream_file(), NOW)
    assert (bronze.lag_rows, bronze.lag_seconds) == (10, 70.0)
    assert (silver.lag_rows, silver.lag_seconds) == (10, 20.0)
    assert (mirror.lag_rows, mirror.lag_seconds) == (0, 0.0)


def test_an_empty_stack_lags_nowhere() -> None:
    assert [stage.lag_rows for stage in lags(dict.fromkeys(range(6), 0), None, NOW)] == [0, 0, 0]


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
