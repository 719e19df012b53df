"""What the stream says of itself while it is at work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lake.contracts.reports import StreamReport, read_stream_report
from spark.progress import Progress


def test_a_report_says_since_when_a_stage_is_at_its_batch(tmp_path: Path) -> None:
    path = tmp_path / "stream.json"
    progress = Progress(path)

    def report() -> StreamReport:
        progress.touch()
        written = read_stream_report(path)
        assert written is not None
        return written

    assert report().batch_since == {}
    with pytest.raises(ValueError, match="broken"), progress.at_batch("silver"):
        with progress.at_batch("bronze"):
            during = report()
            assert set(during.batch_since) == {"bronze", "silver"}
            assert all(since <= during.updated_at for since in during.batch_since.values())
        assert set(report().batch_since) == {"silver"}
        raise ValueError("broken")
    assert report().batch_since == {}


def test_what_batches_took_outlives_the_process_and_a_batch_without_rows_is_none(tmp_path: Path) -> None:
    path = tmp_path / "stream.json"
    for rows in (10, 30):
        progress = Progress(path)
        progress.report_bronze(lambda bronze: replace(bronze, version=1, rows=5))  # what it finds at its start
        for more in (0, rows):
            with progress.at_batch("bronze"):
                progress.report_bronze(lambda bronze, more=more: replace(bronze, rows=bronze.rows + more))  # type: ignore[misc]
        progress.touch()
    written = read_stream_report(path)
    assert written is not None
    assert sum(written.work.seconds["bronze"].counts) == 2
    assert written.work.rows["bronze"].total == 40


def test_the_rows_that_the_mirror_finds_at_its_start_are_no_batch(tmp_path: Path) -> None:
    path = tmp_path / "stream.json"
    progress = Progress(path)
    with progress.at_batch("mirror"):
        progress.report_mirror(lambda mirror: replace(mirror, bookmark=4, rows=90, as_of=1_000.0))
    progress.touch()
    written = read_stream_report(path)
    assert written is not None
    assert (written.work.seconds, written.work.newest) == ({}, {"postgres": 1_000.0})
