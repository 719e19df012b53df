"""The stream and the broker, killed at any moment and at the worst ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from faults.rig import PATIENCE_SECONDS, Rig
from faults.steps import started
from faults.traffic import Traffic

from lake.command import weblake_command
from lake.settings import PROJECT, child_environment
from spark.failpoints import POINTS
from stack.servers.waiting import wait_until

pytestmark = pytest.mark.faults

STREAM_KILLS = 20
BROKER_KILLS = 5


def test_the_stream_is_killed_at_random(rig: Rig) -> None:
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        for _ in range(STREAM_KILLS):
            rig.start()
            if rig.dice.random() < 0.8:
                rig.wait_until_working()
            time.sleep(rig.dice.uniform(0, 4))
            with_java = rig.dice.random() < 0.5
            rig.stream.kill(with_java)
            rig.faults["stream killed" if with_java else "stream killed without its Java"] += 1
    rig.start()
    rig.prove()


def test_the_stream_dies_between_any_two_writes(rig: Rig) -> None:
    points = [point for point in POINTS if point.startswith(("bronze-", "silver-", "mirror-"))]
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        for point in points:
            rig.start(WEBLAKE_FAIL_AT=f"{point}:{rig.dice.randint(1, 3)}")
            assert rig.stream.wait_for_end(PATIENCE_SECONDS) == -signal.SIGKILL, f"{point} was not reached"
            rig.faults[point] += 1
    rig.start()
    rig.prove()


def test_the_streams_java_is_killed_alone(rig: Rig) -> None:
    rig.start()
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        rig.wait_until_working()
        rig.stream.kill_java()
        rig.faults["Java killed alone"] += 1
        assert rig.stream.wait_for_end(PATIENCE_SECONDS) == 1
        assert "Java process has ended with code -9" in rig.stream.log_tail()
    rig.start()
    rig.prove()


def test_the_broker_is_killed(rig: Rig) -> None:
    rig.start()
    with rig.producer.streaming(Traffic(rig.dice), per_second=200):
        for _ in range(BROKER_KILLS):
            rig.wait_until_working()
            time.sleep(rig.dice.uniform(0, 2))
            rig.services.kafka.kill()
            time.sleep(rig.dice.uniform(0, 5))
            rig.services.start_kafka()
            rig.faults["broker killed"] += 1
    rig.prove()


def test_what_is_killed_leaves_nothing_in_tmp(rig: Rig, tmp_path: Path) -> None:
    watched = tmp_path / "tmp"
    watched.mkdir()
    started(rig, TMPDIR=str(watched))
    assert rig.stream.pid is not None
    assert temporary_files(rig, psutil.Process(rig.stream.pid)) == []
    rig.stream.kill()
    environment = child_environment(rig.settings, TMPDIR=str(watched))
    verify = subprocess.Popen(weblake_command("verify"), cwd=PROJECT, env=environment, start_new_session=True)
    try:
        wait_until(lambda: at_work(verify.pid), PATIENCE_SECONDS, "verify reads the lake")
        assert temporary_files(rig, psutil.Process(verify.pid)) == []
    finally:
        os.killpg(verify.pid, signal.SIGKILL)
        verify.wait()
    rig.faults["stream and verify killed"] += 1
    assert list(watched.iterdir()) == []
    left = set((rig.settings.data / "scratch").glob("*/"))
    assert len(left) >= 1, "what it had is in the data folder"
    rig.start(TMPDIR=str(watched))
    rig.prove()
    assert left & set((rig.settings.data / "scratch").glob("*/")) == set()
    assert list(watched.iterdir()) == []


def at_work(pid: int) -> bool:
    """Say whether a program's Java has unpacked a library, which it does as soon as it reads a table."""
    libraries = (path.name for child in psutil.Process(pid).children(recursive=True) for path in mapped(child))
    return any(name.startswith(("liblz4", "libzstd", "snappy")) for name in libraries)


def temporary_files(rig: Rig, process: psutil.Process) -> list[Path]:
    """The files of a program, and of all that it has started, that are neither of the case nor of the installation."""
    ours = (rig.settings.data, rig.settings.jars, Path(sys.prefix).resolve(), PROJECT)
    paths = {path for one in (process, *process.children(recursive=True)) for path in mapped(one)}
    return [path for path in paths if path.is_relative_to("/tmp") and not any(path.is_relative_to(one) for one in ours)]


def mapped(process: psutil.Process) -> set[Path]:
    """The files that a process has mapped into its memory or open; none, if it has ended meanwhile."""
    paths: list[str] = []
    with suppress(psutil.NoSuchProcess):  # or is a zombie
        paths += [region.path for region in process.memory_maps()]
        paths += [file.path for file in process.open_files()]
    return {Path(path) for path in paths}
