"""The standard input, sent line by line as it comes. It has no position: what came before a restart is its sender's."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Any, NamedTuple

from ingest.files.identity import LineIds
from ingest.files.lines import Line
from ingest.files.log_file import LogFile
from ingest.files.source import STDIN, LogFileError
from ingest.following.follower import Following
from ingest.headers import LineHeaders
from ingest.import_logs import FLUSH_SECONDS

log = logging.getLogger(__name__)

MOST_READ = 64
"""Lines that are read and not yet sent; each may have a megabyte."""
POLL_SECONDS = 0.2
READER = "standard input"
LOG_SECONDS = 30.0


class _Read(NamedTuple):
    """A line, what makes the ids of its log's lines, and what is sent with it."""

    line: Line
    ids: LineIds
    headers: LineHeaders


_End = LogFileError | None
"""Why there are no more lines; None at the end of the input."""


def follow_input(
    producer: Following, source: str, stop: threading.Event, file: Any = None, log_format: str = ""
) -> int:
    """Send the lines of the standard input until it ends, or ``stop`` is set; return how many were sent.

    Args:
        producer: Takes them; while it has no room, nothing more is read.
        source: The name of the server whose logs these are; may be empty.
        stop: When set, what is at hand is sent.
        file: What to read instead of the standard input.
        log_format: The log string by which its lines are written, in our own names; may be empty.

    Raises:
        LogFileError: it is no access log, or is damaged; what came before was sent.
        ServiceError: Kafka refused a record.
    """
    found: Queue[_Read | _End] = Queue(MOST_READ)
    stream = file or os.fdopen(os.dup(0), "rb")  # a thread that reads the one of Python would not let it end
    arguments = (LogFile(STDIN, stream), source, log_format, found)
    threading.Thread(name=READER, target=_read, args=arguments, daemon=True).start()
    error: _End = None
    sent, logged_at = 0, time.monotonic()
    for read in _until(stop, found, producer):
        if not isinstance(read, _Read):
            error = read
            break
        number = f"standard input: line {read.line.number:,}"
        if read.line.value is None:
            log.error("%s was not sent: %s bytes are more than Kafka takes", number, f"{read.line.size:,}")
        elif read.line.is_comment:
            read.headers.take_comment(read.line.value)
        elif read.line.is_content:
            event_id = read.ids.take(read.line.value, read.line.number)
            producer.send(read.line.value, read.headers.of(event_id), number)
            sent += 1
        if time.monotonic() - logged_at >= LOG_SECONDS:
            logged_at = time.monotonic()
            log.info("%s lines sent, %s on their way", f"{sent:,}", f"{producer.waiting:,}")
    if not producer.flush(FLUSH_SECONDS if stop.is_set() else None):
        log.error("%s of the lines that were sent last are not acknowledged", f"{producer.waiting:,}")
    if error:
        raise error
    return sent


def _read(file: LogFile, source: str, log_format: str, found: Queue[_Read | _End]) -> None:
    """Read the input, which may take for ever: in a thread of its own, which ends with the process."""
    error: _End = None
    try:
        for one in file.logs():
            if one.kind:
                raise LogFileError(f"{one.name} is {one.kind}")
            ids, headers = LineIds(source), LineHeaders(source, log_format)
            for line in one.lines():
                if line.has_end or (line.value and one.is_whole(line.value)):
                    found.put(_Read(line, ids, headers))
    except LogFileError as failure:
        error = failure
    found.put(error)


def _until(stop: threading.Event, found: Queue[_Read | _End], producer: Following) -> Iterator[_Read | _End]:
    """Yield what is found; once ``stop`` is set, only what is at hand, and for a moment."""
    deadline = float("inf")
    while time.monotonic() < deadline:
        if stop.is_set():
            deadline = min(deadline, time.monotonic() + FLUSH_SECONDS)
        try:
            yield found.get(timeout=POLL_SECONDS)
        except Empty:
            producer.settle()
            if stop.is_set():
                return
