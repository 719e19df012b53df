"""What the command line says: plain lines, and steps that state how long they took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lake.text import printable, printable_lines


def say(text: str = "") -> None:
    """Write one line, or several, to standard output at once."""
    sys.stdout.write(f"{printable_lines(text)}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write one line, or several, to standard error."""
    sys.stderr.write(f"{printable_lines(text)}\n")
    sys.stderr.flush()


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, and when it has worked say how long it took (seconds)."""
    started = time.monotonic()
    sys.stdout.write(f"{printable(title)} ... ")
    sys.stdout.flush()
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - started:.1f} s")
