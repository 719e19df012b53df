"""How the loops beside the stream are, by their reports: marts, charts, and the guard, a thread of the marts'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lake.contracts.reports import read_loop_report
from lake.settings import Settings

SILENT_SECONDS = 300
"""How long after its next round is due a loop may say nothing: a first build of the marts takes minutes."""


@dataclass(frozen=True)
class Loop:
    """A loop whose program runs; times in seconds.

    ``silent_seconds`` is since its last round, or since its program's start.
    """

    name: str
    silent_seconds: float
    most_silent_seconds: float
    error: str | None = None
    failing_seconds: float = 0.0

    @property
    def complaint(self) -> str:
        """What is wrong with it, as one sentence; empty where nothing is."""
        if self.silent_seconds > self.most_silent_seconds:
            return f"{self.name} has said nothing for {self.silent_seconds:.0f} s; see `make logs`"
        return f"{self.name} has failed for {self.failing_seconds:.0f} s: {self.error}" if self.error else ""


def loops(
    settings: Settings, started_at: Mapping[str, float], now: float, complain: Callable[[str], None]
) -> list[Loop]:
    """Return the loops whose programs run.

    Args:
        settings: With their paces, and the folder of their reports.
        started_at: When each program that runs was started (epoch seconds).
        now: Epoch seconds.
        complain: Gets a sentence for each report that cannot be read.
    """
    paces = {
        "marts": ("marts", settings.marts_seconds),
        "guard": ("marts", 0),
        "charts": ("charts", settings.charts_seconds),
    }
    found = []
    for name, (program, pace) in paces.items():
        if program not in started_at:
            continue
        path = settings.loop_file(name)
        try:
            report = read_loop_report(path)
        except OSError as error:
            complain(f"{path} cannot be read ({error.strerror}), so nobody knows how {name} is; see who owns it")
            continue
        silent = now - max(started_at[program], report.updated_at if report else 0.0)
        failure = report.error if report else None
        failing = now - report.failing_since if report and failure else 0.0
        found.append(Loop(name, silent, pace + SILENT_SECONDS, failure, failing))
    return found
