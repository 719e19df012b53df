"""Which stage lags, and what counts as unwell."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from settings_in import settings_in
from statuses import a_status

from lake.contracts.reports import BronzeReport, MirrorReport, SilverReport, StreamReport, report_round
from lake.settings import Settings
from stack.disk import disk_usage
from stack.loops import Loop, loops
from stack.servers import postgres
from stack.servers.migrations import migrate
from stack.status import Process, Stage, gather, lags, problems
from weblake.show.status import show_status

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


def test_a_first_batch_that_does_not_end_lags_as_long_as_it_lasts() -> None:
    report = StreamReport(updated_at=NOW - 5, batch_since={"bronze": NOW - 405})
    bronze, silver, _ = lags({0: 10}, report, NOW)
    assert (bronze.lag_rows, bronze.lag_seconds, bronze.batch_seconds) == (10, 400.0, 400.0)
    assert bronze.is_stale
    assert (silver.lag_rows, silver.batch_seconds) == (0, 0.0)


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
        ({"stages": [Stage("bronze", 5, 0, 0.0, batch_seconds=301.0)]}, "bronze has been at one batch for 301 s"),
        ({"loops": [Loop("charts", 3.0, 360.0, "they broke", 70.0)]}, "charts has failed for 70 s: they broke"),
        ({"loops": [Loop("marts", 361.0, 360.0)]}, "marts has said nothing for 361 s"),
        ({"errors": ["mirror: it broke"]}, "it broke"),
    ],
)
def test_what_is_down_or_stale_is_named(changes: dict[str, Any], word: str) -> None:
    assert any(word in problem for problem in problems(a_status(**changes)))


def test_a_loop_that_fails_says_so_until_a_round_is_good(tmp_path: Path) -> None:
    settings, started = settings_in(tmp_path), time.time()

    def charts() -> Loop:
        (loop,) = loops(settings, {"charts": started - 100}, started + 50, errors.append)
        return loop

    errors: list[str] = []
    assert charts().silent_seconds == 150
    for error in ("first", "second"):
        report_round(settings.loop_file("charts"), error)
    assert charts().complaint.endswith(" s: second")
    assert 0 < charts().failing_seconds <= 50
    report_round(settings.loop_file("charts"), None)
    assert charts().complaint == ""
    assert 0 < charts().silent_seconds <= 50
    settings.loop_file("charts").unlink()
    settings.loop_file("charts").mkdir()
    assert loops(settings, {"charts": started}, started, errors.append) == []
    assert "charts.json cannot be read" in errors[0]


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("no folder")
    errors: list[str] = []
    assert disk_usage(tmp_path / "nothing", errors.append) == 0
    assert errors == []
    disk_usage(tmp_path / "lake", errors.append)
    assert "lake cannot be read" in errors[0]


@pytest.mark.stack
def test_what_cannot_be_looked_up_is_unknown_and_named(
    stack_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = replace(stack_settings, data=tmp_path, postgres_database="looked_at")
    migrate(own)
    with closing(postgres.connect(own, "dbt")) as dbt, dbt.cursor() as cursor:
        assert (gather(own).bookmark, gather(own).marts_version) == (-1, -1)
        cursor.execute("create table marts.build_info as select 3 as version, now() as built_at")
        status = gather(own)
        assert (status.marts_version, status.errors) == (3, [])
        cursor.execute("revoke select on marts.build_info from dbt")
        own.stream_file.mkdir()
        status = gather(own)
        assert status.marts_version is None
        assert [error.split(" (")[0] for error in status.errors] == [
            f"PostgreSQL at port {own.postgres_port}: permission denied for table build_info",
            f"{own.stream_file} cannot be read",
        ]
        show_status(status)
        assert f"{'marts':<16}unknown\n" in capsys.readouterr().out
        cursor.execute("grant select on marts.build_info to dbt")
    stranger = gather(replace(own, analyst_password="another"))
    assert any("the analyst cannot log in" in problem and "`make up`" in problem for problem in problems(stranger))
