"""Where a file went that was rotated while nobody looked: renamed, copied or packed, under a name like its own."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Generator, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from ingest.files.identity import LineIds
from ingest.files.lines import Line, lines_of
from ingest.files.log_file import LogFile
from ingest.files.packings import is_packed
from ingest.files.source import READ_BYTES, LogFileError
from ingest.following.tail import unfit
from lake.contracts.following import Position

PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".lzma", ".zip", ".tar", ".tgz")
_PACKED = r"(?:\.(?:gz|bz2|xz|zst|lz4|lzma))?"
_COUNT = r"[._-]\d[\dT._-]*"
"""How a rotation tells its files from each other: a number or a date."""


class Place(NamedTuple):
    """Where a text was found: an open file, or the path of a packed one."""

    path: Path
    file: io.FileIO | None

    @property
    def identity(self) -> tuple[int, int]:
        """What the system knows the file by."""
        status = os.fstat(self.file.fileno()) if self.file else self.path.stat()
        return status.st_dev, status.st_ino


def find(position: Position, source: str) -> Place | None:
    """Return where the text is of which somebody has read up to a position; None where it is not found.

    It may be at its path still, or beside it under a name that begins alike, also packed. It is known by its first
    line; before that was written, by its inode.
    """
    for path in _alike(position):
        with suppress(OSError, LogFileError):
            place = _opened(path)
            if _is_same(place, position, source):
                return place
            if place.file:
                place.file.close()
    return None


def missed(
    path: str, since: float, known: Iterable[tuple[int, int]], firsts: Iterable[str], source: str
) -> dict[str, Place]:
    """Return files that were begun and rotated away while nobody looked, each by what the ids of its lines begin with.

    Args:
        path: Where they were.
        since: When somebody last looked (epoch seconds): they were written to afterwards.
        known: What the system knows those files by that are known.
        firsts: What the ids of the lines of known files begin with.
        source: The name of the server.
    """
    own = Path(path)
    stem, suffix = re.escape(own.stem), re.escape(own.suffix)
    names = re.compile(rf"(?:{re.escape(own.name)}{_COUNT}|{stem}{_COUNT}{suffix}){_PACKED}")
    found: dict[str, Place] = {}
    seen = set(firsts)
    for sibling in _beside(own):
        with suppress(OSError, LogFileError):
            status = sibling.stat()
            if not names.fullmatch(sibling.name) or status.st_mtime < since:
                continue
            if (status.st_dev, status.st_ino) in known:
                continue
            place = _opened(sibling)
            first = _first(place, source)
            if first and first not in seen and not (place.file and _unfit(place.file)):
                seen.add(first)
                found[first] = place
            elif place.file:
                place.file.close()
    return found


def packed_lines(path: Path, after: int) -> Generator[Line, None, None]:
    """Yield the lines of a packed text that come after so many.

    Raises:
        LogFileError: it cannot be read to its end.
    """
    with LogFile(str(path)) as file:
        log = next(file.logs(), None)
        for line in log.lines() if log else ():
            if line.number > after and (line.has_end or (line.value and log and log.is_whole(line.value))):
                yield line


def _opened(path: Path) -> Place:
    file = io.FileIO(path)
    if is_packed(os.pread(file.fileno(), READ_BYTES, 0)):
        file.close()
        return Place(path, None)
    return Place(path, file)


def _is_same(place: Place, position: Position, source: str) -> bool:
    if place.file is None:
        return bool(position.first) and _first(place, source) == position.first
    if os.fstat(place.file.fileno()).st_size < position.offset:
        return False
    if not position.first:
        return place.identity == (position.device, position.inode)
    return _first(place, source) == position.first


def _first(place: Place, source: str) -> str:
    """Return what the ids of its lines begin with; empty where it has none yet."""
    if place.file is None:
        with closing(packed_lines(place.path, 0)) as lines:
            return _first_of(lines, source)
    place.file.seek(0)
    stream = io.BufferedReader(place.file, READ_BYTES)
    try:
        return _first_of(lines_of(stream), source)
    finally:
        stream.detach()


def _first_of(lines: Iterable[Line], source: str) -> str:
    ids = LineIds(source)
    for line in lines:
        if line.value is not None and line.is_content and line.has_end:
            ids.take(line.value, line.number)
            break
    return ids.file


def _unfit(file: io.FileIO) -> bool:
    return unfit(os.pread(file.fileno(), READ_BYTES, 0)) is not None


def _alike(position: Position) -> list[Path]:
    """Return the files among which a text may be, the likeliest first."""
    own = Path(position.path)

    def rank(path: Path) -> tuple[bool, bool, bool, float]:
        status = path.stat()
        is_other = (status.st_dev, status.st_ino) != (position.device, position.inode)
        return path != own, is_other, path.suffix in PACKED_SUFFIXES, -status.st_mtime

    ranks = {}
    for path in _beside(own):
        with suppress(OSError):
            ranks[path] = rank(path)
    return sorted(ranks, key=lambda path: ranks[path])


def _beside(own: Path) -> list[Path]:
    """Return the files of its folder whose names begin as its own does, but for what follows the last dot."""
    try:
        return sorted(path for path in own.parent.iterdir() if path.name.startswith(own.stem) and path.is_file())
    except OSError:
        return []
