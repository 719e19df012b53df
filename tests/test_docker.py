"""`STACK=docker`: what a command becomes for compose, and where psql goes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lake.settings import STACK_FILE, Settings
from stack.docker import PASSWORDS
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
    (tmp_path / ".env").write_text(text)
    (tmp_path / "analyst_password").write_text("docker\n")
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    monkeypatch.setenv("POSTGRES_PORT", given)
    monkeypatch.setattr("stack.docker.ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr("stack.docker.SECRETS", tmp_path)
    monkeypatch.setattr("stack.access.sql.open_psql", lambda settings, *_: seen.append(settings))
    assert run(["sql", "--stack", "docker"]) == 0
    assert [(settings.postgres_port, settings.analyst_password) for settings in seen] == [(port, "docker")]


def test_up_makes_the_passwords_that_are_missing_and_keeps_those_of_before(
    calls: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "secrets"
    monkeypatch.setattr("stack.docker.ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr("stack.docker.SECRETS", folder)
    older = "POSTGRES_OWNER_PASSWORD=older\nPOSTGRES_DBT_PASSWORD=\nKAFKA_PASSWORD=older too\n"
    (tmp_path / ".env").write_text(older)
    assert run(["up", "--stack", "docker"]) == 0
    passwords = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(passwords) == {f"{login}_password" for login in PASSWORDS}
    assert (passwords["owner_password"], passwords["kafka_password"]) == ("older", "older too")
    assert re.fullmatch(r"[0-9a-f]{32}", passwords["dbt_password"]), "Kafka takes a line break for a part of a password"
    assert folder.stat().st_mode & 0o077 == 0, "nobody else may enter"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}, "users of the containers read them"
    assert run(["up", "--stack", "docker"]) == 0
    assert {path.name: path.read_text() for path in folder.iterdir()} == passwords
    assert (tmp_path / ".env").read_text() == older
    assert calls == [["compose", "up", "--build", "--detach", "--wait"]] * 2
