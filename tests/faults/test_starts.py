"""`make up`, interrupted at any moment, on an empty folder and on a full one: the next one brings the stack up."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from faults.table import ROW, Row
from faults.whole import PATIENCE_SECONDS, Whole, interrupt

from lake.settings import STACK_FILE
from stack.servers import postgres
from stack.servers.waiting import wait_until
from stack.supervision import is_running, states

pytestmark = pytest.mark.faults

LONGEST_SECONDS = 40.0
"""A whole start takes about so long."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "moment" in metafunc.fixturenames:
        metafunc.parametrize("moment", range(metafunc.config.getoption("moments")))


@pytest.fixture
def whole(request: pytest.FixtureRequest, fault_seed: int, tmp_path: Path) -> Iterator[Whole]:
    """A whole stack of the case's own; it ends with the case."""
    stack = Whole(tmp_path / "data")
    try:
        yield stack
    finally:
        stack.clear()
        row = Row(request.node.name.removeprefix("test_"), fault_seed, -1, "; ".join(stack.diary), -1, -1, "see above")
        request.node.user_properties.append((ROW, asdict(row)))


def test_an_interrupted_start_is_finished_by_the_next(whole: Whole, fault_seed: int, moment: int) -> None:
    dice = random.Random(f"{fault_seed} {moment}")
    for folder in ("empty", "full"):
        whole.diary.append(folder)
        whole.interrupt(dice, LONGEST_SECONDS)
        whole.up()
        whole.require_well()
        code, output = whole.run("verify") if folder == "full" else (0, "")
        assert code == 0, output
        assert whole.run("down")[0] == 0


def test_a_running_stack_is_brought_to_what_is_asked_for(whole: Whole) -> None:
    process = whole.begin("up")
    wait_until(lambda: is_running(whole.settings), PATIENCE_SECONDS, "supervisor answers")
    interrupt(process, "KILL")  # the programs run, without a topic and without roles
    process.communicate()
    assert "The stack was up already" in whole.up()
    whole.require_well()
    before = {name: state.pid for name, state in states(whole.settings).items()}
    output = whole.up(TRIGGER_SECONDS="3")
    assert "stream restarted (TRIGGER_SECONDS=3, it was 2)\n" in output
    after = {name: state.pid for name, state in states(whole.settings).items()}
    assert {name for name, pid in after.items() if pid != before[name]} == {"stream"}
    assert "all is as asked for; nothing had to be changed" in whole.up(TRIGGER_SECONDS="3")
    whole.require_well()


def test_down_ends_a_start_that_is_at_work(whole: Whole) -> None:
    process = whole.begin("up")
    wait_until(lambda: is_running(whole.settings), PATIENCE_SECONDS, "supervisor answers")
    code, said = whole.run("down")
    assert code == 0, said
    assert f"another `make up` (pid {process.pid}) was starting this stack; it is told to stop\n" in said
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, output
    assert re.search(r"`make down` \(pid \d+\) stopped the stack while it started; `make up` starts it again", output)
    assert not is_running(whole.settings)
    whole.up()
    whole.require_well()


def test_a_folder_that_was_moved_opened_and_emptied_in_part_while_the_stack_was_down(whole: Whole) -> None:
    whole.up()
    assert whole.run("down")[0] == 0
    whole.move(whole.data.with_name("elsewhere"))
    postgres.cluster(whole.settings).chmod(0o755)
    whole.data.chmod(0o755)
    assert "were open to other users of this machine" in whole.up()
    whole.require_well()
    code, output = whole.run("verify")
    assert code == 0, output
    assert whole.run("down")[0] == 0
    file = whole.data / STACK_FILE
    text = file.read_text()
    file.write_text("")
    code, output = whole.run("up")
    assert (code, "Traceback" in output) == (1, False), output
    assert f"the password of the database in {postgres.home(whole.settings)} is lost" in output
    file.write_text(text)
    whole.up()
    whole.require_well()
