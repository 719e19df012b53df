"""The log importer: sends the lines of log files to Kafka as they are, each with its identity as a header."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from ingest.connection import connect
from ingest.files.identity import LineIds
from ingest.files.lines import Line
from ingest.files.log_file import Log, LogFile
from ingest.files.source import BrokenFileError, LogFileError
from ingest.headers import LineHeaders
from ingest.stored import StoredOffsets
from ingest.survey import Opened, survey
from lake.errors import ServiceError, SpaceError
from lake.settings import Settings

log = logging.getLogger(__name__)

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
    comments: int = 0
    held_back: int = 0
    began: float = field(default_factory=time.monotonic)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)
    """What the ids of a log's lines begin with -> its name."""

    def summary(self, acknowledged: int) -> str:
        """Return lines read, sent and acknowledged, and the seconds it took, as one line of text."""
        seconds = time.monotonic() - self.began
        parts = [f"{self.read:,} lines read", f"{self.sent:,} sent"]
        if acknowledged != self.sent:
            parts.append(f"{acknowledged:,} acknowledged")
        if self.blank:
            parts.append(f"{self.blank:,} blank ones skipped")
        if self.comments:
            parts.append(f"{self.comments:,} comments skipped")
        return f"{', '.join(parts)}, {seconds:.1f} seconds"


def _nothing(*_: object) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Progress:
    """Callbacks for how far an import is.

    ``look`` gets the name of a file that is looked at before anything is sent, ``begin`` that of one that is sent, and
    ``advance`` how many bytes of it were read.
    """

    look: Callable[[str], object] = _nothing
    begin: Callable[[str], object] = _nothing
    advance: Callable[[int], object] = _nothing


@dataclass(frozen=True)
class ImportOptions:
    """How to import.

    Attributes:
        patience_seconds: How long Kafka may take nothing.
        source: The name of the server whose logs these are; may be empty.
        log_format: The log string by which their lines are written, in our own names; may be empty.
        again: Whether to send what seems to be in the lake already.
        looks_up: Whether the lake of the settings is the one that the records go to.
    """

    patience_seconds: float = 120.0
    source: str = ""
    log_format: str = ""
    again: bool = False
    looks_up: bool = True


@dataclass(frozen=True)
class Outcome:
    """What has become of an import; without ``problems`` and ``was_interrupted`` all is well so far."""

    summary: str
    problems: list[str]
    was_interrupted: bool
    notes: list[str] = field(default_factory=list)
    """What else the user should know."""
    stored: StoredOffsets = field(default_factory=StoredOffsets)
    """Where in Kafka its records are."""
    logs: dict[str, str] = field(default_factory=dict)
    """As in :class:`Tally`."""


def import_files(names: list[str], settings: Settings, options: ImportOptions, progress: Progress) -> Outcome:
    """Send the lines of log files, one file after the other, and wait until Kafka has them.

    Args:
        names: Paths, or ``-`` for the standard input.
        settings: Where Kafka is, and the lake in which the lines may be already.
        options: How.
        progress: Callbacks for how far it is.

    Raises:
        SettingsError: a file cannot be read, or is no access log; nothing was sent.
        CopyError: lines of a file are in the lake already, under other ids; nothing was sent.
        ServiceError: there is no Kafka; nothing was sent.
    """
    with ExitStack() as opened:
        looks_up = options.looks_up and not options.again
        found = survey(names, settings, options.source, looks_up=looks_up, opened=opened, look=progress.look)
        producer = connect(settings, options.patience_seconds, threading.Event(), "the import")
        assert producer is not None, "without a stop, connect returns a producer or raises"
        producer.stored = StoredOffsets()
        importing = Importing(producer, options.source, options.log_format, progress)
        tally, was_interrupted = importing.tally, False
        try:
            for name in names:
                importing.send(name, found.opened.get(name))
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
    if tally.sent == tally.held_back == 0 and not tally.problems and not was_interrupted:
        tally.problems.append(f"nothing to import: {', '.join(names)} held no lines of a log")
    summary = tally.summary(producer.acknowledged)
    return Outcome(summary, tally.problems, was_interrupted, found.notes + tally.notes, producer.stored, tally.logs)


class Importing:
    """Sends files, one after the other, and keeps the tally."""

    def __init__(
        self, producer: Sender, source: str = "", log_format: str = "", progress: Progress | None = None
    ) -> None:
        """Begin; ``source`` is the name of the server, ``log_format`` how lines are written; both may be empty."""
        self.tally = Tally()
        self._producer = producer
        self._source = source
        self._log_format = log_format
        self._progress = progress or Progress()

    def send(self, name: str, opened: Opened | None) -> None:
        """Send the lines of a file, from where it is if it is open; one that has become unreadable is a problem.

        Raises:
            ServiceError: Kafka cannot be reached, or refused a line.
        """
        try:
            if opened:
                self.send_file(*opened)
            else:
                with LogFile(name) as file:
                    self.send_file(file, file.logs())
        except LogFileError as error:
            self.tally.problems.append(str(error))
        except OSError as error:
            self.tally.problems.append(f"{name}: {error}; import it again; no line counts twice")

    def send_file(self, file: LogFile, logs: Iterator[Log]) -> None:
        """Send the lines of a file that is open; count them, and what went wrong, in the tally.

        Raises:
            ServiceError: Kafka cannot be reached, or refused a line.
        """
        tally, read_before = self.tally, self.tally.read
        self._file, self._reported = file, 0
        self._progress.begin(file.name)
        try:
            for one in logs:
                if one.kind:
                    tally.notes.append(f"{one.name} was left out: it is {one.kind}")
                else:
                    self._send(one)
        except BrokenFileError as error:
            tally.problems.append(
                f"{error}; what came before it was sent ({tally.sent:,} lines sent so far), and a line that it cuts "
                "was held back; fetch the file again and import it again; no line counts twice"
            )
        except LogFileError as error:
            tally.problems.append(f"{error} ({tally.sent:,} lines sent so far)")
        else:
            if tally.read == read_before:
                log.warning("%s is empty: no lines", file.name)
        self._report()

    def _send(self, one: Log) -> None:
        ids, headers = LineIds(self._source), LineHeaders(self._source, self._log_format)
        try:
            for line in one.lines():
                self._send_line(one, line, ids, headers)
                if line.number % LINES_PER_PROGRESS == 0:
                    self._producer.settle()
                    self._report()
        finally:
            self.tally.logs[ids.file] = one.name

    def _send_line(self, one: Log, line: Line, ids: LineIds, headers: LineHeaders) -> None:
        tally, where = self.tally, f"{one.name}: line {line.number:,}"
        tally.read += 1
        if line.value is None:
            tally.problems.append(f"{where} was not sent: {line.size:,} bytes are more than Kafka takes")
        elif line.is_blank:
            tally.blank += 1
        elif line.is_comment:
            headers.take_comment(line.value)
            tally.comments += 1
        elif self._is_whole(one, line):
            event_id = ids.take(line.value, line.number)
            self._producer.send(line.value, headers.of(event_id), where)
            tally.sent += 1

    def _report(self) -> None:
        """Tell how much of the file was read since the last time."""
        position = self._file.position
        self._progress.advance(position - self._reported)
        self._reported = position

    def _is_whole(self, one: Log, line: Line) -> bool:
        """Say whether a line is to be sent; tell of one that is held back."""
        if line.has_end or (line.value is not None and one.is_whole(line.value)):
            return True
        self.tally.notes.append(
            f"{one.name}: line {line.number:,} has no end and may be half of one, so it was held back; import the file "
            "again when it has the rest: no line counts twice"
        )
        self.tally.held_back += 1
        return False
