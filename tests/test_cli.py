"""The command line: help, exit codes, what it prints and logs, and what it must not import."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from commands import COMMANDS, GROUP

from lake.command import weblake_command
from lake.contracts.records import ReplayRecord
from lake.requests import ReplayRequest
from lake.settings import PROJECT, Settings, child_environment, load_settings
from stack.programs import PROGRAMS
from weblake import __version__, console
from weblake.commands.programs import Name
from weblake.main import run
from weblake.process import on_stop, set_up_log
from weblake.show.errands import show_replays

pytestmark = pytest.mark.usefixtures("log_as_it_was")

HEAVY = ("pyspark", "dbt", "pandas", "matplotlib", "kafka", "psycopg2", "supervisor", "sqlalchemy")


def command_line(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        weblake_command(*arguments),
        cwd=PROJECT,
        env=child_environment(load_settings(), **environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_does_and_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    page = capsys.readouterr().out
    assert "Example: " in page
    assert f"weblake {name}" in re.sub(r"\s+", " ", page.split("Example: ")[1])
    command = GROUP.commands[name]
    assert all(parameter.help for parameter in command.params if parameter.name != "help"), "an option without help"
    assert command.rich_help_panel in ("Stack", "Data", "Marts", "Bots", "Care")


def test_the_first_line_of_each_help_fits_a_terminal() -> None:
    long = {name for name in COMMANDS if len((GROUP.commands[name].help or "").split("\n\n")[0]) > 90}
    assert long == set()


def test_the_command_line_loads_no_room() -> None:
    loads = f"import sys, weblake.main; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", loads], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_stands_in_one_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"weblake {__version__}\n"
    assert 'dynamic = ["version"]' in (PROJECT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["repaly"], "Did you mean 'replay'"),
        (["replay", "--form", "x"], "No such option: --form"),
        (["replay"], "a replay needs --from and --to"),
        (["replay", "--undo", "x", "--client", "192.0.2.1"], "leave out --from, --to and --client"),
        (["replay", "--undo", "x", "--from", "2026-01-01", "--to", "2026-01-02"], "--undo takes back the whole"),
        (["replay", "--from", "soon", "--to", "2026-01-01"], "--from 'soon' is not a time"),
        (["replay", "--from", "2026-01-02", "--to", "2026-01-01"], "is not after --from"),
        (["verify", "--from", "2026-01-02", "--to", "2026-01-01"], "is not after --from"),
        (["verify", "--to", "2026-13-01"], "--to '2026-13-01' is not a time"),
        (["explain", "--ip", "no body"], "--ip 'no body' is not an IP address"),
        (["convict", "--ip", "300.0.0.1", "--reason", "x"], "'300.0.0.1' is not an IP address"),
        (["convict", "--ip", "192.0.2.1", "--reason", " "], "needs a reason"),
        (["erase", "--ip", "1.2"], "'1.2' is not an IP address"),
        (["blocklist", "--format", "xml"], "'xml' is not one of"),
        (["sandbox"], "a sandbox needs --name"),
        (["sandbox", "--name", "Maria"], "--name 'Maria' cannot be a sandbox's"),
        (["sandbox", "--name", "maria", "--seconds", "0"], "--seconds 0 is not from 1 to 86400"),
        (["import"], "Missing argument 'FILE...'"),
        (["import", "/no/such/file"], "/no/such/file does not exist"),
        (["run", "nothing"], "'nothing' is not one of"),
        (["run", "kafka", "--once"], "--once is for stream only"),
        (["generate", "--rate", "0"], "--rate 0.0 is not above 0"),
        (["generate", "--bots", "2"], "Invalid value for '--bots': Input should be less than or equal to 1"),
        (["generate", "--start", "soon"], "--start 'soon' is not a time"),
        (["generate", "--seconds", "ten"], "Invalid value for '--seconds': Input should be a valid number"),
        (["generate", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_wrong_usage_is_named_and_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    text = re.sub(r"[\s│]+", " ", capsys.readouterr().err)
    assert message in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("name", "value"), [("POSTGRES_PORT", "five"), ("LOG_LEVEL", "LOUD"), ("GENERATE", "perhaps"), ("RATE", "-1")]
)
@pytest.mark.parametrize("arguments", [["status"], ["run", "stream"], ["dbt"], ["charts"], ["verify"], ["generate"]])
def test_a_bad_setting_is_named_and_exits_with_2(
    name: str,
    value: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    assert run(arguments) == 2
    assert re.match(rf"weblake: {name}='{value}' is .*set it to", capsys.readouterr().err)


def test_a_service_that_is_down_is_one_line_and_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    monkeypatch.setenv("POSTGRES_PORT", "1")
    assert run(["blocklist"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("weblake: psycopg2: connection to server")


def test_lists_are_empty_and_json_where_there_is_no_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    assert run(["replays"]) == run(["verdicts"]) == 0
    assert capsys.readouterr().out == "no replays yet\nno verdicts yet\n"
    assert run(["replays", "--json"]) == run(["verdicts", "--json"]) == 0
    assert capsys.readouterr().out == "[]\n[]\n"


def test_an_undo_may_be_a_dry_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[ReplayRequest] = []

    def record(_settings: Settings, request: ReplayRequest, _show: object) -> ReplayRecord:
        requests.append(request)
        return ReplayRecord(**asdict(request), at=0.0, corrections=0)

    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    monkeypatch.setattr("spark.commands.replay.replay", record)
    assert run(["replay", "--undo", "x", "--dry-run"]) == run(["replay", "--undo", "x"]) == 0
    assert [(request.undo, request.dry_run) for request in requests] == [("x", True), ("x", False)]


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weblake.commands.health.prepare", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(["status"])


def test_an_interrupt_exits_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("weblake.commands.health.prepare", interrupt)
    assert run(["status"]) == 130
    assert "weblake: interrupted" in capsys.readouterr().err


def test_a_reader_that_leaves_ends_the_command_quietly(tmp_path: Path) -> None:
    agents = tmp_path / "agents.txt"
    agents.write_text("curl/8\n" * 50_000)
    pipe = f"{sys.executable} -m weblake classify {agents} | head -1"
    done = subprocess.run(["sh", "-c", pipe], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("tool\tcurl\tcurl.haxx.se\tcurl/8\n", "")


def test_shell_completion_knows_commands_and_values() -> None:
    words = {"_WEBLAKE_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    assert command_line(COMP_WORDS="weblake accept", **words).stdout.split() == ["accept-loss", "accept-topic"]
    words["COMP_CWORD"] = "2"
    assert set(command_line(COMP_WORDS="weblake run ", **words).stdout.split()) == {one.name for one in PROGRAMS}


def test_run_names_the_programs_of_the_stack() -> None:
    assert {name.value for name in Name} == {program.name for program in PROGRAMS}


def test_the_log_has_one_format(capsys: pytest.CaptureFixture[str]) -> None:
    logging.basicConfig(format="%(message)s of a library", force=True)
    set_up_log("INFO")
    logging.getLogger("spark.bronze").info("batch %d", 7)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO spark\.bronze: batch 7\n", capsys.readouterr().err)


def test_the_first_signal_ends_and_the_second_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: dict[int, Any] = {}
    monkeypatch.setattr("signal.signal", handlers.__setitem__)
    ends: list[str] = []
    on_stop(lambda: ends.append("end"))
    (handle,) = set(handlers.values())
    handle()
    with pytest.raises(KeyboardInterrupt):
        handle()
    assert ends == ["end"]


def test_a_table_is_plain_and_whole_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    console.write_table(("name", "rows"), [("x" * 200, console.Cell("7", console.BAD))], "Title", right=" r")
    assert capsys.readouterr().out == f"{'name':<200}  rows\n{'x' * 200}     7\n\n"


def test_the_list_of_replays_says_why_and_by_which_rules(capsys: pytest.CaptureFixture[str]) -> None:
    by_rules = ReplayRecord("r", 0, 10, reason="filters are no views", rules={"urls.yml": "0123456789abcdef"})
    show_replays([by_rules, ReplayRecord("u", undo="r")])
    heading, first, second = capsys.readouterr().out.splitlines()[:3]
    assert heading.split()[-2:] == ["reason", "rules"]
    assert first.endswith("filters are no views  0123456")
    assert second.split()[-2:] == ["-", "-"]
