"""Say what user agents are, one a line: ``python -m spark.commands.classify agents.txt`` (``make classify``).

Prints kind, name, operator and the agent, separated by tabs. Starts no Spark.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lake.errors import WeblakeError
from spark.events.agents import classify


def main() -> int:
    """Parse the command line and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m spark.commands.classify", description=__doc__)
    parser.add_argument("file", metavar="FILE", help="user agents, one a line; - for the standard input")
    arguments = parser.parse_args()
    try:
        for agent in agents_of(arguments.file):
            sys.stdout.write(line_of(agent) + "\n")
    except WeblakeError as e:
        sys.stderr.write(f"{e}\n")
        return 1
    except BrokenPipeError:
        # Who reads has seen enough, as `| head` has. What is left in the buffer goes nowhere, or the exit would fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def agents_of(name: str) -> Iterator[str]:
    """The lines of a file, or of the standard input if the name is ``-``, without their ends.

    Raises:
        WeblakeError: the file cannot be read.
    """
    if name == "-":
        yield from _lines(sys.stdin.buffer)
        return
    if not name:
        raise WeblakeError("no file of user agents; name one: make classify FILE=agents.txt, or FILE=- to type them")
    try:
        with Path(name).open("rb") as lines:
            yield from _lines(lines)
    except OSError as e:
        raise WeblakeError(f"cannot read {name}: {e.strerror}; name a file of user agents, one a line") from e


def _lines(lines: Iterable[bytes]) -> Iterator[str]:
    """What is no UTF-8 becomes the replacement character, as in a terminal."""
    return (line.rstrip(b"\r\n").decode("utf-8", "replace") for line in lines)


def line_of(agent: str) -> str:
    """Kind, name, operator and agent; ``-`` for what is not known."""
    found = classify(agent)
    return "\t".join((found.kind, found.name or "-", found.operator or "-", agent))


if __name__ == "__main__":
    sys.exit(main())
