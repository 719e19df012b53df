"""A whole stack of a test's own, as ``make up`` starts it, whose programs may be frozen and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from faults.rig import PATIENCE_SECONDS

from lake.command import weblake_command
from lake.settings import PROJECT, Settings, child_environment, load_settings
from stack.down import end_processes, leftovers
from stack.health.processes import Marked, marked
from stack.servers.ports import LOCALHOST, pick_quiet_ports
from stack.servers.waiting import wait_until

TERMINAL_SECONDS = 60
"""How long a command may take that should answer within ten seconds, on a machine that is busy with other work."""


@dataclass(frozen=True)
class WholeStack:
    """The stack in one data folder; ``settings`` are those that its commands are given."""

    settings: Settings

    def run(
        self, *arguments: str, seconds: float = PATIENCE_SECONDS, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``weblake`` and return its output, whatever the exit code."""
        with self.started(*arguments, **environment) as process:
            out, err = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    @contextmanager
    def started(self, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Start ``weblake``, and end it with the ``with`` block if it has not ended by itself."""
        own = {"RATE": "20", "GENERATE": "1", **environment}
        process = subprocess.Popen(
            weblake_command(*arguments),
            cwd=PROJECT,
            env=child_environment(self.settings, **own),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def status(self) -> dict[str, Any]:
        """Return what ``weblake status`` says, with its exit code as ``code``."""
        done = self.run("status", "--json", seconds=TERMINAL_SECONDS)
        assert "Traceback" not in done.stderr, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return {**said, "code": done.returncode}

    def up(self) -> None:
        """Bring it up, and require that it is well then."""
        done = self.run("up")
        assert done.returncode == 0, done.stdout + done.stderr
        self.wait_until_status(lambda said: bool(said["code"] == 0), "the stack is well")

    def wait_until_status(self, condition: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Wait until the status says something, and return it."""
        said: dict[str, Any] = {}

        def holds() -> bool:
            said.clear()
            said.update(self.status())
            return condition(said)

        try:
            wait_until(holds, PATIENCE_SECONDS, what, pause_seconds=1)
        except Exception as error:
            raise AssertionError(f"{what}: it says {said.get('state')}, {said.get('problems')}") from error
        return said

    def processes(self, *names: str) -> list[Marked]:
        """Return the processes of some programs, or all of the stack's."""
        return [one for one in marked(self.settings) if not names or one.name in names]

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """Stop the processes of some programs, or all of them, by a signal, and let them go on at the end."""
        pids = [one.pid for one in self.processes(*names)]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def clear(self) -> None:
        """Leave no process behind."""
        for one in self.processes():
            with suppress(psutil.NoSuchProcess):
                psutil.Process(one.pid).resume()
        end_processes(leftovers(self.settings))


def whole_stack(folder: Path) -> WholeStack:
    """Return a stack that is not up yet, on ports of its own."""
    broker, database = pick_quiet_ports(2)
    places = {"WEBLAKE_DATA": str(folder), "LAKE_ROOT": str(folder / "lake"), "WEBLAKE_CHARTS": str(folder / "charts")}
    servers = {"KAFKA_BOOTSTRAP_SERVERS": f"{LOCALHOST}:{broker}", "POSTGRES_PORT": str(database)}
    pace = {"CHARTS_SECONDS": "5", "SPARK_MASTER": "local[2]", "POSTGRES_HOST": LOCALHOST}
    return WholeStack(load_settings({**places, **servers, **pace}))
