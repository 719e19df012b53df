"""Sends the lines of files as they are written, and keeps how far Kafka has them, so that none is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from typing import Protocol

from ingest.files.lines import Line
from ingest.files.source import LogFileError
from ingest.following.progress import Progress
from ingest.following.tail import Place, Tail
from ingest.following.tails import Tails
from ingest.import_logs import FLUSH_SECONDS, Sender

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""Between two looks at the files."""
FULL_SECONDS = 0.05
"""Before the next line is tried where as many are on their way as may be."""
SLICE_LINES = 2_000
"""So many lines of a file are read before it is another's turn."""
STALL_SECONDS = 10.0
"""Kafka that has acknowledged nothing for so long is waited for."""


class Following(Sender, Protocol):
    """What following needs of a producer."""

    @property
    def sent(self) -> int:
        """Records handed over."""

    @property
    def waiting(self) -> int:
        """Records that are sent and not yet acknowledged."""

    @property
    def has_room(self) -> bool:
        """Whether it takes another record without waiting."""

    def flush(self, seconds: float | None = None) -> bool:
        """Wait until every record is acknowledged; return whether all were."""


class Follower:
    """Follows files with one producer."""

    def __init__(
        self,
        tails: Tails,
        producer: Following,
        progress: Progress,
        shortage: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Begin; ``shortage`` says in a sentence why Kafka's disk can take no more now."""
        self._tails = tails
        self._producer = producer
        self._progress = progress
        self._shortage = shortage
        self._steps: deque[tuple[int, Tail, Place]] = deque()
        self._settled, self._moved_at = 0, time.monotonic()
        self._is_short = False

    def run(self, stop: threading.Event) -> None:
        """Go on until ``stop`` is set; then wait for what is on its way, as long as an import does.

        Raises:
            ServiceError: Kafka refused a record, or has no such topic any more.
        """
        look_at = 0.0
        while not stop.is_set():
            if time.monotonic() >= look_at:
                self._tails.look()
                self._progress.waits = self._wait_for()
                look_at = time.monotonic() + POLL_SECONDS
            has_more = not self._is_short and self.send_slices(stop)
            self.keep()
            self._progress.tell(self._tails)
            if not has_more:
                stop.wait(POLL_SECONDS)
            elif not self._producer.has_room:
                stop.wait(FULL_SECONDS)
        self._producer.flush(FLUSH_SECONDS)
        self.keep()

    def send_slices(self, stop: threading.Event) -> bool:
        """Send some lines of each file; return whether one of them has more."""
        has_more = False
        for tail in self._tails:
            try:
                has_more |= self._send(tail, stop)
            except LogFileError as error:
                log.warning("%s; it is read again", error)
                tail.rewind()
            except OSError as error:
                log.warning("%s cannot be read: %s", tail.path, error)
            if tail.is_done and not tail.pending:
                self._tails.drop(tail)
        return has_more

    def keep(self) -> None:
        """Take note of what Kafka has."""
        self._producer.settle()
        settled = self._producer.sent - self._producer.waiting
        if settled != self._settled or not self._producer.waiting:
            self._settled, self._moved_at = settled, time.monotonic()
        while self._steps and self._steps[0][0] <= settled:
            _, tail, place = self._steps.popleft()
            tail.kept = place
            tail.pending -= 1

    def _send(self, tail: Tail, stop: threading.Event) -> bool:
        number = 0
        with closing(tail.lines()) as lines:
            while number < SLICE_LINES and self._producer.has_room and not stop.is_set():
                line = next(lines, None)
                if line is None:
                    break
                self._send_line(tail, line)
                number += 1
            else:
                self._note(tail, number)
                return True
        if tail.is_leaving and not number and not tail.is_done:
            if stump := tail.stump():
                self._send_line(tail, stump)
                number = 1
            log.info("%s was rotated away, and is read to its end", tail.path)
            tail.is_done = True
        self._note(tail, number)
        return False

    def _send_line(self, tail: Tail, line: Line) -> None:
        where = f"{tail.path}: line {line.number:,}"
        event_id = tail.take(line)
        if line.value is None:
            log.error("%s was not sent: %s bytes are more than Kafka takes", where, f"{line.size:,}")
        elif event_id:
            self._producer.send(line.value, tail.headers.of(event_id), where)
            self._progress.sent += 1
            self._progress.newest = line.value

    def _note(self, tail: Tail, number: int) -> None:
        """Remember to keep how far a file was read, once Kafka has all that was sent of it."""
        if number:
            self._steps.append((self._producer.sent, tail, tail.place))
            tail.pending += 1

    def _wait_for(self) -> str:
        """Return what keeps lines from being sent; empty where nothing does."""
        short = self._shortage()
        self._is_short = short is not None
        if short:
            return short
        still = time.monotonic() - self._moved_at
        return f"Kafka has acknowledged nothing for {still:.0f} s" if still > STALL_SECONDS else ""
