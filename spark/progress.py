"""How far each stage has come, kept for the stages and written to a file for other processes."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from lake.contracts.reports import (
    BronzeReport,
    MirrorReport,
    SilverReport,
    StreamReport,
    read_stream_report,
    write_stream_report,
)
from lake.contracts.work import POSTGRES, Work
from spark.arrivals import Arrivals

log = logging.getLogger(__name__)

Stage: TypeAlias = Literal["bronze", "silver", "mirror"]


class Progress:
    """The progress of bronze, silver and mirror; any of their threads may report and ask."""

    def __init__(self, path: Path, reads_by: Mapping[str, str] | None = None) -> None:
        """Begin with the defaults, and with what an earlier process has taken in; the first report writes ``path``.

        ``reads_by`` is what changes how lines are read: see :class:`lake.contracts.reports.StreamReport`.
        """
        self._path = path
        self._lock = threading.Lock()
        self._arrivals = Arrivals(path, time.time())
        before = None
        with suppress(OSError):
            before = read_stream_report(path)
        bronze = BronzeReport(recent=before.bronze.recent if before else ())
        work = before.work if before else Work()
        self._report = StreamReport(pid=os.getpid(), bronze=bronze, reads_by=dict(reads_by or {}), work=work)

    @property
    def bronze(self) -> BronzeReport:
        """How far bronze has come."""
        return self._report.bronze

    @property
    def silver(self) -> SilverReport:
        """How far silver has come."""
        return self._report.silver

    @property
    def mirror(self) -> MirrorReport:
        """How far the mirror has come."""
        return self._report.mirror

    def has_error(self, stage: Stage) -> bool:
        """Return whether the stage has reported an error, and no end of it since."""
        return stage in self._report.errors

    def report_bronze(self, change: Callable[[BronzeReport], BronzeReport]) -> None:
        """Change bronze's report, and write all down."""
        with self._lock:
            self._report = replace(self._report, bronze=change(self._report.bronze))
            self._write()

    def report_silver(self, change: Callable[[SilverReport], SilverReport]) -> None:
        """Change silver's report, and write all down."""
        with self._lock:
            self._report = replace(self._report, silver=change(self._report.silver))
            self._write()

    def report_mirror(self, change: Callable[[MirrorReport], MirrorReport]) -> None:
        """Change the mirror's report, and write all down."""
        with self._lock:
            mirror = change(self._report.mirror)
            work = self._report.work.with_arrival(POSTGRES, mirror.as_of, time.time())
            self._report = replace(self._report, mirror=mirror, work=work)
            self._write()

    def report_error(self, stage: Stage, error: str | None) -> None:
        """Report what keeps a stage from going on; None when that is over."""
        if stage == "bronze":
            self.report_bronze(lambda bronze: replace(bronze, error=error))
        elif stage == "silver":
            self.report_silver(lambda silver: replace(silver, error=error))
        else:
            self.report_mirror(lambda mirror: replace(mirror, error=error))

    @contextmanager
    def at_batch(self, stage: Stage) -> Iterator[None]:
        """Note that the stage is at a batch; the next report says so, and since when, or how long it took."""
        began = time.time()
        with self._lock:
            before = self._rows(stage)
            self._report = replace(self._report, batch_since={**self._report.batch_since, stage: began})
        try:
            yield
        finally:
            with self._lock:
                after, work = self._rows(stage), self._report.work
                if before is not None and after is not None and after > before:
                    work = work.with_batch(stage, time.time() - began, after - before)
                since = {name: begun for name, begun in self._report.batch_since.items() if name != stage}
                self._report = replace(self._report, batch_since=since, work=work)

    def touch(self) -> None:
        """Say that the streams are alive."""
        with self._lock:
            self._write()

    def _rows(self, stage: Stage) -> int | None:
        """Return how many rows a stage has dealt with; None before it has reported any: it finds those at its start."""
        report = self._report
        if stage == "bronze":
            return report.bronze.rows if report.bronze.version >= 0 else None
        if stage == "silver":
            return report.silver.rows if report.silver.version >= 0 else None
        return report.mirror.rows if report.mirror.bookmark >= 0 else None

    def _write(self) -> None:
        self._report = self._arrivals.noted(replace(self._report, updated_at=time.time()))
        try:
            write_stream_report(self._path, self._report)
        except OSError as error:  # a full disk: nobody hears of it, but the streams live
            log.warning("%s cannot be written: %s", self._path, error)
