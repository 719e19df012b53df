"""What a log is read from: a file or the standard input, opened, and read piece by piece."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any, Protocol, cast

from lake.errors import WeblakeError

STDIN = "-"
READ_BYTES = 256 * 1024


class LogFileError(WeblakeError):
    """A log file cannot be read."""


class BrokenFileError(LogFileError):
    """A log file ends before its end, or is damaged; what came before that was read."""


class Readable(Protocol):
    """What gives bytes as they come."""

    def read1(self, size: int, /) -> bytes:
        """Return at most so many bytes, from at most one read of what lies below; none at the end."""


class _Through(io.RawIOBase):
    """Hands on what another stream has at hand, and counts it; what came before an error is handed on too."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._source.read1(len(buffer))
        buffer[: len(piece)] = piece
        self.position += len(piece)
        return len(piece)


def buffered(source: Readable) -> io.BufferedReader[Any]:
    """Return a stream with a head to look at and lines to read."""
    return io.BufferedReader(_Through(source), READ_BYTES)


def head(stream: io.BufferedReader[Any]) -> bytes:
    """Return the next bytes of a stream, as many as are at hand, without taking them; none at its end."""
    return stream.peek(READ_BYTES)


def open_source(name: str) -> io.BufferedReader[Any]:
    """Open a file, or the standard input for ``-``.

    Raises:
        LogFileError: there is no such file, it is a directory, or it may not be read.
    """
    if name == STDIN:
        return cast("io.BufferedReader[Any]", sys.stdin.buffer)
    path = Path(name)
    if path.is_dir():
        raise LogFileError(f"{name} is a directory; name the log files in it, such as {name.rstrip('/')}/*.log")
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise LogFileError(
            f"{name} does not exist; give the path of a log file, in quotes if it has blanks, or - for standard input"
        ) from error
    except OSError as error:
        raise LogFileError(f"{name} cannot be read: {error.strerror}; check its permissions") from error
