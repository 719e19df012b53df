"""The log importer: sends the lines of log files to Kafka as they are, each with its identity as a header."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from ingest.connection import connect
from ingest.log_file import STDIN, LineIds, LogFile, LogFileError
from ingest.producer import Producer
from lake.errors import ServiceError, SettingsError, SpaceError
from lake.settings import Settings

log = logging.getLogger(__name__)

ID_HEADER = "event_id"
LINES_PER_PROGRESS = 500
FLUSH_SECONDS = 3.0
"""How long Kafka may take for what is on its way when the user interrupts."""


class Sender(Protocol):
    """What the importer needs of a producer."""

    def send(self, value: bytes, headers: list[tuple[str, bytes]] | None = None, label: str = "") -> None:
        """Hand over a record."""

    def settle(self) -> None:
        """Take note of acknowledgements."""


@dataclass
class Tally:
    """What an import did. ``problems`` are messages for the user; with any of them the import has failed."""

    read: int = 0
    sent: int = 0
    blank: int = 0
    began: float = field(default_factory=time.monotonic)
    problems: list[str] = field(default_factory=list)

    def summary(self, acknowledged: int) -> str:
        """Return lines read, sent and acknowledged, and the seconds it took, as one line of text."""
        seconds = time.monotonic() - self.began
        parts = [f"{self.read:,} lines read", f"{self.sent:,} sent"]
        if acknowledged != self.sent:
            parts.append(f"{acknowledged:,} acknowledged")
        if self.blank:
            parts.append(f"{self.blank:,} blank ones skipped")
        return f"{', '.join(parts)}, {seconds:.1f} seconds"


def _nothing(_: object) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Progress:
    """Callbacks for how far an import is: ``begin`` gets a file's name, ``advance`` how many bytes were read."""

    begin: Callable[[str], object] = _nothing
    advance: Callable[[int], object] = _nothing


@dataclass(frozen=True)
class Outcome:
    """What has become of an import; without ``problems`` and ``was_interrupted`` all is well."""

    summary: str
    problems: list[str]
    was_interrupted: bool


def import_files(names: list[str], settings: Settings, patience_seconds: float, progress: Progress) -> Outcome:
    """Send the lines of log files, one file after the other, and wait until Kafka has them.

    Args:
        names: Paths, or ``-`` for the standard input.
        settings: Where Kafka is.
        patience_seconds: How long Kafka may take nothing.
        progress: Callbacks for how far it is.

    Raises:
        SettingsError: a file cannot be read; nothing was sent.
        ServiceError: there is no Kafka; nothing was sent.
    """
    check_files(names)
    tally = Tally()
    producer = connect(settings, patience_seconds, threading.Event(), "the import")
    assert producer is not None, "without a stop, connect returns a producer or raises"
    was_interrupted = False
    try:
        _send_all(names, producer, tally, progress)
        producer.flush()
    except (ServiceError, SpaceError) as error:
        tally.problems.append(str(error))
    except KeyboardInterrupt:
        was_interrupted = True
        try:
            producer.flush(FLUSH_SECONDS)
        except ServiceError as error:
            tally.problems.append(str(error))
    finally:
        producer.close()
    tally.problems += [f"{label} was refused by Kafka as too large" for label in producer.refused]
    if tally.read == 0 and not tally.problems and not was_interrupted:
        tally.problems.append(f"nothing to import: {', '.join(names)} held no lines")
    return Outcome(tally.summary(producer.acknowledged), tally.problems, was_interrupted)


def _send_all(names: list[str], producer: Producer, tally: Tally, progress: Progress) -> None:
    for name in names:
        progress.begin(name)
        with LogFile(name) as file:
            import_file(file, producer, tally, progress.advance)


def check_files(names: Iterable[str]) -> None:
    """Open every file once, so that nothing is sent where one of them is missing.

    Raises:
        SettingsError: a file does not exist, is a directory, or may not be read.
    """
    for name in names:
        if name != STDIN:
            try:
                with LogFile(name):
                    pass
            except LogFileError as error:
                raise SettingsError(str(error)) from error


def import_file(file: LogFile, producer: Sender, tally: Tally, progress: Callable[[int], object]) -> None:
    """Send the lines of a file that is open; count them, and what went wrong, in ``tally``.

    Args:
        file: where the lines come from.
        producer: where they go.
        tally: is added to.
        progress: called now and then with how many bytes of the file were read since the last call.

    Raises:
        ServiceError: Kafka cannot be reached, or refused a line.
    """
    ids = LineIds()
    reported = 0
    read_before = tally.read
    try:
        for number, value, size in file.lines():
            tally.read += 1
            if value is None:
                tally.problems.append(
                    f"{file.name}: line {number:,} was not sent: {size:,} bytes are more than Kafka takes"
                )
            elif not value.strip():
                tally.blank += 1
            else:
                producer.send(value, [(ID_HEADER, ids.take(value))], f"{file.name}: line {number:,}")
                tally.sent += 1
            if number % LINES_PER_PROGRESS == 0:
                producer.settle()
                progress(file.position - reported)
                reported = file.position
    except LogFileError as error:
        tally.problems.append(f"{error} ({tally.sent:,} lines sent so far)")
    progress(file.position - reported)
    if tally.read == read_before:
        log.warning("%s is empty: no lines", file.name)
