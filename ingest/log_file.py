"""A log file, plain or gzipped: its lines, and an identity for each that any copy of the file gives again."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ingest.producer import MAX_VALUE_BYTES
from lake.errors import WeblakeError

STDIN = "-"
GZIP_MAGIC = b"\x1f\x8b"
REMEMBERED_LINES = 1_000_000
READ_BYTES = 256 * 1024


class LogFileError(WeblakeError):
    """A log file cannot be read."""


class Line(NamedTuple):
    """A line as the server wrote it, without its line end. ``value`` is None where it was too large to keep."""

    number: int
    value: bytes | None
    size: int


class LogFile:
    """A log file open for reading; use it in a ``with``. The name ``-`` is standard input.

    Whether it is gzipped shows in its first bytes, not in its name.

    Raises:
        LogFileError: there is no such file, it is a directory, or it may not be read.
    """

    def __init__(self, name: str) -> None:
        self.name = "standard input" if name == STDIN else name
        self._raw = _open(name)
        self.size = 0 if name == STDIN else Path(name).stat().st_size
        self._counted = _Counted(self._raw)
        buffered = io.BufferedReader(self._counted, READ_BYTES)
        is_gzipped = buffered.peek(len(GZIP_MAGIC))[: len(GZIP_MAGIC)] == GZIP_MAGIC
        self._lines: io.BufferedReader[_Counted] | gzip.GzipFile = (
            gzip.GzipFile(fileobj=buffered) if is_gzipped else buffered
        )

    def __enter__(self) -> LogFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._raw is not sys.stdin.buffer:
            self._raw.close()

    @property
    def position(self) -> int:
        """Bytes of the file (compressed where it is) that have been read."""
        return self._counted.position

    def lines(self) -> Iterator[Line]:
        """Yield every line, blank ones too, in constant memory however long a line is.

        Raises:
            LogFileError: the gzip data is cut short or broken, or reading failed; the lines before it were yielded.
        """
        number = 0
        limit = MAX_VALUE_BYTES + 2  # the line end does not count
        readline = self._lines.readline
        try:
            while text := readline(limit):
                number += 1
                size = len(text)
                while size >= limit and text[-1:] != b"\n" and (more := readline(READ_BYTES)):
                    size += len(more)
                    text = more
                value = _without_line_end(text)
                yield Line(number, value if size <= limit and len(value) <= MAX_VALUE_BYTES else None, size)
        except (EOFError, zlib.error, OSError) as error:
            raise LogFileError(
                f"{self.name} is broken after line {number:,} ({error}); what came before it was sent; fetch the file "
                "again and import it again; no line counts twice"
            ) from error


class LineIds:
    """Identities of a file's lines: a hash of the bytes, and how many identical lines stood before it.

    Only the last :data:`REMEMBERED_LINES` different lines are remembered at most, at least half of them, so memory is
    bounded (about 100 MB). An identical line further back starts again at 0, always in the same way. That does no harm:
    identical lines carry the same second, so they stand close together.
    """

    def __init__(self, remembered: int = REMEMBERED_LINES) -> None:
        self._half = remembered // 2
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def take(self, line: bytes) -> bytes:
        """Return the identity of the next line of the file, ``<hash in hex>-<ordinal>``."""
        digest = blake2b(line, digest_size=16).digest()
        ordinal = self._young.get(digest)
        if ordinal is None:
            ordinal = self._old.get(digest, 0)
            if len(self._young) >= self._half:
                self._old, self._young = self._young, {}
        self._young[digest] = ordinal + 1
        return f"{digest.hex()}-{ordinal}".encode()


class _Counted(io.RawIOBase):
    """Counts the bytes that are read through it, for the progress bar."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._source.readinto1(buffer)  # type: ignore[attr-defined]
        self.position += count
        return count


def _open(name: str) -> BinaryIO:
    if name == STDIN:
        return sys.stdin.buffer
    path = Path(name)
    if path.is_dir():
        raise LogFileError(f"{name} is a directory; name the log files in it, such as {name.rstrip('/')}/*.log")
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise LogFileError(f"{name} does not exist; give the path of a log file, or - for standard input") from error
    except OSError as error:
        raise LogFileError(f"{name} cannot be read: {error.strerror}; check its permissions") from error


def _without_line_end(line: bytes) -> bytes:
    if line.endswith(b"\n"):
        return line[:-2] if line.endswith(b"\r\n") else line[:-1]
    return line
