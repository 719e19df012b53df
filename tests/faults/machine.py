"""A machine of its own, as far as one can be played: systemd is process 1 of a namespace, and the power can be cut.

It shares the disk and the network with the machine that the tests run on, but none of its units.
"""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from lake.settings import PROJECT
from stack.servers.waiting import wait_until

SYSTEMD = "/lib/systemd/systemd"
SECONDS = 30
BASIC = {
    "sysinit.target": "",
    "basic.target": "Requires=sysinit.target\nAfter=sysinit.target\n",
    "multi-user.target": "Requires=basic.target\nAfter=basic.target\n",
    "network.target": "",
    "timers.target": "DefaultDependencies=no\n",
    "shutdown.target": "DefaultDependencies=no\n",
}
"""The few units that any other has to do with. What else a system has, such as what empties ``/tmp``, is not there."""
BOOT = """\
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
for folder in /usr/lib/systemd/system /lib/systemd/system; do mount --bind "$1/basic" "$folder"; done
for kind in system-generators system-environment-generators; do
  for folder in /usr/lib /lib /etc /usr/local/lib; do
    if [ -d "$folder/systemd/$kind" ]; then mount --bind "$1/none" "$folder/systemd/$kind"; fi
  done
done
mount --bind "$1/units" /etc/systemd/system
touch "$1/log"
mount --bind "$1/log" /dev/console
exec env -i container=test PATH="$PATH" "$2" --system --unit=multi-user.target --show-status=no --log-target=console
"""
LOG = "[Service]\nStandardOutput=append:{log}\nStandardError=append:{log}\n"


class Machine:
    """A machine, off at first. Its units are in ``units``; what they print, and systemd itself, is in ``log``."""

    def __init__(self, folder: Path) -> None:
        """Make its folders."""
        self.units = folder / "units"
        self.log = folder / "log"
        self._folder = folder
        self._unshare: subprocess.Popen[bytes] | None = None
        self._systemd: psutil.Process | None = None
        for name in ("basic", "none", "units"):
            (folder / name).mkdir(parents=True)
        for name, text in BASIC.items():
            (folder / "basic" / name).write_text(f"[Unit]\n{text}")
        (self.units / "service.d").mkdir()
        (self.units / "service.d" / "log.conf").write_text(LOG.format(log=self.log))

    def switch_on(self) -> None:
        """Start systemd, and with it what is enabled; return when it answers."""
        assert self._unshare is None, "it is on"
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts"]
        command = [*namespaces, "sh", "-ec", BOOT, "boot", str(self._folder), SYSTEMD]
        with self.log.open("ab") as log:
            self._unshare = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers, SECONDS, f"systemd answers (log: {self.log})")

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command on it, as one of its own processes, and return what it says, whatever the exit code."""
        assert self._systemd is not None, "it is off"
        enter = ["nsenter", f"--target={self._systemd.pid}", "--mount", "--pid", "env", f"--chdir={PROJECT}"]
        pairs = [f"{name}={value}" for name, value in environment.items()]
        return subprocess.run([*enter, *pairs, *command], capture_output=True, text=True, check=False)

    def systemctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``systemctl`` on it."""
        return self.run("systemctl", *arguments)

    def state(self, unit: str) -> str:
        """Return ``active``, ``inactive``, ``activating``, ``failed`` and the like."""
        return self.systemctl("is-active", unit).stdout.strip()

    def restarts(self, unit: str) -> int:
        """Return how often systemd has started a service again by itself."""
        return int(self.systemctl("show", "--property=NRestarts", "--value", unit).stdout)

    def cut_power(self) -> None:
        """Kill all of its processes at once: they end with process 1."""
        if self._unshare is None:
            return
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._unshare.pid).children():
                process.send_signal(signal.SIGKILL)
        self._unshare.wait()
        self._unshare = self._systemd = None

    def _answers(self) -> bool:
        assert self._unshare is not None
        assert self._unshare.poll() is None, f"systemd did not start:\n{self.log.read_text()}"
        self._systemd = next((child for child in psutil.Process(self._unshare.pid).children()), None)
        return self._systemd is not None and self.systemctl("list-jobs").returncode == 0
