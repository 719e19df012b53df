"""What ``status`` and ``verify`` say of a stack whose programs are frozen or killed, one by one and all at once."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from faults.rig import PATIENCE_SECONDS
from faults.whole import Ran, Whole

from stack.servers.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

ALL = ("supervisor", "kafka", "postgres", "stream", "marts", "charts", "generator")


@pytest.fixture(scope="module")
def module_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    opened = Whole(tmp_path_factory.mktemp("whole") / "data", RATE="20", GENERATE="1")
    try:
        yield opened
    finally:
        opened.clear()


@pytest.fixture
def stack(module_stack: Whole) -> Whole:
    """The stack, up and well: each test leaves it as it likes."""
    module_stack.up()
    module_stack.wait_until_well()
    return module_stack


def states(said: dict[str, Any]) -> dict[str, str]:
    return {process["name"]: process["state"] for process in said["processes"]}


def test_everything_frozen_is_said_with_what_lets_it_go_on(stack: Whole) -> None:
    with stack.frozen():
        said = stack.status()
        assert (said["code"], said["state"]) == (1, "unwell")
        assert set(states(said).values()) == {"FROZEN"}
        assert said["problems"][0].startswith(f"{', '.join(ALL)}: stopped in the middle of work by a signal")
        (pids,) = re.findall(r"`kill -CONT ([0-9 ]+)`$", said["problems"][0])
        assert {one.pid for one in stack.processes()} == set(map(int, pids.split()))
        assert all(sentence.endswith("`") for sentence in (*said["problems"], *said["unknown"]))
        assert any("PostgreSQL" in sentence for sentence in (*said["problems"], *said["unknown"]))
        page = stack.run("status")
        assert (page.code, page.err) == (1, "")
        assert f"NOT WELL: {said['problems'][0]}" in page.out
    stack.wait_until_well()


def test_programs_without_their_supervisor_are_told_from_stopped_ones(stack: Whole) -> None:
    (supervisor,) = stack.processes("supervisor")
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: not stack.processes("supervisor"), PATIENCE_SECONDS, "supervisor is gone")
    said = stack.status()
    assert (said["code"], said["state"]) == (1, "unwell")
    assert states(said) == {"supervisor": "STOPPED"} | dict.fromkeys(ALL[1:], "UNSUPERVISED")
    names = ", ".join(ALL[1:])
    assert said["problems"][0] == f"supervisor has ended, and {names} go on without it; run `make up`"


def test_charts_that_are_killed_come_again_and_frozen_ones_are_named(stack: Whole) -> None:
    (charts,) = stack.processes("charts")
    os.kill(charts.pid, signal.SIGKILL)
    again = stack.wait_until_status(
        lambda said: said["code"] == 0 and any(one["pid"] not in (0, charts.pid) for one in of(said, "charts")),
        "the charts are there again",
    )
    assert again["charts_age_seconds"] is not None
    with stack.frozen("charts"):
        said = stack.status()
        assert said["code"] == 1
        assert said["problems"][0].startswith("charts: stopped in the middle of work by a signal")


def of(said: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [process for process in said["processes"] if process["name"] == name]


def test_a_generator_that_is_frozen_is_named(stack: Whole) -> None:
    with stack.frozen("generator"):
        said = stack.status()
        assert said["code"] == 1
        assert said["problems"][0].startswith("generator: stopped in the middle of work by a signal")


def test_a_source_that_has_gone_silent_is_named_and_its_first_events_are_no_lag(stack: Whole) -> None:
    words = "no record has come for"

    def silent(minutes: str) -> Ran:
        return stack.run("status", GENERATE="0", SILENT_MINUTES=minutes)

    stack.up(GENERATE="0")
    wait_until(lambda: words in silent("1").out, PATIENCE_SECONDS, "the silence is noticed", pause_seconds=5)
    assert silent("1").code == 1
    for minutes in ("auto", "0", "60"):
        said = silent(minutes)
        assert words not in said.out
    seen: set[str] = set()
    with stack.begin("up", GENERATE="1") as starting:
        while starting.poll() is None:
            seen.update(stack.status()["problems"])
    assert starting.returncode == 0
    assert [sentence for sentence in seen if "behind" in sentence or "the bookmark" in sentence] == []


def test_a_verify_whose_java_is_killed_ends_with_3_and_says_why(stack: Whole) -> None:
    java: list[psutil.Process] = []

    def is_at_work() -> bool:
        """Say whether Java has opened the lake: it has a port for its own, and has used the processor for a while."""
        java[:] = [child for child in psutil.Process(verify.pid).children() if child.name() == "java"]
        return bool(java) and sum(java[0].cpu_times()[:2]) > 8

    with stack.begin("verify", "--deep") as verify:
        wait_until(is_at_work, PATIENCE_SECONDS, "verify is at work")
        java[0].kill()
        out, err = verify.communicate(timeout=PATIENCE_SECONDS)
    assert verify.returncode == 3, out + err
    assert "Spark's Java process was killed, as the system does when memory runs out" in out
    assert "FAILED" not in out
    assert out.splitlines()[-1].startswith("What was checked holds. Crashed, so run `make verify` again: ")
    assert err == ""
    said = stack.status()
    assert (said["verify"]["verdict"], said["verify"]["failed"]) == ("crashed", [])
    whole = stack.run("verify")
    assert whole.code in (0, 3), whole.text
    assert stack.status()["verify"]["verdict"] in ("ok", "unchecked")


def test_a_stack_that_was_stopped_is_down_and_its_history_tells_the_day(stack: Whole) -> None:
    assert stack.run("down").code == 0
    said = stack.status()
    assert (said["code"], said["state"]) == (4, "down")
    assert said["problems"] == ["nothing of the stack runs; run `make up`"]
    listed = stack.run("status", "--since", "1h")
    assert listed.code == 0
    assert listed.out.strip().splitlines()[-1].endswith("stopped by `make down`")
    rows = [re.split(" {2,}", line) for line in listed.out.strip().splitlines()[1:]]
    assert {"well", "unwell", "down"} <= {state for _, _, state, _ in rows}
