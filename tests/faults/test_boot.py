"""The machine loses its power and starts again: the stack comes back by its units, with nothing for anybody to do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from graphlib import TopologicalSorter
from pathlib import Path

import psutil
import pytest
from faults.machine import Machine
from faults.rig import PATIENCE_SECONDS
from hook import Hook, listening
from unit_files import environment_of, settings_of, words

from lake.command import weblake_command
from lake.env_file import KAFKA_ACCESS
from lake.settings import PROJECT, Settings, child_environment, load_settings
from stack.leftovers import end_processes, leftovers
from stack.servers.stack_env import remember_generator
from stack.servers.waiting import wait_until
from stack.supervisor_config import pid_file

pytestmark = pytest.mark.faults

SETTINGS = {"TRIGGER_SECONDS": "1", "MARTS_SECONDS": "1", "CHARTS_SECONDS": "10", "SPARK_MASTER": "local[2]"}
LEFT_BEHIND = ("supervisord.pid", "supervisord.conf", "lake.lock", "postgres/data/postmaster.pid", "kafka/log/.lock")
"""What processes that were killed leave, and those that follow must not take for a sign of life."""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Those of a stack in a folder whose name is all but plain; whatever runs of it at the end is ended."""
    folder = tmp_path / "50% a b"
    folder.mkdir()
    settings = load_settings(
        {"WEBLAKE_DATA": str(folder / "data"), "WEBLAKE_CHARTS": str(folder / "charts"), "RATE": "100", **SETTINGS}
    )
    yield settings
    end_processes(leftovers(settings))


def weblake(settings: Settings, *arguments: str) -> None:
    """Run a command as by hand, and require that it works."""
    given = child_environment(settings, RATE=str(settings.generate_rate))
    environment = {name: text for name, text in given.items() if name not in KAFKA_ACCESS}  # stack.env says how
    done = subprocess.run(
        weblake_command(*arguments), cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run_unit(path: Path) -> int:
    """Do what systemd does at a unit's start, one command after the other; return the exit code."""
    text = path.read_text()
    unit = settings_of(text)
    for line in (*unit["ExecStartPre"], *unit["ExecStart"]):
        done = subprocess.run(
            words(line),
            cwd=unit["WorkingDirectory"][0],
            env={**environment_of(text), "HOME": str(Path.home())},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(done.stdout, done.stderr)  # noqa: T201 (pytest shows it where the test fails)
            return done.returncode
    return 0


def in_order(folder: Path) -> list[Path]:
    """The services in the order that their dependencies demand."""
    paths = {path.name: path for path in folder.glob("weblake*.service")}
    graph = {name: set(settings_of(path.read_text())["After"][0].split()) & set(paths) for name, path in paths.items()}
    return [paths[name] for name in TopologicalSorter(graph).static_order()]


def wait_until_well(ask: Callable[[], bool]) -> float:
    """Wait until the stack says that it is well; return how long that took (seconds)."""
    started = time.monotonic()
    wait_until(ask, PATIENCE_SECONDS, "the stack is well", pause_seconds=1)
    return time.monotonic() - started


def test_all_processes_are_killed_and_what_the_units_run_brings_the_stack_back(
    settings: Settings, tmp_path: Path
) -> None:
    weblake(settings, "up")
    weblake(settings, "service", "--output", str(tmp_path / "units"))
    for process in leftovers(settings):
        with suppress(psutil.NoSuchProcess):
            process.suspend()  # so that none notices the end of another
    for process in leftovers(settings):
        process.kill()
    wait_until(lambda: not leftovers(settings), PATIENCE_SECONDS, "all processes have ended")
    assert [name for name in LEFT_BEHIND if not (settings.data / name).exists()] == []
    stack, *checks = in_order(tmp_path / "units")
    assert [path.stem for path in (stack, *checks)] == [
        "weblake",
        "weblake-status",
        "weblake-maintain",
        "weblake-verify",
    ]
    assert run_unit(stack) == 0
    wait_until_well(lambda: run_unit(checks[0]) == 0)
    assert [run_unit(path) for path in checks[1:]] == [0, 0]
    weblake(settings, "verify", "--deep")
    weblake(settings, "down")
    assert not pid_file(settings).exists()


@pytest.mark.root
@pytest.mark.debian("systemd")
def test_the_power_is_cut_and_systemd_brings_the_stack_back(settings: Settings, tmp_path: Path) -> None:
    settings.data.mkdir(mode=0o700)
    remember_generator(settings)  # as if the stack had been up before
    machine = Machine(tmp_path / "machine")
    with listening() as hook:
        weblake(settings, "service", "--system", "--output", str(machine.units), "--webhook", hook.address)
        try:
            play(settings, machine, hook)
        finally:
            machine.cut_power()


def play(settings: Settings, machine: Machine, hook: Hook) -> None:
    """Start the machine, cut its power, start it again, kill supervisor, and stop the stack in order."""
    soon = machine.units / "weblake.service.d" / "soon.conf"
    soon.parent.mkdir()
    soon.write_text("[Service]\nRestartSec=1s\n")

    def is_well() -> bool:
        return machine.systemctl("start", "weblake-status.service").returncode == 0

    machine.switch_on()
    assert machine.systemctl("enable", "--now", "weblake.service").returncode == 0, machine.log.read_text()
    machine.cut_power()
    assert leftovers(settings) == []
    assert [name for name in LEFT_BEHIND if not (settings.data / name).exists()] == []

    machine.switch_on()
    wait_until_well(is_well)
    for unit in ("weblake-maintain.service", "weblake-verify.service"):
        assert machine.systemctl("start", unit).returncode == 0, machine.log.read_text()
    assert machine.state("weblake-verify.timer") == "active"

    os.kill(supervisor(settings), signal.SIGKILL)
    wait_until(lambda: machine.restarts("weblake.service") > 0, PATIENCE_SECONDS, "systemd notices")
    wait_until_well(is_well)

    assert machine.systemctl("stop", "weblake.service").returncode == 0
    assert leftovers(settings) == []
    assert [machine.state(unit) for unit in ("weblake.service", "weblake-status.timer")] == ["inactive"] * 2
    assert [is_well(), is_well()] == [False, False]
    wait_until(lambda: bool(hook.posts), PATIENCE_SECONDS, "the failure is told")
    wait_until(lambda: machine.systemctl("list-jobs").stdout.startswith("No jobs"), PATIENCE_SECONDS, "no more is told")
    assert [post["unit"] for _, post in hook.posts] == ["weblake-status.service"]
    assert f"The stack is in {settings.data}." in hook.posts[0][1]["text"]


def supervisor(settings: Settings) -> int:
    """The process id of supervisor as this machine has it, and not as the other one does."""
    (process,) = (process for process in leftovers(settings) if "supervisor.supervisord" in process.cmdline())
    return process.pid
