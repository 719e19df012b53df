"""Who follows log files, and how far behind they are: by the records that they keep in the data folder."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from lake.contracts.following import follow_reports, post_file
from lake.posts import worker
from lake.settings import Settings

SILENT_SECONDS = 60.0
"""One that is well writes its record every few seconds."""


@dataclass(frozen=True)
class Follower:
    """A ``make import FOLLOW=1`` that runs, or that ended otherwise than by being stopped; ages in seconds."""

    words: str
    """What it follows, and the name of the server, as on make's command line."""
    pid: int | None
    """None where it runs no more."""
    files: int
    bytes_behind: int
    sent: int
    """Lines since its start."""
    newest_age_seconds: float | None
    """The age of the newest line that was sent, by its own time; None where that is not known."""
    silent_seconds: float
    waits: str = ""

    @property
    def complaint(self) -> str:
        """What is wrong with it, as one sentence that ends in a command; empty where nothing is."""
        again = f"`make import FOLLOW=1 {self.words}`"
        silent = f"{self.silent_seconds:.0f} s"
        if self.pid is None:
            return f"an import that followed logs was ended {silent} ago without being stopped; to go on, run {again}"
        look = f"to look at it, run `ps {self.pid}`"
        if self.waits:
            return f"{again} waits: {self.waits}; {look}"
        if self.silent_seconds > SILENT_SECONDS:
            return f"{again} has said nothing for {silent}, so it may wait for Kafka; {look}"
        return ""


def look_at_followers(settings: Settings, now: float) -> list[Follower]:
    """Return who follows now (epoch seconds), and who should."""
    found = []
    for path, report in follow_reports(settings.data):
        at_work = worker(post_file(path))
        if report.has_ended and at_work is None:
            continue
        source = f" SOURCE={shlex.quote(report.source)}" if report.source else ""
        found.append(
            Follower(
                f"FILE={shlex.quote(shlex.join(report.words) if len(report.words) > 1 else report.words[0])}{source}",
                at_work.pid if at_work else None,
                len(report.files),
                report.bytes_behind,
                report.sent,
                max(now - report.newest_at, 0.0) if report.newest_at else None,
                max(now - report.updated_at, 0.0),
                report.waits,
            )
        )
    return found
