"""What the programs last wrote of themselves, and what they made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from lake.contracts import CHARTS
from lake.contracts.reports import LoopReport, StreamReport, VerifyReport, read_stream_report, read_verify_report
from lake.settings import Settings
from stack.health.look import Complain
from stack.health.loops import read_loops

T = TypeVar("T")


@dataclass(frozen=True)
class Reports:
    """What each wrote; None where it has written nothing, or nothing that can be read."""

    stream: StreamReport | None = None
    verify: VerifyReport | None = None
    loops: dict[str, LoopReport] = field(default_factory=dict)
    charts_drawn_at: float | None = None
    """When the oldest chart was drawn (epoch seconds); None where one is missing."""


def read_reports(settings: Settings, complain: Complain) -> Reports:
    """Return all reports; ``complain`` gets a sentence for each that cannot be read."""
    return Reports(
        stream=_read(read_stream_report, settings.stream_file, complain),
        verify=_read(read_verify_report, settings.loop_file("verify"), complain),
        loops=read_loops(settings, complain),
        charts_drawn_at=_read(_drawn_at, settings.charts, complain),
    )


def _read(read: Callable[[Path], T | None], path: Path, complain: Complain) -> T | None:
    try:
        return read(path)
    except OSError as error:
        complain(f"{path} cannot be read ({error.strerror}); to see who owns it, run `ls -ld {path}`")
        return None


def _drawn_at(folder: Path) -> float | None:
    try:
        return min((folder / chart.file_name).stat().st_mtime for chart in CHARTS)
    except FileNotFoundError:
        return None
