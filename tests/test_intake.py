"""What bronze took in within the last ten minutes, as its report has it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from lake.contracts.reports import BronzeReport, Intake, read_stream_report
from spark.progress import Progress

NOW = 1_800_000_000.0


def test_what_came_in_ten_minutes_is_added_up_and_what_is_older_forgotten() -> None:
    report = BronzeReport()
    for seconds in range(0, 1_800, 10):
        report = report.with_intake(NOW + seconds, records=100, rejected=1)
    assert len(report.recent) <= 21, "a report that grows with its batches"
    assert report.taken_in(NOW + 1_790) == Intake(NOW + 1_790, 6_000, 60)
    assert report.taken_in(NOW + 1_790 + 300).records < 3_300
    assert report.taken_in(NOW + 9_999) == Intake(NOW + 9_999, 0, 0)


def test_a_stream_that_starts_again_goes_on_from_what_came_before(tmp_path: Path) -> None:
    path, now = tmp_path / "stream.json", time.time()
    Progress(path).report_bronze(lambda bronze: replace(bronze.with_intake(now, 5, 2), rows=5))
    after = Progress(path, {"urls.yml": "a1"})
    assert (after.bronze.rows, after.bronze.taken_in(now)) == (0, Intake(now, 5, 2))
    after.touch()
    report = read_stream_report(path)
    assert report is not None
    assert (report.pid, report.reads_by, report.bronze.recent) == (os.getpid(), {"urls.yml": "a1"}, after.bronze.recent)
