"""Loops of threads that run while a test does something else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def in_background(loop: Callable[[threading.Event], None], name: str) -> Iterator[None]:
    """Run a loop in a thread; at the end, set the event that it was given, and wait until it has ended."""
    stop = threading.Event()
    thread = threading.Thread(target=loop, args=(stop,), name=name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
