"""A whole stack of a case's own, as `make up` starts it: its commands, its programs, and what it says of itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from faults.rig import PATIENCE_SECONDS

from lake.command import weblake_command
from lake.settings import PROJECT, STACK_FILE, Settings, child_environment, load_settings
from stack import supervision
from stack.health.processes import Marked, marked
from stack.leftovers import end_processes, leftovers
from stack.servers.ports import LOCALHOST, pick_quiet_ports
from stack.servers.waiting import TooLongError, wait_until

PACE = {"SPARK_MASTER": "local[2]", "TRIGGER_SECONDS": "2", "MARTS_SECONDS": "2", "CHARTS_SECONDS": "5"}
COMMAND_SECONDS = 2 * PATIENCE_SECONDS


class Ran(NamedTuple):
    """What became of a command: its exit code, what it printed, and the seconds it took."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        """All that it printed, on one line."""
        return " ".join((self.out + self.err).split())


class Whole:
    """One stack: in a data folder of its own, on ports of its own."""

    def __init__(self, data: Path, **environment: str) -> None:
        """Choose ports; start nothing. ``environment`` is that of every command."""
        broker, database = pick_quiet_ports(2)
        self._ports = {"KAFKA_BOOTSTRAP_SERVERS": f"{LOCALHOST}:{broker}", "POSTGRES_PORT": str(database)}
        self._environment = {**PACE, **environment}
        self.data = data

    @property
    def settings(self) -> Settings:
        """The settings as every command finds them now."""
        return load_settings({**self._folders(), **self._environment})

    def begin(self, *arguments: str, **values: str) -> subprocess.Popen[str]:
        """Begin a command in a process group of its own, as a terminal does."""
        ports = {} if (self.data / STACK_FILE).exists() else self._ports
        environment = {**self._environment, **values}
        return subprocess.Popen(
            weblake_command(*arguments),
            cwd=PROJECT,
            env=child_environment(load_settings({**ports, **self._folders(), **environment}), **environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **values: str) -> Ran:
        """Run a command, and return what became of it, whatever that is."""
        began = time.monotonic()
        process = self.begin(*arguments, **values)
        out, err = process.communicate(timeout=COMMAND_SECONDS)
        return Ran(process.returncode, out, err, time.monotonic() - began)

    def up(self, **values: str) -> Ran:
        """Bring it up, and require that it comes."""
        done = self.run("up", **values)
        assert done.code == 0, done.out + done.err
        return done

    def status(self, **values: str) -> dict[str, Any]:
        """Return what ``weblake status`` says, with its exit code as ``code``."""
        done = self.run("status", "--json", **values)
        assert "Traceback" not in done.err, done.err
        said: dict[str, Any] = json.loads(done.out)
        return {**said, "code": done.code}

    def wait_until_status(self, condition: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Wait until the status says something, and return it."""
        said: dict[str, Any] = {}

        def holds() -> bool:
            said.clear()
            said.update(self.status())
            return condition(said)

        try:
            wait_until(holds, PATIENCE_SECONDS, what, pause_seconds=1)
        except TooLongError as error:
            raise AssertionError(f"{error}: it says {said.get('state')}, {said.get('problems')}") from error
        return said

    def wait_until_well(self) -> None:
        """Wait until status says that all is well."""
        self.wait_until_status(lambda said: bool(said["code"] == 0), "all is well")

    def processes(self, *names: str) -> list[Marked]:
        """Return the processes of some programs, or all of the stack's."""
        return [one for one in marked(self.settings) if not names or one.name in names]

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """Stop the processes of some programs, or all of them, by a signal, and let them go on at the end."""
        pids: set[int] = set()
        try:
            while new := {one.pid for one in self.processes(*names)} - pids:  # they may start others meanwhile
                pids |= new
                for pid in new:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def kill_all(self) -> int:
        """Kill every program and what it has started, as a power cut does, but not supervisor; return how many."""
        keep = supervision.pid(self.settings)
        killed = [process for process in leftovers(self.settings) if process.pid != keep]
        for process in killed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(killed, timeout=30)
        return len(killed)

    def clear(self) -> None:
        """Leave no process and no data behind."""
        for one in self.processes():
            with suppress(psutil.NoSuchProcess):
                psutil.Process(one.pid).resume()
        end_processes(leftovers(self.settings))
        shutil.rmtree(self.data, ignore_errors=True)

    def _folders(self) -> dict[str, str]:
        return {
            "WEBLAKE_DATA": str(self.data),
            "LAKE_ROOT": str(self.data / "lake"),
            "WEBLAKE_CHARTS": str(self.data / "charts"),
        }
