"""Failpoints kill at the place and the time that they were told, and nowhere else."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import psutil
import pytest

from lake.errors import SettingsError
from lake.settings import PROJECT
from spark import failpoints
from stack.servers.waiting import wait_until

PASS_TWICE = """
import subprocess
from spark import failpoints

failpoints.arm({armed!r})
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
for passing in (1, 2):
    failpoints.reach("silver-before-commit")
    failpoints.reach("bronze-after-commit")
    print(passing, flush=True)
child.kill()
"""


@pytest.mark.parametrize(
    ("armed", "passed", "code"),
    [("off", 2, 0), ("bronze-after-commit", 0, -signal.SIGKILL), ("bronze-after-commit:2", 1, -signal.SIGKILL)],
)
def test_the_process_dies_with_its_children_at_the_nth_passing(armed: str, passed: int, code: int) -> None:
    command = [sys.executable, "-c", PASS_TWICE.format(armed=armed)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    child, *passings = map(int, done.stdout.split())
    assert (len(passings), done.returncode) == (passed, code), done.stderr
    wait_until(lambda: has_ended(child), seconds=10, what=f"child {child} has ended")


def has_ended(pid: int) -> bool:
    """Whether process ``pid`` is gone, or ended and unburied; a signal takes its time after it was sent."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("text", ["bronze", "bronze-after-commit:soon", "bronze-after-commit:0"])
def test_a_failpoint_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="mirror-in-transaction"):
        failpoints.arm(text)


def test_every_failpoint_is_somewhere_in_the_stream() -> None:
    sources = "".join(path.read_text() for path in (PROJECT / "spark").rglob("*.py"))
    assert set(re.findall(r'failpoints\.reach\("([a-z-]+)"\)', sources)) == set(failpoints.POINTS)
