"""Since when rows wait for a stage, and when it last dealt with some: a stage that is stuck differs from one at work.

The age of the newest row does not: after a quiet hour, every stage is an hour old when the first event comes.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lake.contracts.reports import StreamReport, read_stream_report

RESTART_SECONDS = 120
"""A stream that reports again so soon was not stopped by anybody; what waited goes on waiting."""
MOST_MARKS = 1_000
BEFORE = {"silver": "bronze", "mirror": "silver"}
"""Stage -> the stage whose rows it deals with, counted as rows of bronze."""


class Arrivals:
    """When rows came to silver and to the mirror that they have not dealt with yet. Not for use by two threads."""

    def __init__(self, path: Path, now: float) -> None:
        """Begin now (epoch seconds), or go on from what a stream that has just ended wrote at ``path``."""
        before = None
        with suppress(OSError):
            before = read_stream_report(path)
        if before is None or not 0 <= now - before.updated_at <= RESTART_SECONDS:
            before = StreamReport()
        self._running_since = before.running_since or now
        self._moved_at = {stage: before.moved_at.get(stage, now) for stage in ("bronze", *BEFORE)}
        first = {stage: (-1, before.waiting_since.get(stage, now)) for stage in BEFORE}
        self._marks = {stage: deque([mark]) for stage, mark in first.items()}
        self._rows: dict[str, int] = {}

    def noted(self, report: StreamReport) -> StreamReport:
        """Note the rows of a report that is about to be written; return it with what is known of their waiting."""
        rows = {"bronze": report.bronze.rows, "silver": report.silver.rows, "mirror": report.mirror.rows}
        versions = (report.bronze.version, report.silver.version, report.mirror.bookmark)
        for stage, number in self._rows.items():
            if number != rows[stage]:
                self._moved_at[stage] = report.updated_at
        for stage, source in BEFORE.items():
            earlier = self._rows.get(source, rows[source])
            if earlier < rows[source] and len(self._marks[stage]) < MOST_MARKS:
                self._marks[stage].append((earlier, report.updated_at))
        # What a stage finds at its start, it has not dealt with now: its first report is no move.
        self._rows = {stage: number for (stage, number), one in zip(rows.items(), versions, strict=True) if one >= 0}
        oldest = {stage: self._oldest(stage, rows[stage]) for stage in BEFORE}
        since = {stage: oldest[stage] for stage, source in BEFORE.items() if rows[stage] < rows[source]}
        return replace(report, running_since=self._running_since, waiting_since=since, moved_at=dict(self._moved_at))

    def _oldest(self, stage: str, done: int) -> float:
        """Return when the oldest row came that a stage has not dealt with, having dealt with so many."""
        marks = self._marks[stage]
        while len(marks) > 1 and marks[1][0] <= done:
            marks.popleft()
        return marks[0][1]
