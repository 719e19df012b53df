"""How far each stage has come, kept for the stages and written to a file for other processes."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from lake.contracts.reports import BronzeReport, MirrorReport, SilverReport, StreamReport, write_stream_report

log = logging.getLogger(__name__)


class Progress:
    """The progress of bronze, silver and mirror; any of their threads may report and ask."""

    def __init__(self, path: Path) -> None:
        """Begin with the defaults; ``path`` is written with the first report."""
        self._path = path
        self._lock = threading.Lock()
        self._report = StreamReport(pid=os.getpid())

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

    def has_error(self, stage: str) -> bool:
        """Return whether the stage has reported an error, and no end of it since."""
        return stage in self._report.errors

    def report(self, stage: str, **facts: Any) -> None:
        """Change fields of a stage's report, and write all down."""
        with self._lock:
            changed = replace(getattr(self._report, stage), **facts)
            self._report = replace(self._report, **{stage: changed})
            self._write()

    def touch(self) -> None:
        """Say that the streams are alive."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        self._report = replace(self._report, updated_at=time.time())
        try:
            write_stream_report(self._path, self._report)
        except OSError as error:  # a full disk: nobody hears of it, but the streams live
            log.warning("%s cannot be written: %s", self._path, error)
