"""The lines of a text, however long they are, in constant memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

from ingest.files.encoding import UTF8_BOM
from ingest.files.source import READ_BYTES
from ingest.producer import MAX_VALUE_BYTES

LIMIT = MAX_VALUE_BYTES + 2  # the line end does not count
COMMENT = b"#"


class Line(NamedTuple):
    """A line as the server wrote it, without its line end. ``value`` is None where it was too large to keep."""

    number: int
    value: bytes | None
    size: int
    has_end: bool = True
    """Whether its end was there; only the last line of a text may be without."""

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it."""
        return self.value is not None and not self.value.strip()

    @property
    def is_comment(self) -> bool:
        """Whether the server says something of the log in it, as that of IIS does."""
        return self.value is not None and self.value.startswith(COMMENT)

    @property
    def is_content(self) -> bool:
        """Whether it is a line of the log itself, short or too long."""
        return not self.is_blank and not self.is_comment


def lines_of(stream: io.BufferedReader[Any], before: int = 0) -> Iterator[Line]:
    """Yield every line, blank ones and comments too; ``before`` is how many stand before the stream's first one.

    NULs before a line are no part of it: a server that goes on writing where it was, in a file that was truncated,
    leaves them. A BOM before a line comes from files that were joined.
    """
    number = before
    while text := stream.readline(LIMIT):
        number += 1
        if text[0] == 0:
            text = _after_nuls(text, stream)
        text = text.removeprefix(UTF8_BOM)
        size = len(text)
        end = text[-1:]
        while size >= LIMIT and end != b"\n" and (more := stream.readline(READ_BYTES)):
            size += len(more)
            end = more[-1:]
        value = _without_line_end(text)
        is_kept = size <= LIMIT and len(value) <= MAX_VALUE_BYTES
        yield Line(number, value if is_kept else None, size, end == b"\n")
        if end != b"\n":
            return  # what is written meanwhile would not be a line's beginning


def _after_nuls(text: bytes, stream: io.BufferedReader[Any]) -> bytes:
    """Return a line without the NULs before it, of which there may be gigabytes."""
    text = text.lstrip(b"\0")
    while not text and (text := stream.readline(READ_BYTES)):
        text = text.lstrip(b"\0")
    if text and not text.endswith(b"\n"):
        text += stream.readline(LIMIT - len(text)) if len(text) < LIMIT else b""
    return text


def _without_line_end(line: bytes) -> bytes:
    if line.endswith(b"\n"):
        return line[:-2] if line.endswith(b"\r\n") else line[:-1]
    return line
