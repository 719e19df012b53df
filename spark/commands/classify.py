"""What user agents are, one per line: ``weblake classify agents.txt``. Starts no Spark."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lake.errors import WeblakeError
from spark.events.agents import classify


def agents_of(name: str) -> Iterator[str]:
    """The lines of a file, or of the standard input if the name is ``-``, without their ends.

    Raises:
        WeblakeError: the file cannot be read.
    """
    if name == "-":
        yield from _lines(sys.stdin.buffer)
        return
    if not name:
        raise WeblakeError("no file given; run `make classify FILE=agents.txt`, or FILE=- to read standard input")
    try:
        with Path(name).open("rb") as lines:
            yield from _lines(lines)
    except OSError as e:
        raise WeblakeError(f"cannot read {name}: {e.strerror}; give a file of user agents, one per line") from e


def _lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Decode lines; bytes that are not UTF-8 become the replacement character, as in a terminal."""
    return (line.rstrip(b"\r\n").decode("utf-8", "replace") for line in lines)


def row_of(agent: str) -> tuple[str, str, str, str]:
    """Kind, name, operator and agent; ``-`` for what is not known."""
    agent_class = classify(agent)
    return (agent_class.kind, agent_class.name or "-", agent_class.operator or "-", agent)
