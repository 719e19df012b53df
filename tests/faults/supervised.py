"""A whole stack on a small disk of its own, under its supervisor: what a full disk does to all of it at once."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

import psutil
import pytest
from faults.producer import Producer
from faults.rig import PATIENCE_SECONDS, Rig

from lake.command import weblake_command
from lake.settings import PROJECT, Settings, child_environment, load_settings
from stack import supervision
from stack.logs import log_file, tail
from stack.servers.waiting import wait_until

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


class Ran(NamedTuple):
    """What became of a command: its exit code, all that it printed, on one line, and the seconds it took."""

    code: int
    text: str
    seconds: float


class Stack:
    """A stack of its own folder: its commands, its programs, and the stream as the rig wants to see it."""

    def __init__(self, disk: Path) -> None:
        """Start nothing yet."""
        self.disk = Ballast(disk)
        self._environment = {**ENVIRONMENT, "WEBLAKE_DATA": f"{disk}/data", "WEBLAKE_CHARTS": f"{disk}/charts"}

    @property
    def settings(self) -> Settings:
        """The settings with what the stack has written down."""
        return load_settings(self._environment)

    def run(self, *arguments: str) -> Ran:
        """Run a command, and take its time."""
        began = time.monotonic()
        done = subprocess.run(
            weblake_command(*arguments),
            cwd=PROJECT,
            env=child_environment(self.settings, **self._environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        text = " ".join((done.stdout + done.stderr).split())
        return Ran(done.returncode, text, time.monotonic() - began)

    def up(self) -> Ran:
        """Start it, and require that it is up."""
        done = self.run("up")
        assert done.code == 0, done.text
        return done

    def as_rig(self, case: str, seed: int) -> Rig:
        """Return the rig of the stack: with its services and its stream, which supervisor keeps."""
        settings, dice = self.settings, random.Random(f"{seed} {case}")
        producer = Producer(settings, ACKNOWLEDGED_SECONDS)
        return Rig(cast(Any, None), settings, case, seed, dice, producer, cast(Any, self), self._environment)

    # --- The stream, for the rig

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

    # --- All programs

    def pid_of(self, name: str) -> int:
        """Return a program's process id; 0 where it does not run."""
        state = supervision.states(self.settings).get(name)
        return state.pid if state else 0

    def kill_all(self) -> int:
        """Kill every program and what it has started, as a power cut does, but not supervisor; return how many."""
        keep = supervision.pid(self.settings)
        killed = [process for process in supervision.processes(self.settings) if process.pid != keep]
        for process in killed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(killed, timeout=30)
        return len(killed)

    def wait_until_well(self) -> None:
        """Wait until status says that all is well."""
        last: list[str] = []

        def is_well() -> bool:
            done = self.run("status")
            last[:] = [done.text]
            return done.code == 0

        try:
            wait_until(is_well, PATIENCE_SECONDS, "all is well", pause_seconds=1)
        except Exception as error:
            raise AssertionError(f"{error}: {last}") from error

    def clear(self) -> None:
        """Leave no process behind."""
        self.disk.release()
        self.run("down")
        for process in supervision.processes(self.settings):
            with suppress(psutil.NoSuchProcess):
                process.kill()
