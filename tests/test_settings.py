"""What a program that we start is told, and what a library of ours finds in the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from settings_in import settings_in
from settings_lists import settings_calls

from lake.errors import SettingsError
from lake.settings import child_environment, lend_environment, load_settings

OF_THE_GENERATOR = {"GENERATE", "RATE", "BOTS"}


def test_a_child_learns_where_the_services_are_but_no_password(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path), owner_password="secret-of-the-owner", postgres_port=1234)
    environment = child_environment(settings, RATE="9")
    assert (environment["TZ"], environment["POSTGRES_PORT"], environment["RATE"]) == ("UTC", "1234", "9")
    assert environment["WEBLAKE_DATA"] == str(tmp_path)
    assert "secret-of-the-owner" not in environment.values()


def test_a_child_has_the_settings_of_its_parent(tmp_path: Path) -> None:
    names = {name for name in settings_calls() if not name.endswith("_PASSWORD")} - OF_THE_GENERATOR
    overrides = {
        name: str(int(default) + 1) if default and default.isdigit() else f"/{name}"
        for name, default in settings_calls().items()
        if name in names - {"WEBLAKE_DATA"}
    }
    settings = settings_in(tmp_path, **overrides)
    assert load_settings(child_environment(settings)) == settings
    assert {name: child_environment(settings)[name] for name in overrides} == overrides


def test_the_environment_is_lent_and_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    monkeypatch.setenv("POSTGRES_PORT", "1")
    before = load_settings()
    lender = replace(before, postgres_port=2, dbt_password="secret", owner_password="secret of the owner")
    with pytest.raises(ValueError, match="inside"), lend_environment(lender, "dbt"):
        assert load_settings() == replace(before, postgres_port=2, dbt_password="secret")
        raise ValueError("inside")
    assert load_settings() == before


def test_a_password_may_be_in_a_file_that_a_setting_names(tmp_path: Path) -> None:
    file = tmp_path / "dbt_password"
    file.write_text("from the file\n")
    names = {"POSTGRES_DBT_PASSWORD_FILE": str(file), "MYSQL_PASSWORD_FILE": "/no/such/file"}
    assert settings_in(tmp_path, **names).dbt_password == "from the file"
    assert settings_in(tmp_path, POSTGRES_DBT_PASSWORD="given", **names).dbt_password == "given"
    assert "from the file" not in child_environment(settings_in(tmp_path, **names)).values()
    with pytest.raises(SettingsError, match=r"POSTGRES_OWNER_PASSWORD_FILE='/no/such/file' cannot be read"):
        settings_in(tmp_path, POSTGRES_OWNER_PASSWORD_FILE="/no/such/file")
