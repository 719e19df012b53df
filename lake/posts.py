"""Posts: files that say which process is at a piece of work. It holds a lock on the file, so a dead one holds none."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import psutil
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

IMPORTS = "imports"
LOOK_SECONDS = 1
"""How long those who only look may hold a file."""


@dataclass(frozen=True)
class Worker:
    """Who is at work: ``pid`` 0 where that cannot be told, and what the work is, such as ``make up``."""

    pid: int
    work: str

    def __str__(self) -> str:
        """Return it for a message."""
        return f"{self.work} (pid {self.pid})" if self.pid else self.work


def take(path: Path, work: str) -> TextIO | None:
    """Take a post and return the file to hand to :func:`leave`; None where another process has it.

    Raises:
        OSError: the file cannot be made.
    """
    file = _lock(path)
    if file is None:
        return None
    with suppress(OSError):  # on a full disk nobody can read who it is, but that there is somebody
        file.truncate(0)
        file.write(f"{os.getpid()} {work}\n")
        file.flush()
    return file


def leave(file: TextIO) -> None:
    """Give a post up."""
    with suppress(OSError):
        file.truncate(0)
    with suppress(OSError):
        file.close()


def worker(path: Path) -> Worker | None:
    """Return who has a post; None where nobody does, or another user's post is not for us to see."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, PermissionError):
        return None
    except BlockingIOError:
        number, _, work = _content(path).partition(" ")
        pid = int(number) if number.isdigit() and _has_open(int(number), path) else 0
        return Worker(pid, work or "another command")
    return None


@contextmanager
def importing(data: Path, work: str) -> Iterator[None]:
    """Say in the data folder that this process sends to Kafka, so that who stops Kafka can tell it.

    Where there is no data folder there is nobody to tell; no fault of the disk ends the work.
    """
    path, file = data / IMPORTS / f"{os.getpid()}.lock", None
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        file = _take_patiently(path, work)
    try:
        yield
    finally:
        if file:
            _remove(path, file)


def imports(data: Path) -> list[Worker]:
    """Return the imports that are at work; what a killed one left in the data folder is removed."""
    found = []
    for path in sorted((data / IMPORTS).glob("*.lock")):
        one = worker(path)
        if one:
            found.append(one)
            continue
        with suppress(OSError):
            file = _lock(path)
            if file:
                _remove(path, file)
    return found


def _lock(path: Path) -> TextIO | None:
    """Return the file of a post with its lock; None where another process has it."""
    while True:
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        if _is_at(path, file):
            return file
        file.close()


def _is_at(path: Path, file: TextIO) -> bool:
    """Say whether a file is still there: who has removed it may have done so between our opening and our locking it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _take_patiently(path: Path, work: str) -> TextIO | None:
    """Take a post, also where somebody who only looks holds the file for a moment."""
    attempts = Retrying(
        retry=retry_if_result(lambda file: file is None),
        stop=stop_after_delay(LOOK_SECONDS),
        wait=wait_fixed(0.05),
        retry_error_callback=lambda _: None,
    )
    return attempts(take, path, work)


def _remove(path: Path, file: TextIO) -> None:
    """Give a post up and remove its file, while nobody else can have it."""
    path.unlink(missing_ok=True)
    leave(file)


def _content(path: Path) -> str:
    """Return what the holder has written, which it does at once."""
    for _ in range(10):
        if text := path.read_text().strip():
            return text
        time.sleep(0.05)
    return ""


def _has_open(pid: int, path: Path) -> bool:
    """Say whether the process is the one that holds the file: a number may stand there from an earlier one."""
    try:
        return any(Path(file.path) == path.resolve() for file in psutil.Process(pid).open_files())
    except (psutil.Error, OSError):
        return False
