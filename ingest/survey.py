"""A look at all files before anything is sent: whether they can be read, are access logs, and are new to the lake."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from ingest.copies import CopyError, require_new
from ingest.files.lines import Line, lines_of
from ingest.files.log_file import Log, LogFile
from ingest.files.source import BrokenFileError, LogFileError
from ingest.sample import Numbered, Sample, Sampled
from lake.bronze_rows import BronzeRows, open_bronze
from lake.errors import LakeError, SettingsError
from lake.settings import Settings


class Opened(NamedTuple):
    """A file that can be read only once, and its logs from the first one on."""

    file: LogFile
    logs: Iterator[Log]


@dataclass
class Survey:
    """What was found. ``opened`` has the files that are to be read on from where they are, by name."""

    opened: dict[str, Opened] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def survey(
    names: Iterable[str],
    settings: Settings,
    source: str,
    *,
    looks_up: bool,
    opened: ExitStack,
    look: Callable[[str], object],
) -> Survey:
    """Look at the files: at all lines of each where their lines are to be looked up, else at its first bytes.

    Of the standard input and of a pipe only what is at hand is looked at, for they can be read only once.

    Args:
        names: Paths, or ``-`` for the standard input.
        settings: Where the lake is.
        source: The name of the server; may be empty.
        looks_up: Whether to look up lines in the lake.
        opened: Closes what stays open.
        look: Called with the name of each file.

    Raises:
        SettingsError: a file cannot be read, or is no access log.
        CopyError: lines of a file are in the lake already, under other ids.
    """
    found = Survey()
    bronze = _Bronze(settings if looks_up else None, source, found.notes)
    try:
        for name in names:
            look(name)
            file = LogFile(name)
            if file.path is None:
                found.opened[name] = _begun(opened.enter_context(file), bronze)
            else:
                with file:
                    _look_at_all(file, bronze)
    except BrokenFileError as error:
        raise SettingsError(f"{error}; nothing was sent") from error
    except LogFileError as error:
        raise SettingsError(str(error)) from error
    return found


class _Bronze:
    """The lines that the lake has, as far as it can be looked into; a note says why it cannot."""

    def __init__(self, settings: Settings | None, source: str, notes: list[str]) -> None:
        self._source = source
        self._notes = notes
        self.rows: BronzeRows | None = None
        if settings:
            try:
                self.rows = open_bronze(settings)
            except LakeError as error:
                self._give_up(error)

    def require_new(self, name: str, lines: Iterator[Line]) -> None:
        if self.rows is None:
            return
        try:
            require_new(name, _sample(lines, self._source), self._source, self.rows)
        except CopyError:
            raise
        except LakeError as error:
            self._give_up(error)

    def _give_up(self, error: LakeError) -> None:
        self._notes.append(f"whether these lines came before was not looked up: {error}")
        self.rows = None


def _begun(file: LogFile, bronze: _Bronze) -> Opened:
    """Look at what is at hand of a file that can be read only once."""
    logs = file.logs()
    first = next(logs, None)
    if first:
        _look_at(first, bronze, _at_hand(first))
    return Opened(file, chain([first] if first else [], logs))


def _look_at_all(file: LogFile, bronze: _Bronze) -> None:
    try:
        for log in file.logs():
            _look_at(log, bronze, log.lines())
            if bronze.rows is None:
                return
    except BrokenFileError:
        pass  # what comes before is sent all the same, and then it is told


def _look_at(log: Log, bronze: _Bronze, lines: Iterator[Line]) -> None:
    if not log.kind:
        bronze.require_new(log.name, lines)
    elif not log.is_member:
        raise LogFileError(f"{log.name} is {log.kind}; nothing was sent")


def _at_hand(log: Log) -> Iterator[Line]:
    """Return the whole lines of a log that can be seen without reading it."""
    begin = log.beginning
    return lines_of(io.BufferedReader(io.BytesIO(begin[: begin.rfind(b"\n") + 1])))


def _sample(lines: Iterator[Line], source: str) -> list[Sampled]:
    sample = Sample()
    try:
        for line in lines:
            if line.value is not None and line.is_content:
                sample.take(Numbered(line.value, line.number))
    except BrokenFileError:
        pass  # as far as it goes
    return sample.lines(source)
