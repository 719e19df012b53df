"""The lines of log files for who only looks at them: those of the logs themselves, no blank ones and no comments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ingest.files.log_file import LogFile
from ingest.files.source import LogFileError
from ingest.headers import LineHeaders


class Content(NamedTuple):
    """A line, and the fields that it has if it is of a W3C log; else an empty text."""

    value: bytes
    fields: str


def content_of(name: str, leave_out: Callable[[str], object] = lambda _: None) -> Iterator[Content]:
    """Yield the lines of a file, or of the standard input for ``-``, that are of a log.

    ``leave_out`` is called with a sentence for what is no access log.

    Raises:
        LogFileError: the file cannot be read, or is damaged; the lines before that were yielded.
    """
    with LogFile(name) as file:
        for log in file.logs():
            if log.kind:
                leave_out(f"{log.name} was left out: it is {log.kind}")
                continue
            headers = LineHeaders()
            for line in log.lines():
                if line.value is None:
                    continue
                if line.is_comment:
                    headers.take_comment(line.value)
                elif not line.is_blank:
                    yield Content(line.value, headers.fields)


def first_lines(names: Iterable[str], number: int) -> list[Content]:
    """Return so many lines from the beginnings of files, of each as many; what can be read only once is left alone."""
    files = [name for name in names if Path(name).is_file()]
    lines: list[Content] = []
    for name in files:
        with suppress(LogFileError, OSError):
            lines += islice(content_of(name), -(-number // len(files)))
    return lines[:number]
