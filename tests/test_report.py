"""The page of `weblake status`: plain in a pipe, and readable."""

from __future__ import annotations

import pytest
from statuses import a_status

from stack.status import Process, Stage
from weblake.show.status import show_status
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
        "All is well so far: 17 rows are being counted, and the marts do not show them yet.\n"
    )
    show_status(a_status(marts_version=-1, marts_age_seconds=None))
    page = capsys.readouterr().out
    assert "marts           none yet" in page
    assert "which is current" not in page


def test_sizes_and_durations_are_readable() -> None:
    assert [bytes_text(n) for n in (12, 1536, 3 * 1024**3)] == ["12 B", "1.5 KiB", "3.0 GiB"]
    assert [duration_text(n) for n in (5, 65, 3700, 90_000)] == ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]
