"""`make up`, interrupted at any moment, on an empty folder and on a full one: the next one brings the stack up."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from faults.rig import PATIENCE_SECONDS
from faults.table import ROW, Row
from faults.whole import Ran, Whole

from lake.contracts import CHARTS, TOPIC_PARTITIONS
from lake.settings import STACK_FILE
from stack.programs import PROGRAMS
from stack.servers import kafka, postgres
from stack.servers.stack_env import ROLES
from stack.servers.waiting import wait_until
from stack.supervision import is_running, states

pytestmark = pytest.mark.faults

CLOSED_PIPE = "closed pipe"
INTERRUPTIONS = ("^C", "TERM", "HUP", "KILL", CLOSED_PIPE)
LONGEST_SECONDS = 40.0
"""A whole start takes about so long."""


def interrupt(process: subprocess.Popen[str], way: str) -> None:
    """Interrupt a command: ^C reaches all of its process group, a signal by number the command alone."""
    if process.poll() is None:
        if way == "^C":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.Signals[f"SIG{way}"])


class Interrupted(Whole):
    """A stack whose starts are interrupted. ``diary`` says what was done to it, and how long each `make up` took."""

    def __init__(self, data: Path) -> None:
        """Start nothing yet."""
        super().__init__(data)
        self.diary: list[str] = []
        self._unread: list[subprocess.Popen[str]] = []

    def up(self, **values: str) -> Ran:
        """Bring it up, and note how long that took."""
        done = super().up(**values)
        self.diary.append(f"up in {done.seconds:.0f} s")
        return done

    def interrupt(self, dice: random.Random, longest_seconds: float) -> None:
        """Begin `make up`, and interrupt it at a random moment, in a random way."""
        seconds, way = dice.uniform(0, longest_seconds), dice.choice(INTERRUPTIONS)
        process = self.begin("up")
        time.sleep(seconds)
        self.diary.append(f"{way} after {seconds:.1f} s{'' if process.poll() is None else ' (it was up by then)'}")
        if way == CLOSED_PIPE:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            process.stderr.close()
            self._unread.append(process)
            return
        interrupt(process, way)
        output = "".join(process.communicate(timeout=60))
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
        self.wait_until_well()

    def move(self, data: Path) -> None:
        """Move the folder."""
        self.data.rename(data)
        self.data = data

    def clear(self) -> None:
        """Leave no process and no data behind."""
        super().clear()
        for process in self._unread:
            process.wait(60)
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "moment" in metafunc.fixturenames:
        metafunc.parametrize("moment", range(metafunc.config.getoption("moments")))


@pytest.fixture
def whole(request: pytest.FixtureRequest, fault_seed: int, tmp_path: Path) -> Iterator[Interrupted]:
    """A whole stack of the case's own; it ends with the case."""
    stack = Interrupted(tmp_path / "data")
    try:
        yield stack
    finally:
        stack.clear()
        row = Row(request.node.name.removeprefix("test_"), fault_seed, -1, "; ".join(stack.diary), -1, -1, "see above")
        request.node.user_properties.append((ROW, asdict(row)))


def test_an_interrupted_start_is_finished_by_the_next(whole: Interrupted, fault_seed: int, moment: int) -> None:
    dice = random.Random(f"{fault_seed} {moment}")
    for folder in ("empty", "full"):
        whole.diary.append(folder)
        whole.interrupt(dice, LONGEST_SECONDS)
        whole.up()
        whole.require_well()
        if folder == "full":
            checked = whole.run("verify")
            assert checked.code == 0, checked.out
        assert whole.run("down").code == 0


def test_a_running_stack_is_brought_to_what_is_asked_for(whole: Interrupted) -> None:
    process = whole.begin("up")
    wait_until(lambda: is_running(whole.settings), PATIENCE_SECONDS, "supervisor answers")
    interrupt(process, "KILL")  # the programs run, without a topic and without roles
    process.communicate()
    assert "The stack was up already" in whole.up().out
    whole.require_well()
    before = {name: state.pid for name, state in states(whole.settings).items()}
    changed = whole.up(TRIGGER_SECONDS="3")
    assert "stream restarted (TRIGGER_SECONDS=3, it was 2)\n" in changed.out
    after = {name: state.pid for name, state in states(whole.settings).items()}
    assert {name for name, pid in after.items() if pid != before[name]} == {"stream"}
    assert "all is as asked for; nothing had to be changed" in whole.up(TRIGGER_SECONDS="3").out
    whole.require_well()


def test_down_ends_a_start_that_is_at_work(whole: Interrupted) -> None:
    process = whole.begin("up")
    wait_until(lambda: is_running(whole.settings), PATIENCE_SECONDS, "supervisor answers")
    ended = whole.run("down")
    assert ended.code == 0, ended.text
    assert f"another `make up` (pid {process.pid}) was starting this stack; it is told to stop\n" in ended.out
    output = "".join(process.communicate(timeout=PATIENCE_SECONDS))
    assert process.returncode == 130, output
    assert re.search(r"`make down` \(pid \d+\) stopped the stack while it started; `make up` starts it again", output)
    assert not is_running(whole.settings)
    whole.up()
    whole.require_well()


def test_a_folder_that_was_moved_opened_and_emptied_in_part_while_the_stack_was_down(whole: Interrupted) -> None:
    whole.up()
    assert whole.run("down").code == 0
    whole.move(whole.data.with_name("elsewhere"))
    postgres.cluster(whole.settings).chmod(0o755)
    whole.data.chmod(0o755)
    assert "were open to other users of this machine" in whole.up().out
    whole.require_well()
    checked = whole.run("verify")
    assert checked.code == 0, checked.out
    assert whole.run("down").code == 0
    file = whole.data / STACK_FILE
    text = file.read_text()
    file.write_text("")
    refused = whole.run("up")
    assert (refused.code, "Traceback" in refused.text) == (1, False), refused.text
    assert f"the password of the database in {postgres.home(whole.settings)} is lost" in refused.text
    file.write_text(text)
    whole.up()
    whole.require_well()
