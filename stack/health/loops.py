"""How the loops beside the stream are, by their reports: marts with the guard in them, charts, watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lake.contracts.reports import LoopReport, read_loop_report
from lake.settings import Settings
from stack.health.look import Complain

SILENT_SECONDS = 300
"""How long after its next round is due a loop may say nothing: a first build of the marts takes minutes."""
PROGRAMS = {"marts": "marts", "guard": "marts", "charts": "charts", "watch": "watch", "alerts": "watch"}
"""Loop -> its program."""


@dataclass(frozen=True)
class Loop:
    """A loop whose program runs; times in seconds.

    ``silent_seconds`` is since its last round, or since its program's start.
    """

    name: str
    silent_seconds: float
    pace_seconds: float
    error: str | None = None
    failing_seconds: float = 0.0

    @property
    def complaint(self) -> str:
        """What is wrong with it, as one sentence; empty where nothing is."""
        log = f"see `make logs NAME={PROGRAMS[self.name]}`"
        if self.silent_seconds > self.pace_seconds + SILENT_SECONDS:
            return f"{self.name} has said nothing for {self.silent_seconds:.0f} s; {log}"
        return f"{self.name} has failed for {self.failing_seconds:.0f} s: {self.error}; {log}" if self.error else ""


def read_loops(settings: Settings, complain: Complain) -> dict[str, LoopReport]:
    """Return what each loop last wrote; ``complain`` gets a sentence for each report that cannot be read.

    A loop that has written nothing has the report of one before its first round.
    """
    reports = {}
    for name in PROGRAMS:
        path = settings.loop_file(name)
        try:
            reports[name] = read_loop_report(path) or LoopReport()
        except OSError as error:
            reason = f"{path} cannot be read ({error.strerror}), so nobody knows how {name} is"
            complain(f"{reason}; to see who owns it, run `ls -ld {path}`")
    return reports


def loops(
    settings: Settings, reports: Mapping[str, LoopReport], started_at: Mapping[str, float], now: float
) -> list[Loop]:
    """Return the loops whose programs run.

    Args:
        settings: With their paces.
        reports: What they last wrote.
        started_at: When each program that runs was started (epoch seconds).
        now: Epoch seconds.
    """
    paces = {"marts": settings.marts_seconds, "guard": 0, "charts": settings.charts_seconds, "watch": 0, "alerts": 0}
    found = []
    for name, report in reports.items():
        if PROGRAMS[name] in started_at:
            silent = now - max(started_at[PROGRAMS[name]], report.updated_at)
            failing = now - report.failing_since if report.error else 0.0
            found.append(Loop(name, silent, paces[name], report.error, failing))
    return found
