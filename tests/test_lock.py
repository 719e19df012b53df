"""The lake lock, held by real processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from lake.errors import LockedError
from lake.settings import PROJECT
from spark.tables.lock import lake_lock

HOLD = """
import sys, time
from pathlib import Path
from spark.tables.lock import lake_lock

with lake_lock(Path(sys.argv[1]), 0, "a test") as lock:
    if len(sys.argv) > 2:
        lock.also_held_by(int(sys.argv[2]))
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


@contextmanager
def holder(path: Path, *java: int) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock, for itself and perhaps for another that writes for it."""
    with process(sys.executable, "-c", HOLD, str(path), *map(str, java)) as started:
        assert started.stdout
        assert started.stdout.readline() == "held\n"
        yield started


def test_a_second_writer_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    path = tmp_path / "lake.lock"
    with (
        holder(path) as first,
        pytest.raises(LockedError, match=f"another writer: a test, pid {first.pid} .*stop it first"),
        lake_lock(path, 0.3, "another test"),
    ):
        pass


def test_the_lock_of_a_killed_holder_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lake.lock"
    with holder(path) as first:
        first.kill()
        first.wait()
        with lake_lock(path, 0, "another test"):
            assert path.read_text().startswith("another test, pid")


def test_the_next_holder_waits_for_the_java_process_of_a_killed_one(tmp_path: Path) -> None:
    path = tmp_path / "lake.lock"
    with process("sleep", "1") as java, holder(path, java.pid) as first:
        first.kill()
        first.wait()
        with lake_lock(path, 30, "another test"):
            java_is_gone = java.poll() is not None or psutil.Process(java.pid).status() == psutil.STATUS_ZOMBIE
    assert java_is_gone


def test_a_java_process_that_stays_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lake.lock"
    with process("sleep", "60") as java, holder(path, java.pid) as first:
        first.kill()
        first.wait()
        left_behind = f"Java process {java.pid}, left behind by a test, pid {first.pid}, which is gone"
        with pytest.raises(LockedError, match=left_behind), lake_lock(path, 0.3, "another test"):
            pass


def test_another_process_with_the_number_of_the_java_process_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lake.lock"
    with process("sleep", "60") as other:
        path.write_text(f"a test, pid 1\njava {other.pid} {time.time() - 1000}")
        with lake_lock(path, 0, "another test"):
            assert path.read_text().startswith("another test, pid")
