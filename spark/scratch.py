"""Where Spark keeps shuffled rows and the like for a while: in the data folder, which only its owner may enter."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

HOLD = "in-use"


@cache
def scratch_folder(parent: Path) -> Path:
    """Return this process's own folder in ``parent``, having removed those of processes that have ended.

    A process holds a lock in its folder until it ends, however that happens; Spark itself clears the folder only if it
    is not killed.
    """
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (parent / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for folder in parent.iterdir():
            if folder.is_dir() and _take(folder) is not None:
                shutil.rmtree(folder, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="", dir=parent))
        _take(folder)
    return folder


def _take(folder: Path) -> int | None:
    """Take the lock of a folder, and return its descriptor, which stays open; None where another process has it."""
    descriptor = os.open(folder / HOLD, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
