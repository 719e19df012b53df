"""The page of `weblake status`: plain in a pipe, and readable."""

from __future__ import annotations

import pytest
from statuses import a_status

from lake.contracts.history import State, StateChange
from lake.contracts.reports import VerifyReport
from stack.health.lags import Stage
from stack.health.processes import Process
from weblake.show.status import show_states, show_status
from weblake.show.units import bytes_text, duration_text


def test_the_status_page_shows_totals_and_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    show_status(a_status())
    page = capsys.readouterr().out
    assert "100" in page
    assert page.endswith("All is well.\n")
    assert "\x1b" not in page
    show_status(a_status(processes=[Process("kafka", "FATAL", 0, 0.0)]))
    assert "NOT WELL: kafka is fatal" in capsys.readouterr().out


def test_the_page_says_what_the_marts_do_not_show_yet(capsys: pytest.CaptureFixture[str]) -> None:
    show_status(a_status(stages=[Stage("bronze", 100, 7, 1.0), Stage("silver", 90, 10, 1.0)]))
    assert capsys.readouterr().out.endswith(
        "All is well; 17 rows are being counted, and the marts do not show them yet.\n"
    )
    show_status(a_status(stages=[Stage("bronze", 100, 7, 45.0)]))
    assert capsys.readouterr().out.endswith(
        "All is well so far, but not done: 7 rows are being counted, and the marts do not show them yet.\n"
    )
    show_status(a_status(marts_version=-1, marts_age_seconds=None))
    page = capsys.readouterr().out
    assert "marts           none yet" in page
    assert "which is current" not in page


def test_the_page_says_how_old_each_thing_is_that_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    verify = VerifyReport(at=1_800_000_000.0, verdict="ok", scope="all time", ok=23)
    ages = {"charts_age_seconds": 20.0, "record_age_seconds": 3.0, "verify": verify, "looked_at": 1_800_003_600.0}
    show_status(a_status(**ages))
    lines = capsys.readouterr().out.splitlines()
    for line in (
        "newest record   came 3 s ago",
        "stream          reported 1 s ago",
        "marts           version 2, which is current; built 5 s ago",
        "charts          drawn 20 s ago",
        "verify          1 h 0 min ago, all time: 23 ok, 0 failed, 0 not checked",
        "looked          2027-01-15T09:00:00Z, in 0.0 s",
    ):
        assert line in lines


def test_what_is_down_and_what_is_not_known_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    show_status(a_status(processes=[Process("kafka", "STOPPED", 0, 0.0)], is_stream_there=False))
    assert capsys.readouterr().out.endswith("\nDOWN: nothing of the stack runs; run `make up`\n")
    show_status(a_status(unknown=["Kafka gave no answer within 5 s; see `make logs NAME=kafka`"]))
    assert capsys.readouterr().out.endswith(
        "\nNOT KNOWN: Kafka gave no answer within 5 s; see `make logs NAME=kafka`\n"
    )


def test_states_are_listed_with_how_long_they_lasted(capsys: pytest.CaptureFixture[str]) -> None:
    start = 1_800_000_000.0
    show_states(
        [StateChange(start, State.WELL), StateChange(start + 3_700, State.UNWELL, "kafka is down")],
        start,
        start + 3_760,
    )
    assert capsys.readouterr().out == (
        "from                        for  state   first problem\n"
        "2027-01-15T08:00:00Z  1 h 1 min  well    -\n"
        "2027-01-15T09:01:40Z  1 min 0 s  unwell  kafka is down\n\n"
    )
    show_states([], start, start)
    assert capsys.readouterr().out == "no states on record since 2027-01-15T08:00:00Z\n"


def test_sizes_and_durations_are_readable() -> None:
    assert [bytes_text(n) for n in (12, 1536, 3 * 1024**3)] == ["12 B", "1.5 KiB", "3.0 GiB"]
    assert [duration_text(n) for n in (5, 65, 3700, 90_000)] == ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]
