"""The disks: what a folder takes, what is free, who waits for room, and what may be freed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lake.errors import SpaceError
from lake.settings import Settings
from lake.space import MEGABYTE, SENDERS, WRITERS, Layer, existing, folders, free_mb, lack

STACK = ((WRITERS, "the stream, the marts, the charts and all senders wait until there is room"),)
"""Who waits below the limit of a start."""
PIPELINE = (
    *STACK,
    (SENDERS, "the generator and imports wait, and other senders are slowed down, until there is room"),
)
"""Who waits below which part of the limit, the smallest first."""
CHARTS = ((WRITERS, "the charts wait until there is room"),)
"""The same on a disk that has nothing but charts."""


@dataclass(frozen=True)
class Freeable:
    """Something that may be freed: its name, its bytes, None where they are not known before, and how."""

    name: str
    bytes: int | None
    how: str

    def __str__(self) -> str:
        size = "" if self.bytes is None else f", {self.bytes // MEGABYTE:,} MB"
        return f"{self.name}{size} ({self.how})"


@dataclass(frozen=True)
class Room:
    """The disks that Weblake writes to: free megabytes by folder, one folder a disk; who waits; what may be freed."""

    free_mb: dict[str, int]
    limit_mb: int
    waits: list[str]
    """A sentence for each disk that has too little free: how much, and who waits."""
    freeable: list[Freeable]

    @property
    def complaints(self) -> list[str]:
        """The sentences, each with what to do."""
        return [_complaint(sentence, self.freeable) for sentence in self.waits]


def room(settings: Settings) -> Room:
    """Look at the disks of the data folder, of a local lake and of the charts."""
    disks = _one_a_disk([*folders(settings), settings.charts])
    waits = (_wait(settings, path, CHARTS if path == settings.charts else PIPELINE) for path in disks)
    return Room(
        free_mb={str(path): free_mb(path) for path in disks},
        limit_mb=settings.min_free_mb,
        waits=list(filter(None, waits)),
        freeable=list(_freeable(settings)),
    )


def require_room(settings: Settings) -> None:
    """Return where the disks have room for a stack to work.

    Raises:
        SpaceError: one has not; the message says what may be freed.
    """
    waits = (_wait(settings, path, STACK) for path in folders(settings))
    first = next(filter(None, waits), None)
    if first:
        raise SpaceError(f"nothing was started, because {_complaint(first, list(_freeable(settings)))}")


def _wait(settings: Settings, path: Path, layers: tuple[tuple[Layer, str], ...]) -> str | None:
    """Return in a sentence what the disk of a folder has too little for, and who waits; None where it has enough."""
    lacks = ((lack(settings, layer, path), who) for layer, who in layers)
    return next((f"{sentence}: {who}" for sentence, who in lacks if sentence), None)


def _complaint(sentence: str, freeable: list[Freeable]) -> str:
    """Return the sentence, and what may be freed; the command comes last."""
    return f"{sentence}. May be freed: other files on that disk; {'; '.join(map(str, reversed(freeable)))}"


def _freeable(settings: Settings) -> Iterator[Freeable]:
    """Yield what an operator may free without losing a record or a count."""
    yield Freeable("old files of the lake", None, "`make maintain`")
    logs = [path for path in (settings.data / "logs").glob("*.log.*") if path.is_file()]
    if logs:
        size = sum(path.stat().st_size for path in logs)
        yield Freeable("old logs", size, f"delete {settings.data}/logs/*.log.*")
    archive = settings.class_archive
    if archive.exists() and archive.stat().st_dev == existing(settings.data).stat().st_dev:
        how = f"delete {archive}; Spark then starts more slowly, until `make setup` makes it again"
        yield Freeable("Java's archive of Spark's classes", archive.stat().st_size, how)


def _one_a_disk(paths: list[Path]) -> list[Path]:
    """Return the first folder on each disk."""
    devices: dict[int, Path] = {}
    for path in paths:
        devices.setdefault(existing(path).stat().st_dev, path)
    return list(devices.values())


def disk_usage(folder: Path, complain: Callable[[str], None] = lambda _: None) -> int:
    """Return the bytes that a folder takes on the disk; files may vanish meanwhile.

    ``complain`` gets a sentence for each file or folder that cannot be read, and so is not counted.
    """
    total = 0

    def note(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            complain(f"{error.filename} cannot be read ({error.strerror}), so its size is not known; see who owns it")

    for top, below, files in os.walk(folder, onerror=note):
        for name in (*below, *files):
            try:
                total += Path(top, name).lstat().st_blocks * 512
            except OSError as error:
                note(error)
    return total
