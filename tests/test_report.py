"""The page of `make status`."""

from __future__ import annotations

from test_status import a_status

from stack.report import as_text, bytes_text, duration_text
from stack.status import Process


def test_the_status_page_shows_totals_and_the_verdict() -> None:
    page = as_text(a_status())
    assert "100" in page
    assert "All is well." in page
    assert "NOT WELL: kafka is fatal" in as_text(a_status(processes=[Process("kafka", "FATAL", 0, 0.0)]))


def test_sizes_and_durations_are_readable() -> None:
    assert [bytes_text(n) for n in (12, 1536, 3 * 1024**3)] == ["12 B", "1.5 KiB", "3.0 GiB"]
    assert [duration_text(n) for n in (5, 65, 3700, 90_000)] == ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]
