"""The lake lock: one writing process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

import psutil
from tenacity import Retrying, retry_if_not_result, stop_after_delay, wait_fixed

from lake.errors import LockedError

LOOK_SECONDS = 0.2


class LakeLock:
    """A held lock. Its file names the holder and the Java process that writes for it."""

    def __init__(self, file: TextIOWrapper, purpose: str) -> None:
        """Write the holder into the locked file."""
        self._file = file
        self._text = f"{purpose}, pid {os.getpid()}"
        self._write(self._text)

    def also_held_by(self, java_pid: int) -> None:
        """Name the Java process: it outlives a killed driver for seconds, and the next holder waits for its end."""
        self._write(f"{self._text}\njava {java_pid} {psutil.Process(java_pid).create_time()}")

    def _write(self, text: str) -> None:
        self._file.seek(0)
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()


@contextmanager
def lake_lock(path: Path, wait_seconds: float, purpose: str) -> Iterator[LakeLock]:
    """Hold the lock on the lake; it is released when the process ends, however that happens.

    Args:
        path: The lock file.
        wait_seconds: How long to wait for a holder that is ending.
        purpose: What the holder does; the message to a second writer says it.

    Raises:
        LockedError: another process holds the lock, or still writes; the message names it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        wait = Retrying(
            retry=retry_if_not_result(lambda writer: writer is None),
            wait=wait_fixed(LOOK_SECONDS),
            stop=stop_after_delay(wait_seconds),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        writer = wait(_other_writer, file.fileno(), path)
        if writer is not None:
            raise LockedError(
                f"the lake has another writer: {writer} (lock {path}); stop it first, or use another WEBLAKE_DATA"
            )
        yield LakeLock(file, purpose)


def _other_writer(descriptor: int, path: Path) -> str | None:
    """Take the lock and return None, or return who writes the lake: the holder, or what a killed holder left behind."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_held = False
    except BlockingIOError:
        is_held = True
    holder, *java = path.read_text().splitlines() or ["another process"]
    if is_held:
        return holder
    for line in java:
        _, pid, started = line.split()
        if _lives(int(pid), float(started)):
            return f"Java process {pid}, left behind by {holder}, which is gone"
    return None


def _lives(pid: int, started: float) -> bool:
    """Return whether the process still lives, and its number was not given to another one."""
    try:
        process = psutil.Process(pid)
        return process.create_time() == started and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
