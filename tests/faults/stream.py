"""The stream as a process of the rig's: started, killed, told to end, waited for."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil

from lake.command import weblake_command
from lake.settings import PROJECT, Settings, child_environment

STOP_SECONDS = 30


class Stream:
    """``weblake run stream`` over one lake. Its log is ``<data>/logs/stream.log``."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet."""
        self.log = settings.data / "logs" / "stream.log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, *arguments: str, **environment: str) -> None:
        """Start it, and do not wait; ``environment`` adds settings, such as ``WEBLAKE_FAIL_AT``."""
        assert self.pid is None, "the stream runs already"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                weblake_command("run", "stream", *arguments),
                cwd=PROJECT,
                env=child_environment(self._settings, **environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, with_java: bool = True) -> None:
        """Kill it as ``kill -9`` does, its Java process at the same time or left to find out for itself."""
        process = self._running()
        if with_java:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()

    def kill_java(self) -> None:
        """Kill its Java process alone, as the system does when memory runs out."""
        for child in psutil.Process(self._running().pid).children():
            child.kill()

    def stop(self) -> None:
        """Ask it to end, and require that it does so in time and without an error."""
        process = self._running()
        process.terminate()
        code = process.wait(STOP_SECONDS)
        assert code == 0, f"the stream ended with code {code}; the end of its log:\n{self.log_tail()}"

    def wait_for_end(self, seconds: float) -> int:
        """Wait until it has ended by itself, and return its exit code (negative: the signal that killed it)."""
        return self._running().wait(seconds)

    def clear(self) -> None:
        """Leave no process behind, whatever state it is in."""
        if self._process:
            for process in psutil.process_iter(["pid"]):
                if _group(process.info["pid"]) == self._process.pid:
                    process.kill()
            self._process.wait()

    def log_tail(self, lines: int = 40) -> str:
        """Return the end of its log."""
        return "\n".join(Path(self.log).read_text(errors="replace").splitlines()[-lines:])

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the stream was not started"
        return self._process


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1
