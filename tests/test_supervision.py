"""A real supervisor: asked, told of changes, and stopped."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from settings_in import settings_in

from lake.errors import ServiceError
from lake.settings import Settings
from stack import supervision, supervisor_config
from stack.health.processes import Process, ask_supervisor, marked, processes
from stack.leftovers import leftovers
from stack.programs import PROGRAMS
from stack.servers.waiting import wait_until


@pytest.fixture
def sleeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A real supervisor whose two programs sleep; what it is told of them is in the settings of stream and charts."""
    command = "command=sh -c 'echo $MOOD; exec sleep 600'"
    section = f"\n[program:{{name}}]\n{command}\nautorestart=true\nstartsecs=0\n"
    monkeypatch.setattr(supervisor_config, "PROGRAM", section)
    sleepers = tuple(program for program in PROGRAMS if program.name in ("stream", "charts"))
    monkeypatch.setattr(supervisor_config, "programs", lambda _: sleepers)
    settings = settings_in(tmp_path)
    supervisor_config.write_config(settings)
    supervision.start(settings)
    yield settings
    for process in leftovers(settings):  # supervisor takes seconds to end them
        process.kill()


def pids(settings: Settings) -> dict[str, int]:
    return {name: state.pid for name, state in supervision.states(settings).items()}


def test_a_setting_restarts_the_programs_that_it_concerns_and_no_other(sleeper: Settings) -> None:
    before = pids(sleeper)
    changed = settings_in(sleeper.data, TRIGGER_SECONDS="3")
    supervisor_config.write_config(changed)
    assert supervision.apply_config(changed) == ["stream restarted (TRIGGER_SECONDS=3, it was 10)"]
    after = pids(sleeper)
    assert after["charts"] == before["charts"]
    assert after["stream"] != before["stream"]
    stream = psutil.Process(after["stream"])  # supervisor itself at first, for a moment
    wait_until(lambda: stream.environ().get("TRIGGER_SECONDS") == "3", 20, "the program has the setting")
    assert supervision.apply_config(changed) == []
    secret = settings_in(sleeper.data, TRIGGER_SECONDS="3", POSTGRES_CHARTS_PASSWORD="changed, too")
    supervisor_config.write_config(secret)
    assert supervision.apply_config(secret) == [f"{name} restarted (the passwords)" for name in ("charts", "stream")]


def test_a_program_that_does_not_run_is_started_again(sleeper: Settings) -> None:
    supervision.stop_program(sleeper, "stream")
    supervision._call(sleeper, "stopProcessGroup", "charts", True)
    supervision._call(sleeper, "removeProcessGroup", "charts")  # as an interrupted change leaves it
    assert supervision.apply_config(sleeper) == ["charts started", "stream started again (it was stopped)"]
    assert all(pids(sleeper).values())


def test_a_program_that_waits_for_its_next_try_is_started_at_once(sleeper: Settings) -> None:
    file = supervisor_config.config_file(sleeper)
    file.write_text(file.read_text() + "\n[program:fails]\ncommand=false\nstartretries=1000\n")
    supervision.apply_config(sleeper)
    wait_until(lambda: supervision.states(sleeper)["fails"].state == "BACKOFF", 20, "it has failed")
    assert supervision.apply_config(sleeper) == ["fails started again (it was backoff)"]


def test_passwords_are_not_in_the_environment_of_the_programs(sleeper: Settings) -> None:
    supervisor = psutil.Process(supervision.pid(sleeper)).environ()
    assert supervisor["WEBLAKE_DATA"] == str(sleeper.data)
    assert [name for name in supervisor if "PASSWORD" in name] == []


def test_the_supervisor_of_the_folder_that_this_one_was_copied_from_is_left_alone(
    sleeper: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = settings_in(tmp_path_factory.mktemp("copy"))
    shutil.copy(supervisor_config.config_file(sleeper), copy.data)
    assert supervision.is_running(sleeper)
    assert not supervision.is_running(copy)
    with pytest.raises(ServiceError, match="is no configuration of this folder"):
        supervision.shut_down(copy)


def test_a_program_may_be_stopped_and_started_twice(sleeper: Settings) -> None:
    for _ in range(2):
        supervision.stop_program(sleeper, "stream")
        assert not supervision.states(sleeper)["stream"].pid
    for _ in range(2):
        supervision.start_program(sleeper, "stream")
        assert supervision.states(sleeper)["stream"].pid


def test_a_refusal_of_supervisor_is_named(sleeper: Settings) -> None:
    with pytest.raises(ServiceError, match="refused stopProcess nobody: BAD_NAME"):
        supervision.stop_program(sleeper, "nobody")


def look(settings: Settings) -> dict[str, Process]:
    told = ask_supervisor(settings)
    return {one.name: one for one in processes(settings, *told, marked(settings), time.time())}


def test_a_frozen_supervisor_and_a_frozen_program_are_seen_without_its_answer(
    sleeper: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "ANSWER_SECONDS", 0.5)
    number, program = supervision.pid(sleeper), supervision.states(sleeper)["stream"].pid
    found = look(sleeper)
    assert (found["supervisor"].state, found["supervisor"].pid) == ("RUNNING", number)
    assert (found["stream"].state, found["stream"].pid) == ("RUNNING", program)
    assert set(found) == {"supervisor", "stream", "charts"}
    try:
        os.kill(number, signal.SIGSTOP)
        wait_until(lambda: look(sleeper)["supervisor"].state == "FROZEN", 20, "supervisor is seen to be frozen")
        assert look(sleeper)["stream"].state == "RUNNING"
        os.kill(program, signal.SIGSTOP)
        wait_until(lambda: look(sleeper)["stream"].state == "FROZEN", 20, "the program is seen to be frozen")
        assert (look(sleeper)["supervisor"].frozen, look(sleeper)["stream"].frozen) == ((number,), (program,))
    finally:
        os.kill(number, signal.SIGCONT)
        os.kill(program, signal.SIGCONT)


def test_a_program_that_goes_on_without_its_supervisor_is_told_from_one_that_has_stopped(sleeper: Settings) -> None:
    number, program = supervision.pid(sleeper), supervision.states(sleeper)["stream"].pid
    os.kill(number, signal.SIGKILL)
    try:
        wait_until(lambda: not supervision.pid(sleeper), 20, "supervisor is gone")
        found = look(sleeper)
        assert (found["supervisor"].state, found["supervisor"].pid) == ("STOPPED", 0)
        assert (found["stream"].state, found["stream"].pid) == ("UNSUPERVISED", program)
        assert found["stream"].uptime_seconds > 0
    finally:
        for left in leftovers(sleeper):
            left.kill()
    wait_until(lambda: look(sleeper)["stream"].state == "STOPPED", 20, "the program is gone")


@pytest.mark.parametrize(
    "text", [None, "[supervisorctl]\n", "no configuration", "[supervisorctl]\nserverurl=unix:///x\n"]
)
def test_a_supervisor_that_does_not_answer_is_named(text: str | None, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    if text is not None:
        supervisor_config.config_file(settings).write_text(text)
    assert (supervision.is_running(settings), supervision.pid(settings), supervision.states(settings)) == (False, 0, {})
    for order in (supervision.stop_program, supervision.start_program):
        with pytest.raises(ServiceError, match="supervisor does not answer"):
            order(settings, "stream")
