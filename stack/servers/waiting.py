"""Waiting for a condition, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable

from lake.errors import ServiceError


def wait_until(condition: Callable[[], bool], seconds: float, what: str, pause_seconds: float = 0.1) -> None:
    """Ask ``condition`` until it is true.

    Raises:
        ServiceError: it was not true within ``seconds``; ``what`` says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServiceError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(pause_seconds)
