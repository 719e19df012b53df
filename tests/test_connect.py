"""The addresses that `weblake connect` prints, without a server."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg2.extensions import parse_dsn
from sqlalchemy.engine import make_url

from lake.errors import ServiceError
from lake.settings import STACK_FILE, Settings, load_settings
from stack.access.connect import connection
from weblake.main import run

SECRET = "a b/c'@"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    own = {"POSTGRES_HOST": "10.0.0.6", "POSTGRES_PORT": "5544", "POSTGRES_DB": "shop"}
    return load_settings({"WEBLAKE_DATA": str(tmp_path), "POSTGRES_ANALYST_PASSWORD": SECRET, **own}, written={})


def test_each_address_leads_to_the_database_of_the_settings(settings: Settings) -> None:
    shown = connection(settings, "analyst", show_password=True)
    url = make_url(shown.sqlalchemy)
    assert (url.host, url.port, url.database) == ("10.0.0.6", 5544, "shop")
    assert (url.username, url.password) == ("analyst", SECRET)
    program, dsn = shlex.split(shown.psql)
    assert (program, parse_dsn(dsn)) == (
        "psql",
        {"host": "10.0.0.6", "port": "5544", "dbname": "shop", "user": "analyst", "password": SECRET},
    )
    assert shown.jdbc == "jdbc:postgresql://10.0.0.6:5544/shop?user=analyst&password=a%20b%2Fc%27%40"
    assert repr(shown.sqlalchemy) in shown.pandas


def test_the_password_is_shown_only_when_asked_for(settings: Settings) -> None:
    shown = connection(settings, "analyst")
    assert SECRET not in str(vars(shown).values())
    assert shown.password_place == "POSTGRES_ANALYST_PASSWORD in the environment"
    assert SECRET not in repr(connection(replace(settings, analyst_password=SECRET), "analyst"))


def test_an_address_of_ipv6_stands_in_brackets(settings: Settings) -> None:
    shown = connection(replace(settings, postgres_host="::1"), "analyst")
    assert make_url(shown.sqlalchemy).host == "::1"
    assert shown.jdbc.startswith("jdbc:postgresql://[::1]:5544/")


def test_who_has_no_password_is_told_where_to_get_one(settings: Settings) -> None:
    with pytest.raises(ServiceError, match=r"POSTGRES_MARIA_PASSWORD; run `make sandbox NAME=maria`"):
        connection(settings, "maria")
    nobody = replace(settings, analyst_password="")
    assert connection(nobody, "analyst").password_place.endswith(STACK_FILE)
    with pytest.raises(ServiceError, match="run `make up`, or set it"):
        connection(nobody, "analyst", show_password=True)


def test_the_command_says_where_the_password_is_and_prints_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    file = tmp_path / STACK_FILE
    file.write_text("POSTGRES_PORT=6001\nPOSTGRES_ANALYST_PASSWORD=embedded\nPOSTGRES_MARIA_PASSWORD=hers\n")
    assert run(["connect"]) == 0
    text = capsys.readouterr().out
    assert f"password    POSTGRES_ANALYST_PASSWORD in {file}" in text
    assert "port 6001" in text
    assert "embedded" not in text
    assert run(["connect", "--password", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["user"], shown["port"], shown["password"]) == ("analyst", 6001, "embedded")
    assert run(["connect", "--name", "maria", "--password"]) == 0
    assert "postgresql+psycopg2://maria:hers@127.0.0.1:6001/weblogs" in capsys.readouterr().out


def test_the_stack_in_docker_has_its_passwords_in_files_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    (tmp_path / STACK_FILE).write_text("POSTGRES_PORT=6001\nPOSTGRES_ANALYST_PASSWORD=embedded\n")
    (tmp_path / ".env").write_text("POSTGRES_PORT=6002\n")
    (tmp_path / "analyst_password").write_text("docker\n")
    monkeypatch.setattr("stack.docker.ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr("stack.docker.SECRETS", tmp_path)
    assert run(["connect", "--stack", "docker", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["port"], shown["password_place"]) == (6002, str(tmp_path / "analyst_password"))
