"""A whole stack in a folder of its own, as `make up` starts it: interrupted, finished, looked at, ended."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

from lake.command import weblake_command
from lake.contracts import CHARTS, TOPIC_PARTITIONS
from lake.settings import PROJECT, STACK_FILE, Settings, child_environment, load_settings
from stack.down import down, end_processes, leftovers
from stack.programs import PROGRAMS
from stack.servers import kafka, postgres
from stack.servers.ports import pick_quiet_ports
from stack.servers.stack_env import ROLES
from stack.supervision import states

PATIENCE_SECONDS = 600.0
CLOSED_PIPE = "closed pipe"
INTERRUPTIONS = ("^C", "TERM", "HUP", "KILL", CLOSED_PIPE)
PACE = {"SPARK_MASTER": "local[2]", "TRIGGER_SECONDS": "2", "MARTS_SECONDS": "2", "CHARTS_SECONDS": "5"}


class Whole:
    """One stack. ``diary`` says what was done to it, and how many seconds each `make up` took."""

    def __init__(self, data: Path) -> None:
        """Choose ports; start nothing."""
        broker, database = pick_quiet_ports(2)
        ports = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker}", "POSTGRES_PORT": str(database)}
        self._ports = ports
        self._unread: list[subprocess.Popen[str]] = []
        self.data = data
        self.diary: list[str] = []

    @property
    def settings(self) -> Settings:
        """The settings as every command finds them now."""
        return load_settings({"WEBLAKE_DATA": str(self.data), "WEBLAKE_CHARTS": str(self.data / "charts")})

    def begin(self, *arguments: str, **values: str) -> subprocess.Popen[str]:
        """Begin a command in a process group of its own, as a terminal does."""
        folders = {"WEBLAKE_DATA": str(self.data), "WEBLAKE_CHARTS": str(self.data / "charts")}
        ports = {} if (self.data / STACK_FILE).exists() else self._ports
        return subprocess.Popen(
            weblake_command(*arguments),
            cwd=PROJECT,
            env=child_environment(load_settings({**PACE, **ports, **folders, **values}), **values),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **values: str) -> tuple[int, str]:
        """Run a command; return its exit code and all that it printed."""
        process = self.begin(*arguments, **values)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, output

    def up(self, **values: str) -> str:
        """Run `make up`, require that it ends well, and return what it printed."""
        began = time.monotonic()
        code, output = self.run("up", **values)
        self.diary.append(f"up in {time.monotonic() - began:.0f} s")
        assert code == 0, output
        return output

    def interrupt(self, dice: random.Random, longest_seconds: float) -> None:
        """Begin `make up`, and interrupt it at a random moment, in a random way."""
        seconds, way = dice.uniform(0, longest_seconds), dice.choice(INTERRUPTIONS)
        process = self.begin("up")
        time.sleep(seconds)
        self.diary.append(f"{way} after {seconds:.1f} s{'' if process.poll() is None else ' (it was up by then)'}")
        if way == CLOSED_PIPE:
            assert process.stdout is not None
            process.stdout.close()
            self._unread.append(process)
            return
        interrupt(process, way)
        output, _ = process.communicate(timeout=60)
        before_it_began = -(signal.SIGINT if way == "^C" else signal.Signals[f"SIG{way}"])
        assert process.returncode in (0, 130, before_it_began), output
        if process.returncode == 130:
            assert "interrupted" in output, output
            assert "Traceback" not in output, output

    def require_well(self) -> None:
        """Require that all is as `make up` promises, by looking at each thing."""
        settings = self.settings
        assert {state.name for state in states(settings).values() if state.is_running} == {
            program.name for program in PROGRAMS
        }
        assert sorted(kafka.end_offsets(settings)) == list(range(TOPIC_PARTITIONS))
        assert {role: refusal for role in ROLES if (refusal := postgres.refusal(settings, role))} == {}
        assert [chart.name for chart in CHARTS if not (settings.charts / chart.file_name).exists()] == []
        code, output = self.run("status", "--json")
        status, _ = json.JSONDecoder().raw_decode(output[output.index("{") :])
        assert (code, status["problems"]) == (0, [])

    def move(self, data: Path) -> None:
        """Move the folder."""
        self.data.rename(data)
        self.data = data

    def clear(self) -> None:
        """Leave no process and no data behind."""
        if self.data.exists():
            down(self.settings)
            end_processes(leftovers(self.settings))
            shutil.rmtree(self.data)
        for process in self._unread:
            process.wait(60)


def interrupt(process: subprocess.Popen[str], way: str) -> None:
    """Interrupt a command: ^C reaches all of its process group, a signal by number the command alone."""
    if process.poll() is None:
        if way == "^C":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.Signals[f"SIG{way}"])
