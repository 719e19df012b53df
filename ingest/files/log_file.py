"""A log file: the logs in it, one or, in an archive, several, and the lines of each."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest.files.encoding import in_utf8
from ingest.files.ending import Neighbours, is_at_rest
from ingest.files.kinds import foreign_kind
from ingest.files.lines import Line, lines_of
from ingest.files.packings import DAMAGES, Text, texts
from ingest.files.source import STDIN, BrokenFileError, buffered, head, open_source


class Log:
    """One log, to be read once: the text of a file, or of a member of an archive."""

    def __init__(self, file: LogFile, text: Text) -> None:
        self.name = text.name
        self.is_member = text.is_member
        self._file = file
        self._is_packed = text.is_packed
        begin = head(text.stream)
        self._stream = in_utf8(text.stream)
        self.kind = foreign_kind(begin, head(self._stream))
        """What it is, where it is no access log; None where it may be one."""
        self._neighbours = Neighbours()

    @property
    def beginning(self) -> bytes:
        """The first bytes of the text, as many as are at hand."""
        return head(self._stream)

    def lines(self) -> Iterator[Line]:
        """Yield every line, blank ones and comments too, in constant memory however long a line is.

        Raises:
            BrokenFileError: the file is cut off or damaged; the lines before that were yielded.
        """
        number = 0
        with _damages(lambda: f"{self.name} is broken after line {number:,}"):
            for line in lines_of(self._stream):
                yield line
                number = line.number
                if line.value and line.has_end:
                    self._neighbours.take(line.value)

    def is_whole(self, line: bytes) -> bool:
        """Say whether the last line, which has no end, is one that the server has written to its end.

        It must be built as those before it. And nobody may be writing the file: a packed one, the standard input or a
        pipe at its end, or one at rest, which takes some seconds to be known of a file that has just been written.
        """
        if not self._neighbours.are_like(line):
            return False
        return self._is_packed or self._file.is_at_rest()


class LogFile:
    """A log file open for reading; use it in a ``with``. The name ``-`` is standard input.

    How it is packed shows in its first bytes, not in its name. ``path`` is None where it can be read only once: of the
    standard input, and of a pipe.

    Raises:
        LogFileError: there is no such file, it is a directory, or it may not be read.
    """

    def __init__(self, name: str, file: io.BufferedReader[Any] | None = None) -> None:
        """Open it; ``file`` is what is open already under the name."""
        self.name = "standard input" if name == STDIN else name
        self._file = file or open_source(name)
        self.path = Path(name) if name != STDIN and self._file.seekable() else None
        self._stream = buffered(self._file)

    def __enter__(self) -> LogFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not sys.stdin.buffer:
            self._file.close()

    @property
    def position(self) -> int:
        """Bytes of the file (packed where it is) that have been read."""
        return self._file.tell() if self.path else self._stream.raw.position

    def is_at_rest(self) -> bool:
        """Wait until nobody has written to the file for a while; say whether it still ends where it was read to."""
        return self.path is None or is_at_rest(self.path, self._file.fileno(), self.position)

    def logs(self) -> Iterator[Log]:
        """Yield the logs of the file, one after the other: read each before you take the next.

        Raises:
            LogFileError: it is packed in a way that cannot be read here.
            BrokenFileError: it is cut off or damaged.
        """
        with _damages(lambda: f"{self.name} is broken"):
            for text in texts(self.name, self._stream, self._file if self.path else None):
                yield Log(self, text)


@contextmanager
def _damages(what: Callable[[], str]) -> Iterator[None]:
    """Raise BrokenFileError where a file turns out to be damaged."""
    try:
        yield
    except DAMAGES as error:
        raise BrokenFileError(f"{what()} ({error})") from error
