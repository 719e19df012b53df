"""The last line of a text that has no line end: a whole line, or what was written of one so far."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections import deque
from pathlib import Path

log = logging.getLogger(__name__)

REST_SECONDS = 10.0
"""A file is at rest that nobody has written to for so long."""
POLL_SECONDS = 0.2
NEIGHBOURS = 100
"""So many lines say how a line of the file is built."""
_TOKEN = re.compile(
    rb'(?P<quoted>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<bracketed>\[[^\]]*\])|(?P<open>["\[].*)|(?P<word>[^\s"\[]+)', re.DOTALL
)
_LETTERS = {"quoted": "q", "bracketed": "b", "open": "?", "word": "w"}
_TIME = re.compile(rb"\d\d?/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


class Neighbours:
    """The lines before the last one, by which it is judged."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque(maxlen=NEIGHBOURS)

    def take(self, line: bytes) -> None:
        """Remember a line that has its end."""
        self._lines.append(line)

    def are_like(self, line: bytes) -> bool:
        """Say whether the line is built as one of them; where there are none, whether it can be whole at all."""
        if line.startswith(b"{"):
            return _is_object(line)
        shape = _shape(line)
        if not self._lines:
            return "?" not in shape and _TIME.search(line) is not None
        return any(_shape(other) == shape for other in self._lines)


def is_at_rest(path: Path, descriptor: int, size: int) -> bool:
    """Wait until nobody has written to the file for a while; say whether it still has the size that was read.

    The file that is open is asked: meanwhile its name may have become that of another.
    """
    deadline: float | None = None
    while True:
        now = os.fstat(descriptor)
        if now.st_size != size:
            return False
        if time.time() - now.st_mtime >= REST_SECONDS:
            return True
        if deadline is None:
            deadline = time.monotonic() + REST_SECONDS  # whatever the clock of its disk says
            log.info("%s: the last line has no end; looking for %.0f s whether it is still written", path, REST_SECONDS)
        elif time.monotonic() >= deadline:
            return True
        time.sleep(POLL_SECONDS)


def _shape(line: bytes) -> str:
    """Return how a line is built: a letter for each of its fields."""
    return "".join(_LETTERS[str(match.lastgroup)] for match in _TOKEN.finditer(line))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
