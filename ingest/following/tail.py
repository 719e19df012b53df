"""One file that is followed: where it is read, how far Kafka has it, and whether it is still the same file."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Generator
from typing import NamedTuple

from ingest.files.encoding import in_utf8
from ingest.files.ending import Neighbours
from ingest.files.identity import LineIds
from ingest.files.kinds import MOST_BYTES, foreign_kind
from ingest.files.lines import Line, lines_of
from ingest.files.packings import is_packed
from ingest.files.source import READ_BYTES
from ingest.headers import LineHeaders
from lake.contracts.following import Position

HEAD_BYTES = 256
"""By so many first bytes it shows that a file was truncated and written again, also where it is as long as before."""


class Place(NamedTuple):
    """A place between two lines: the bytes and lines before it, and what the ids of the file's lines begin with.

    ``fields`` are those of a W3C log there.
    """

    offset: int
    number: int
    first: str
    fields: str


class Tail:
    """A file that is read as it grows, by a handle that stays with it when it is renamed.

    It is *lost* while it has neither a handle nor the lines of a packed copy: after a restart, and when its text was
    copied elsewhere and truncated. Then somebody looks for it by what the ids of its lines begin with.
    """

    def __init__(self, position: Position, source: str = "", log_format: str = "") -> None:
        """Begin as lost, where Kafka has the lines up to a position."""
        self.path = position.path
        self.device, self.inode = position.device, position.inode
        self.kept = Place(position.offset, position.number, position.first, position.fields)
        """How far Kafka has it."""
        self.pending = 0
        """Steps that are sent and not yet acknowledged."""
        self.is_leaving = self.is_done = False
        self.unfit = ""
        """Why it cannot be followed."""
        self.headers = LineHeaders(source, log_format)
        """What is sent with its next line."""
        self._source = source
        self._file: io.FileIO | None = None
        self._packed: Generator[Line, None, None] | None = None
        self._neighbours = Neighbours()
        self.lost_at = time.monotonic()
        self.rewind()

    @property
    def is_lost(self) -> bool:
        """Whether nobody knows where its text is."""
        return self._file is None and self._packed is None

    @property
    def is_open(self) -> bool:
        """Whether it has a handle."""
        return self._file is not None

    @property
    def place(self) -> Place:
        """How far it was read; of a packed copy nothing is kept before its end."""
        return self.kept if self._packed else Place(self._offset, self._number, self._ids.file, self.headers.fields)

    @property
    def position(self) -> Position:
        """How far Kafka has it, for the record."""
        return self._position(self.kept)

    @property
    def read_position(self) -> Position:
        """How far it was read."""
        return self._position(self.place)

    @property
    def bytes_behind(self) -> int:
        """How many bytes are there that Kafka has not."""
        return max(self._size - self.kept.offset, 0) if self._file and not self.unfit else 0

    def attach(self, file: io.FileIO) -> None:
        """Read it by this handle from now on."""
        status = os.fstat(file.fileno())
        self.device, self.inode = status.st_dev, status.st_ino
        self._file, self._packed = file, None
        self._seen, self._head = (-1, -1), b""
        self.look()
        self._remember_head()

    def attach_packed(self, lines: Generator[Line, None, None]) -> None:
        """Read its rest from a packed copy: its lines from the first that was not sent."""
        self._packed = lines

    def release(self) -> io.FileIO:
        """Lose it, and return the handle, which has become that of another text."""
        assert self._file is not None, "only what is open can be released"
        file, self._file = self._file, None
        self.device = self.inode = 0
        self.lost_at = time.monotonic()
        return file

    def close(self) -> None:
        """Close the handle, or the packed copy; it is lost by that."""
        self._close_packed()
        if self._file:
            self._file.close()
            self._file = None
            self.lost_at = time.monotonic()

    def rewind(self) -> None:
        """Go back to what Kafka has; a packed copy is lost by that."""
        self._offset, self._number = self.kept.offset, self.kept.number
        self._ids = LineIds(self._source)
        self._ids.file = self.kept.first
        self.headers.fields = self.kept.fields
        self._close_packed()

    def look(self) -> None:
        """Take note of how large it is, and whether somebody has written to it."""
        if self._file is None:
            return
        status = os.fstat(self._file.fileno())
        self.is_gone = status.st_nlink == 0
        self._size = status.st_size
        if (seen := (status.st_size, status.st_mtime_ns)) != self._seen:
            self._seen, self._changed_at = seen, time.monotonic()
            self.unfit = self._unfit()

    def rest_seconds(self) -> float:
        """Return for how long nobody has written to it, as far as was seen."""
        return time.monotonic() - self._changed_at

    def was_truncated(self) -> bool:
        """Say whether the handle shows another text than was read: a shorter one, or one that begins otherwise."""
        if self._file is None or not self._offset:
            return False
        return self._size < self._offset or os.pread(self._file.fileno(), len(self._head), 0) != self._head

    def lines(self) -> Generator[Line, None, None]:
        """Yield the lines that are there and have their end; tell :meth:`take` of each before the next."""
        if self._packed:
            while (line := next(self._packed, None)) is not None:
                yield line
            self.is_done = True
        elif self._file and not self.unfit:
            self._file.seek(self._offset)
            stream = io.BufferedReader(self._file, READ_BYTES)
            try:
                for line in lines_of(stream, self._number):
                    if not line.has_end:
                        break
                    self._next = stream.tell()
                    yield line
            finally:
                stream.detach()  # a new one each time: what it holds may be another text after a truncation

    def take(self, line: Line) -> bytes | None:
        """Go on behind a line; return its id, or None where it is none to send."""
        self._number = line.number
        if not self._packed:
            self._offset = self._next
            self._remember_head()
        if line.value is not None and line.is_comment:
            self.headers.take_comment(line.value)
        if line.value is None or not line.is_content:
            return None
        self._neighbours.take(line.value)
        return self._ids.take(line.value, line.number)

    def stump(self) -> Line | None:
        """Return the last line of a file at rest, which has no end, if it is built like those before it."""
        if self._file is None or self.unfit:
            return None
        self._file.seek(self._offset)
        stream = io.BufferedReader(self._file, READ_BYTES)
        try:
            line = next(lines_of(stream, self._number), None)
            self._next = stream.tell()
        finally:
            stream.detach()
        is_whole = line and line.value and line.is_content and self._neighbours.are_like(line.value)
        return line if is_whole else None

    def _close_packed(self) -> None:
        if self._packed:
            self._packed.close()
            self._packed = None

    def _position(self, place: Place) -> Position:
        return Position(self.path, self.device, self.inode, place.first, place.offset, place.number, place.fields)

    def _remember_head(self) -> None:
        if self._file and len(self._head) < min(HEAD_BYTES, self._offset):
            self._head = os.pread(self._file.fileno(), min(HEAD_BYTES, self._offset), 0)

    def _unfit(self) -> str:
        """Return why it cannot be followed; empty where it can, or has not begun yet."""
        if self._file is None or self._offset:
            return ""
        begin = os.pread(self._file.fileno(), MOST_BYTES, 0)
        is_begun = b"\n" in begin or len(begin) == MOST_BYTES
        return (unfit(begin) if is_begun or is_packed(begin) else None) or ""


def unfit(begin: bytes) -> str | None:
    """Return why a file that begins so cannot be followed; None where it can."""
    if is_packed(begin):
        return "packed, so nobody writes to it any more; import it without --follow"
    stream = io.BufferedReader(io.BytesIO(begin))
    if in_utf8(stream) is not stream:
        return "not in UTF-8, and can be imported only when it is complete, without --follow"
    return foreign_kind(begin, begin)
