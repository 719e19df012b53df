"""What is told of files that are followed: the record in the data folder, and a line in the log now and then."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from ingest.following.tails import Tails
from ingest.times import CERTAIN_SECONDS, span_of
from lake.contracts.following import FollowReport, write_follow_report

log = logging.getLogger(__name__)

KEEP_SECONDS = 1.0
"""Between two writes of the record."""
IDLE_SECONDS = 5.0
"""The same where nothing has changed."""
LOG_SECONDS = 30.0


class Progress:
    """Keeps the record of some files, and logs how far they are."""

    def __init__(self, path: Path, words: tuple[str, ...], source: str) -> None:
        """Begin; nothing is written yet."""
        self.sent = 0
        self.newest = b""
        """The line that was sent last."""
        self.waits = ""
        self._path = path
        self._words, self._source = words, source
        self._newest_at = 0.0
        self._report: FollowReport | None = None
        self._kept_at = self._logged_at = time.monotonic()
        self._logged_sent = 0

    def tell(self, tails: Tails) -> None:
        """Write the record and the log where it is time."""
        now = time.monotonic()
        if now - self._kept_at >= KEEP_SECONDS:
            self.keep(tails)
        if now - self._logged_at >= LOG_SECONDS:
            self._log(tails, now)

    def keep(self, tails: Tails | None, *, has_ended: bool = False) -> None:
        """Write the record, if there is anything new, or nothing was written for a while."""
        files = [tail for tail in tails or () if not tail.unfit and (tail.pending or not tail.is_done)]
        self._read_newest()
        before = self._report
        report = FollowReport(
            words=self._words,
            source=self._source,
            updated_at=before.updated_at if before else 0.0,
            has_ended=has_ended,
            files=tuple(tail.position for tail in files),
            sent=self.sent,
            bytes_behind=sum(tail.bytes_behind for tail in files),
            newest_at=self._newest_at,
            waits=self.waits,
        )
        now = time.time()
        if report == before and now - report.updated_at < IDLE_SECONDS:
            return
        self._report = FollowReport(**{**vars(report), "updated_at": now})
        self._kept_at = time.monotonic()
        try:
            write_follow_report(self._path, self._report)
        except OSError as error:
            log.warning("%s: %s; after a restart, lines may be sent again, and count once", self._path, error.strerror)

    def _read_newest(self) -> None:
        span = span_of(self.newest) if self.newest else None
        if span and span.last - span.first == 2 * CERTAIN_SECONDS:
            self._newest_at = max(self._newest_at, float(span.first + CERTAIN_SECONDS))

    def _log(self, tails: Tails, now: float) -> None:
        files = list(tails)
        log.info(
            "%s lines sent, %s of them in the last %.0f s; %d files, %s bytes behind%s",
            f"{self.sent:,}",
            f"{self.sent - self._logged_sent:,}",
            now - self._logged_at,
            sum(not tail.unfit for tail in files),
            f"{sum(tail.bytes_behind for tail in files):,}",
            f"; waiting: {self.waits}" if self.waits else "",
        )
        self._logged_at, self._logged_sent = now, self.sent
