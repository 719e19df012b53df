"""make: its targets, and how what its command line sets becomes options of a command."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from commands import COMMANDS, GROUP
from settings_lists import settings_calls

from lake.errors import SettingsError
from lake.settings import MAKE_VARIABLES, PROJECT, child_environment, load_settings, take_make_variables
from weblake.make import make_names, with_variables

MAKES_OWN = {
    "help",
    "setup",
    "test",
    "coverage",
    "test-fast",
    "faults",
    "lint",
    "bench",
    "bench-scale",
    "bench-agents",
    "bot-eval",
    "alert-eval",
}
MAKES_OWN_VARIABLES = {"MAKE", "MAKEFLAGS", "PHONY", "DEFAULT_GOAL", "VARIABLES"}
"""What is make's, and says how make itself works: who sets it runs make in another way."""
PARTS = {"install", "lint-python", "lint-dbt"}
"""What `make setup` and `make lint` consist of. They have no help, so the list of targets leaves them out."""

FAKE = """#!{python}
import json, os, sys
names = os.environ.get("{variables}", "").split()
print(json.dumps([sys.argv[1:], {{name: os.environ[name] for name in names}}]))
"""


def targets() -> dict[str, str]:
    """Each target of the Makefile that runs a command, with its recipe."""
    text = (PROJECT / "Makefile").read_text()
    return dict(re.findall(r"^([a-z-]+):[^\n]*\n\t@(\$\(IN_VENV\)/weblake[^\n]*)$", text, flags=re.MULTILINE))


def test_make_has_a_target_for_each_command_and_no_other() -> None:
    text = (PROJECT / "Makefile").read_text()
    named = set(re.findall(r"^([a-z-]+):.*## ", text, flags=re.MULTILINE))
    assert sorted(named - MAKES_OWN) == COMMANDS
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", text, flags=re.MULTILINE)
    assert phony is not None
    assert set(phony[1].replace("\\", " ").split()) == named | PARTS
    assert {name: recipe for name, recipe in targets().items() if recipe != f"$(IN_VENV)/weblake {name}"} == {}
    assert set(targets()) | {"setup"} >= set(COMMANDS)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the Makefile, and a program that says how it was called in place of each one of ours."""
    program = tmp_path / ".venv" / "bin" / "weblake"
    program.parent.mkdir(parents=True)
    program.write_text(FAKE.format(python=sys.executable, variables=MAKE_VARIABLES))
    program.chmod(0o755)
    for name in ("python", "ruff", "mypy", "lint-imports", "vulture", "sqlfluff", "dbt", "dbt-score"):
        (program.parent / name).symlink_to("weblake")
    shutil.copy(PROJECT / "Makefile", tmp_path)
    return tmp_path


def make(project: Path, *arguments: str, **environment: str) -> str:
    """What make's programs print; nothing of make reaches it from the run of the tests."""
    ours = child_environment(load_settings())
    clean = {name: text for name, text in ours.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory", *arguments]
    done = subprocess.run(command, cwd=project, env=clean | environment, capture_output=True, text=True, check=True)
    return done.stdout


def hostile(trap: Path) -> list[str]:
    """Values that make the trap wherever make or a shell takes a part of them for a command."""
    touch = f"touch {trap}"
    everything = f"$(shell {touch}) `{touch}` $({touch}) $$({touch}) ${{x}} $HOME % %s {{}} \\ # & {touch} | {touch}"
    return [f"{everything}; {touch}\n{touch}", f'"; {touch}; "', f"'; {touch}; '"]


def test_make_hands_values_over_as_they_are(project: Path) -> None:
    for value in hostile(project / "trap"):
        output = make(project, "convict", f"REASON={value}", "DRY_RUN=1", FROM="not on the command line")
        assert json.loads(output) == [["convict"], {"REASON": value, "DRY_RUN": "1"}]
        words = (f"{name}={value}" for name in ("ARGS", "EVENTS", "CASE", "SEED"))
        output = make(project, "test", "bench", "faults", *words, "PYTHON=.venv/bin/python")
        arguments = [json.loads(line)[0] for line in output.splitlines()[-3:]]
        assert [one.count(value) for one in arguments] == [1, 1, 3]


def test_python_keeps_what_it_compiles_whatever_the_shell_says(project: Path) -> None:
    program = project / ".venv" / "bin" / "weblake"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.dont_write_bytecode)\n")
    assert make(project, "status", PYTHONDONTWRITEBYTECODE="1") == "False\n"


@pytest.mark.parametrize("place", ["command line", "environment"])
def test_nothing_that_a_variable_holds_is_run(place: str, project: Path) -> None:
    text = (PROJECT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):.*## ", text, flags=re.MULTILINE)
    options = {name for command in COMMANDS for one in GROUP.commands[command].params for name in make_names(one)}
    names = {*re.findall(r"\b[A-Z][A-Z_]+\b", text), *options} - MAKES_OWN_VARIABLES
    (project / ".venv" / "bin" / "weblake").write_text("#!/bin/sh\n")
    for value in hostile(project / "trap"):
        for python, goals in ((value, ["setup"]), (".venv/bin/python", targets)):
            values = dict.fromkeys(names, value) | {"PYTHON": python}
            words = [f"{name}={text}" for name, text in values.items()]
            with suppress(subprocess.CalledProcessError):  # there is no such PYTHON
                if place == "environment":
                    make(project, "--keep-going", *goals, **values)
                else:
                    make(project, "--keep-going", *goals, *words)
            assert not (project / "trap").exists(), value


def test_variables_become_options_and_others_are_left_alone() -> None:
    variables = {"FROM": "2026-01-01", "TO": "", "DRY_RUN": "1", "RATE": "5", "CLIENT": "-x"}
    assert with_variables(GROUP, ["replay"], variables) == ["replay", "--from=2026-01-01", "--dry-run", "--client=-x"]
    assert with_variables(GROUP, ["verify"], {"DEEP": "0"}) == ["verify"]
    assert with_variables(GROUP, ["sql"], {"Q": "select 1"}) == ["sql", "--query=select 1"]
    assert with_variables(GROUP, ["sql"], {"Q": "select 1", "FORMAT": "csv"})[1:] == [
        "--query=select 1",
        "--format=csv",
    ]
    assert with_variables(GROUP, ["generate"], {"ARGS": "--rate 5 --truth 'a b'"})[1:] == [
        "--rate",
        "5",
        "--truth",
        "a b",
    ]
    assert with_variables(GROUP, ["nothing"], {"DEEP": "1"}) == ["nothing"]


def test_files_are_split_as_a_shell_would_and_patterns_left_to_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.log", "a.log", "my old.log"):
        Path(name).touch()
    Path("c.log").mkdir()
    Path("c.log", "d.log").touch()
    for value, files in (
        ("a.log b.log", ["a.log", "b.log"]),
        ("?.log", ["?.log"]),
        ("**/d.*", ["**/d.*"]),
        ("my old.log", ["my old.log"]),
        ("my o*.log", ["my o*.log"]),
        ("a.* my*", ["a.*", "my*"]),
        ("'my old.log' none*", ["my old.log", "none*"]),
        ("-", ["-"]),
    ):
        assert with_variables(GROUP, ["import"], {"FILE": value}) == ["import", "--", *files]
    options = {"WAIT": "0", "AGAIN": "1", "SOURCE": "web1", "REJECT_SHARE": "0.1"}
    assert with_variables(GROUP, ["import"], {"FILE": "a.log", **options}) == [
        *("import", "--wait=0", "--again", "--source=web1", "--reject-share=0.1"),
        *("--", "a.log"),
    ]
    assert with_variables(GROUP, ["logs"], {"NAME": "stream"}) == ["logs", "--", "stream"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"DRYRUN": "1"}, r"did you mean DRY_RUN=1"),
        ({"DRY_RUN": "perhaps"}, "neither 1 nor 0"),
        ({"ARGS": "--reason 'x"}, "ARGS=.* a quote that is not closed"),
        ({"TRIGER_SECONDS": "5"}, r"did you mean TRIGGER_SECONDS=5"),
        ({"WEBLAKE_MIN_FREE": "5"}, r"did you mean WEBLAKE_MIN_FREE_MB=5"),
        ({"WEBLAKE_COLOUR": "blue"}, r"there is no setting WEBLAKE_COLOUR; docs/operations.md lists them"),
    ],
)
def test_what_is_written_wrong_is_refused(variables: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        with_variables(GROUP, ["replay"], variables)


def test_every_setting_and_what_is_none_of_ours_may_stand_on_make_s_command_line() -> None:
    values = dict.fromkeys(settings_calls(), "1")
    secrets = {f"{name}_FILE": "/run/secrets/x" for name in values if name.endswith(("PASSWORD", "SECRET"))}
    others = {"JAVA_HOME": "/opt/java", "PYTHON": "python3.12", "POSTGRES_MARIA_PASSWORD": "x"}
    assert with_variables(GROUP, ["up"], {**values, **secrets, **others}) == ["up"]


def test_only_what_make_names_is_taken_from_the_environment_and_children_get_no_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FROM", "2026-01-01")
    monkeypatch.setenv("TO", "2026-01-02")
    assert take_make_variables() == {}
    monkeypatch.setenv(MAKE_VARIABLES, "TO")
    assert take_make_variables() == {"TO": "2026-01-02"}
    assert MAKE_VARIABLES not in child_environment(load_settings())


def test_every_option_has_a_name_in_make() -> None:
    for name in COMMANDS:
        names = [text for parameter in GROUP.commands[name].params for text in make_names(parameter)]
        assert len(names) == len(set(names)), f"{name}: two options have one name in make"
        assert all(re.fullmatch(r"[A-Z_]+", text) for text in names), names
