"""What the command line says: plain lines, and steps that state how long they took."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from lake.errors import StoppedError
from lake.text import printable, printable_lines

GONE = (errno.EPIPE, errno.EIO)
"""What it says of a pipe that nobody reads, and of a terminal that was closed."""
_outlived: list[bool] = []
"""Not empty while what is said matters less than the work: see :func:`outliving_readers`."""


def say(text: str = "") -> None:
    """Write one line, or several, to standard output at once."""
    _write(sys.stdout, f"{printable_lines(text)}\n")


def complain(text: str) -> None:
    """Write one line, or several, to standard error."""
    _write(sys.stderr, f"{printable_lines(text)}\n")


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, and when it has worked say how long it took (seconds)."""
    started = time.monotonic()
    _write(sys.stdout, f"{printable(title)} ... ")
    try:
        yield
    except (KeyboardInterrupt, StoppedError):
        say("interrupted")
        raise
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - started:.1f} s")


@contextmanager
def outliving_readers() -> Iterator[None]:
    """Let the work go on where nobody reads any more what is said, as in ``make up | head -1``."""
    _outlived.append(True)
    try:
        yield
    finally:
        _outlived.pop()


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        if not _outlived or error.errno not in GONE:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
