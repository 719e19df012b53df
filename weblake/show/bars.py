"""How far an import is: bars, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lake.text import printable

if TYPE_CHECKING:
    from ingest.import_logs import Progress


@contextmanager
def progress_bar(names: list[str]) -> Iterator[Progress]:
    """Show how much of the files has been read: one bar, on a terminal only."""
    from ingest.files.source import STDIN
    from ingest.import_logs import Progress

    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    sizes = [Path(name).stat().st_size for name in names if name != STDIN and Path(name).is_file()]
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        task = bars.add_task("Importing", total=sum(sizes) if len(sizes) == len(names) else None)
        yield Progress(
            look=lambda name: bars.update(task, description=f"Looking at {printable(Path(name).name)}"),
            begin=lambda name: bars.update(task, description=f"Importing {printable(Path(name).name)}"),
            advance=lambda size: bars.advance(task, size),
        )


@contextmanager
def counting_bar() -> Iterator[Callable[[int, int], object]]:
    """Show how many of the lines the lake has, on a terminal only; yield what takes how many, and of how many."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("Counting", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
