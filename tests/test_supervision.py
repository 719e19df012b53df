"""What supervisor is told."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from settings_in import settings_in
from supervisor.options import ServerOptions

from lake.errors import ServiceError
from lake.settings import Settings
from stack import supervision
from stack.programs import PROGRAMS


def test_the_generator_is_supervised_only_when_it_is_on(tmp_path: Path) -> None:
    supervision.write_config(settings_in(tmp_path, GENERATE="0"))
    text = supervision.config_file(settings_in(tmp_path)).read_text()
    assert "[program:stream]" in text
    assert "[program:generator]" not in text
    supervision.write_config(settings_in(tmp_path, GENERATE="1", RATE="77"))
    assert 'RATE="77"' in supervision.config_file(settings_in(tmp_path)).read_text()


def test_a_deep_data_folder_gets_a_short_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))  # where our programs keep temporary files
    supervision.write_config(settings_in(deep))
    (line,) = (
        line for line in supervision.config_file(settings_in(deep)).read_text().splitlines() if "file=/" in line[:6]
    )
    assert len(line.removeprefix("file=")) < 100


def test_supervisor_finds_the_logs_whatever_is_in_the_folders_name(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "50% a b", GENERATE="1")
    supervision.write_config(settings)
    options = ServerOptions()
    options.realize(["-c", str(supervision.config_file(settings))])
    programs = [program for group in options.process_group_configs for program in group.process_configs]
    assert {program.stdout_logfile for program in programs} == {
        f"{settings.data}/logs/{program.name}.log" for program in PROGRAMS
    }


@pytest.fixture
def sleeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A real supervisor whose one program sleeps."""
    monkeypatch.setattr(supervision, "programs", lambda _: ())
    settings = settings_in(tmp_path)
    supervision.write_config(settings)
    with supervision.config_file(settings).open("a") as file:
        file.write("\n[program:sleeper]\ncommand=sleep 600\n")
    supervision.start(settings)
    yield settings
    if number := supervision.pid(settings):
        supervision.shut_down(settings)
        psutil.Process(number).wait(20)


def test_a_program_may_be_stopped_and_started_twice(sleeper: Settings) -> None:
    for _ in range(2):
        supervision.stop_program(sleeper, "sleeper")
        assert not supervision.states(sleeper)["sleeper"].pid
    for _ in range(2):
        supervision.start_program(sleeper, "sleeper")
        assert supervision.states(sleeper)["sleeper"].pid


def test_the_environment_is_that_of_the_start(sleeper: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIGGER_SECONDS", "77")
    environment = supervision.environment(sleeper)
    assert environment["WEBLAKE_DATA"] == str(sleeper.data)
    assert environment.get("TRIGGER_SECONDS") != "77"


def test_a_refusal_of_supervisor_is_named(sleeper: Settings) -> None:
    with pytest.raises(ServiceError, match="refused stopProcess nobody: BAD_NAME"):
        supervision.stop_program(sleeper, "nobody")


@pytest.mark.parametrize(
    "text", [None, "[supervisorctl]\n", "no configuration", "[supervisorctl]\nserverurl=unix:///x\n"]
)
def test_a_supervisor_that_does_not_answer_is_named(text: str | None, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    if text is not None:
        supervision.config_file(settings).write_text(text)
    assert (supervision.is_running(settings), supervision.pid(settings), supervision.states(settings)) == (False, 0, {})
    for order in (supervision.stop_program, supervision.start_program):
        with pytest.raises(ServiceError, match="supervisor does not answer"):
            order(settings, "stream")
