"""Where a process keeps temporary files: a folder of its own, which only its owner may enter.

What is killed leaves it there, and the next process removes it; in ``/tmp`` nobody would.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from lake.settings import Settings

HOLD = "in-use"


def scratch_of(settings: Settings) -> Path:
    """Return this process's own folder in the data folder: see :func:`scratch_folder`."""
    return scratch_folder(settings.data / "scratch")


def java_files(settings: Settings) -> list[str]:
    """Return options with which Java leaves nothing in ``/tmp``, nor, if it crashes, in the folder that it runs in."""
    crash = f"-XX:ErrorFile={settings.data}/logs/java-%p.log"
    return ["-XX:-UsePerfData", crash, f"-Djava.io.tmpdir={scratch_of(settings)}"]


def keep_temporary_files(settings: Settings) -> None:
    """Have Python keep temporary files in the data folder, from now on and in the whole process.

    Raises:
        OSError: the folder is not ours, or the disk is full.
    """
    tempfile.tempdir = str(scratch_of(settings))


@cache
def scratch_folder(parent: Path) -> Path:
    """Return this process's own folder in ``parent``, having removed those of processes that have ended.

    A process holds a lock in its folder until it ends, however that happens, or until the program ends that it becomes.
    So no living process loses its folder, whatever its id was before. A folder that cannot be removed stays.
    """
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (parent / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for folder in filter(Path.is_dir, parent.iterdir()):
            with suppress(OSError):  # a living process has it, or another user; or there is no room for its lock
                descriptor = _take(folder)
                shutil.rmtree(folder, ignore_errors=True)
                os.close(descriptor)
        folder = Path(tempfile.mkdtemp(prefix="", dir=parent))
        # For a program that this process becomes; those it starts do not get it.
        os.set_inheritable(_take(folder), True)
    return folder


def _take(folder: Path) -> int:
    """Take the lock of a folder, and return its descriptor, which stays open.

    Raises:
        OSError: another process has it, or it cannot be had.
    """
    descriptor = os.open(folder / HOLD, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
