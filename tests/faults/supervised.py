"""A whole stack on a small disk of its own, under its supervisor: what a full disk does to all of it at once."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest
from faults.producer import Producer
from faults.rig import Rig
from faults.whole import Whole

from stack import supervision
from stack.logs import log_file, tail

MEGABYTE = 1 << 20
MEGABYTES = 1536
MIN_FREE_MB = 300
ACKNOWLEDGED_SECONDS = 900
"""How long a sender of ours may wait for a broker that a full disk has stopped."""
ENVIRONMENT = {
    "WEBLAKE_MIN_FREE_MB": str(MIN_FREE_MB),
    "GENERATE": "0",
    "TRIGGER_SECONDS": "1",
    "MARTS_SECONDS": "2",
    "CHARTS_SECONDS": "5",
    "SPARK_MASTER": "local[2]",
}


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a disk of so many megabytes, in memory, and unmount it at the end."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Ballast:
    """A file that fills a disk, and gives room back."""

    def __init__(self, disk: Path) -> None:
        """Take nothing yet."""
        self._disk = disk
        self._file = disk / "ballast"

    def __enter__(self) -> Ballast:
        """Do nothing yet; at the end all is given back, before anybody waits for what the disk has held up."""
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def leave(self, megabytes: int) -> None:
        """Leave so many megabytes free; 0 is to the last byte."""
        self.release()
        with self._file.open("wb", buffering=0) as file, suppress(OSError):
            for _ in range(shutil.disk_usage(self._disk).free // MEGABYTE - megabytes):
                file.write(bytes(MEGABYTE))
            while not megabytes:
                file.write(bytes(4096))

    def shrink(self, megabytes: int) -> None:
        """Give back so many megabytes."""
        os.truncate(self._file, self._file.stat().st_size - megabytes * MEGABYTE)

    def release(self) -> None:
        """Give all of it back."""
        self._file.unlink(missing_ok=True)


class Stack(Whole):
    """A stack on a small disk, and its stream as the rig wants to see it."""

    def __init__(self, disk: Path) -> None:
        """Start nothing yet."""
        super().__init__(disk / "data", **ENVIRONMENT)
        self.disk = Ballast(disk)

    def as_rig(self, case: str, seed: int) -> Rig:
        """Return the rig of the stack: with its services and its stream, which supervisor keeps."""
        settings, dice = self.settings, random.Random(f"{seed} {case}")
        producer = Producer(settings, ACKNOWLEDGED_SECONDS)
        return Rig(cast(Any, None), settings, case, seed, dice, producer, cast(Any, self), ENVIRONMENT)

    @property
    def log(self) -> Path:
        """The stream's log."""
        return log_file(self.settings, "stream")

    @property
    def pid(self) -> int | None:
        """The stream's process id, while it runs."""
        return self.pid_of("stream") or None

    def stop(self) -> None:
        """Stop the stream."""
        supervision.stop_program(self.settings, "stream")

    def log_tail(self, lines: int = 40) -> str:
        """Return the end of the stream's log."""
        return tail(self.settings, "stream", lines)

    def pid_of(self, name: str) -> int:
        """Return a program's process id; 0 where it does not run."""
        state = supervision.states(self.settings).get(name)
        return state.pid if state else 0

    def clear(self) -> None:
        """Leave no process and no data behind."""
        self.disk.release()
        super().clear()
