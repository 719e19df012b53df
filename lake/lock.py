"""The lake lock: one writing process at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

import psutil

from lake.errors import LockedError


class LakeLock:
    """A held lock. Its file names the holder and the Java process that writes for it."""

    def __init__(self, file: TextIOWrapper, purpose: str) -> None:
        """Write the holder into the locked file."""
        self._file = file
        self._text = f"{purpose}, pid {os.getpid()}"
        self._write(self._text)

    def also_held_by(self, java_pid: int) -> None:
        """Name the Java process: it outlives a killed driver for seconds, and the next holder waits for its end."""
        self._write(f"{self._text}\njava {java_pid}")

    def _write(self, text: str) -> None:
        self._file.seek(0)
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()


@contextmanager
def lake_lock(path: Path, wait_seconds: float, purpose: str) -> Iterator[LakeLock]:
    """Hold the lock on the lake; it goes with the process, however that ends.

    Args:
        path: The lock file.
        wait_seconds: How long to wait for a holder that is ending.
        purpose: What the holder does, for the one who is refused.

    Raises:
        LockedError: another process holds the lock, or still writes; the message names it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(file.fileno()) or _java_lives(path):
            if time.monotonic() >= deadline:
                holder = path.read_text().splitlines() or ["another process"]
                raise LockedError(
                    f"the lake is being written by {holder[0]} (lock {path}); stop that one first, or set WEBLAKE_DATA"
                )
            time.sleep(0.2)
        yield LakeLock(file, purpose)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _java_lives(path: Path) -> bool:
    """Return whether the Java process that the last holder named is still there."""
    pids = [line.split()[1] for line in path.read_text().splitlines() if line.startswith("java ")]
    try:
        return any(psutil.Process(int(pid)).name() == "java" for pid in pids)
    except psutil.NoSuchProcess:
        return False
