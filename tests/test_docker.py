"""`STACK=docker`: what a command becomes for compose, and where psql goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.settings import STACK_FILE, Settings
from weblake.main import run


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would be run, without the docker before it."""
    commands: list[list[str]] = []

    def call(command: list[str], **_: object) -> int:
        commands.append(command[1:])
        return 0

    monkeypatch.setattr("stack.docker.shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("stack.docker.subprocess.call", call)
    return commands


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["logs"], ["logs", "--follow"]),
        (["logs", "stream"], ["logs", "--follow", "stream"]),
        (["status"], ["ps"]),
        (["status", "--json"], ["ps", "--format", "json"]),
        (["clean", "--force"], ["down", "--volumes"]),
    ],
)
def test_options_reach_compose(arguments: list[str], command: list[str], calls: list[list[str]]) -> None:
    assert run([*arguments, "--stack", "docker"]) == 0
    assert calls == [["compose", *command]]


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("yes", 0), ("n", 1), ("", 1)])
def test_clean_asks_before_it_deletes(
    answer: str, code: int, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _question: answer)
    assert run(["clean", "--stack", "docker"]) == code
    assert calls == [["compose", "down", "--volumes"]] * (code == 0)


@pytest.mark.parametrize(
    ("text", "given", "port"),
    [("", "", 5432), ("POSTGRES_PORT=6000\n", "", 6000), ("POSTGRES_PORT=6000\n", "7000", 7000)],
)
def test_psql_goes_where_compose_published_the_port(
    text: str, given: str, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Settings] = []
    (tmp_path / STACK_FILE).write_text("POSTGRES_PORT=1234\nPOSTGRES_ANALYST_PASSWORD=embedded\n")
    (tmp_path / ".env").write_text(f"{text}POSTGRES_ANALYST_PASSWORD=docker\n")
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    monkeypatch.setenv("POSTGRES_PORT", given)
    monkeypatch.setattr("stack.docker.ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr("stack.sql.open_psql", lambda settings, *_: seen.append(settings))
    assert run(["sql", "--stack", "docker"]) == 0
    assert [(settings.postgres_port, settings.analyst_password) for settings in seen] == [(port, "docker")]
