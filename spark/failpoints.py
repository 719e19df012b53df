"""Failpoints: named points between two writes at which a test can have the process die, as by ``kill -9``.

``WEBLAKE_FAIL_AT=bronze-after-commit:3`` dies there the third time. Without it, a failpoint costs one comparison.
"""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass

import psutil

from lake.errors import SettingsError

POINTS = (
    "bronze-before-commit",
    "bronze-after-commit",
    "silver-before-commit",
    "silver-after-commit",
    "mirror-while-settling",
    "mirror-in-transaction",
    "mirror-after-transaction",
    "replay-after-piece",
    "replay-before-commit",
    "replay-after-commit",
    "replay-after-record",
    "verdict-before-commit",
    "verdict-after-commit",
    "maintenance-after-piece",
    "horizon-after-move",
    "erase-after-bronze",
    "erase-after-ledger",
)
"""In the order in which a record, and then a replay, reaches them; then verdicts, maintenance and erasure."""

OFF = "off"


@dataclass
class _Trap:
    """The failpoint at which the process dies, and how often it is still to be reached, the last time included."""

    name: str = OFF
    left: int = 0


_trap = _Trap()


def arm(text: str) -> None:
    """Make the process die the n-th time it reaches ``name`` (``name:n``; ``name`` alone: the first); "off" disarms.

    Raises:
        SettingsError: there is no such failpoint.
    """
    name, _, times = text.partition(":")
    if name not in (OFF, *POINTS) or not re.fullmatch(r"[1-9]\d*", times or "1"):
        raise SettingsError(
            f"WEBLAKE_FAIL_AT={text!r} is not a failpoint; unset it, or write name:n with a name of {', '.join(POINTS)}"
        )
    _trap.name, _trap.left = name, int(times or "1")


def reach(name: str) -> None:
    """Reach a failpoint, and die there if it is armed."""
    if name == _trap.name:
        _trap.left -= 1
        if _trap.left == 0:
            die()


def die() -> None:
    """Kill the process that writes for us (Java), and then ourselves; nothing is flushed, closed or said."""
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os.kill(os.getpid(), signal.SIGKILL)
