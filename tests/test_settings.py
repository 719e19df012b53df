"""What a program that we start is told, and what a library of ours finds in the environment."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from settings_in import settings_in
from settings_lists import settings_calls

from lake.errors import SettingsError
from lake.password_files import is_password
from lake.settings import STACK_FILE, child_environment, lend_environment, load_settings
from lake.url_rules import load_rules, load_url_rules

OF_THE_GENERATOR = {"GENERATE", "RATE", "BOTS"}


def test_a_child_learns_where_the_services_are_but_no_password(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path), owner_password="secret-of-the-owner", postgres_port=1234)
    environment = child_environment(settings, RATE="9")
    assert (environment["TZ"], environment["POSTGRES_PORT"], environment["RATE"]) == ("UTC", "1234", "9")
    assert environment["WEBLAKE_DATA"] == str(tmp_path)
    assert "secret-of-the-owner" not in environment.values()


def test_a_child_has_the_settings_of_its_parent(tmp_path: Path) -> None:
    secrets = {name for name in settings_calls() if is_password(name)} | {"SPARK_AUTH_SECRET"}
    names = set(settings_calls()) - secrets - OF_THE_GENERATOR
    overrides = {
        name: str(int(default) + 1) if default and default.isdigit() else f"/{name}"
        for name, default in settings_calls().items()
        if name in names - {"WEBLAKE_DATA"}
    } | {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512", "SILENT_MINUTES": "7"}
    overrides |= {
        "LOG_TIMEZONE": "Europe/Berlin",
        "SITE_TIMEZONE": "Europe/Rome",
        "PAGE": "0",
        "TRUSTED_PROXIES": "10.0.0.1",
        "SHOP": "none",
    }
    settings = settings_in(tmp_path, **overrides)
    assert load_settings(child_environment(settings)) == settings
    assert {name: child_environment(settings)[name] for name in overrides} == overrides


def test_a_login_is_for_the_broker_for_which_it_was_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = "KAFKA_PRIVATE_SERVERS=127.0.0.1:3\nKAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT\nKAFKA_PASSWORD=secret\n"
    (tmp_path / STACK_FILE).write_text(f"KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1\n{login}")
    for servers in ("", "127.0.0.1:1"):
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", servers)
        assert (settings_in(tmp_path).kafka_servers, settings_in(tmp_path).kafka_password) == ("127.0.0.1:3", "secret")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.example:1")
    elsewhere = settings_in(tmp_path)
    assert (elsewhere.kafka_servers, elsewhere.kafka_password) == ("kafka.example:1", "")
    assert elsewhere.kafka_security_protocol == "PLAINTEXT"
    assert "secret" not in repr(settings_in(tmp_path, KAFKA_PASSWORD="secret", SPARK_AUTH_SECRET="secret"))


@pytest.mark.parametrize("name", ["KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM"])
def test_a_way_to_log_in_that_is_unknown_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}='KERBEROS' is unknown; set it to one of .*PLAIN"):
        settings_in(tmp_path, **{name: "KERBEROS"})


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
    (tmp_path / STACK_FILE).write_text("KAFKA_PASSWORD=written down\nPOSTGRES_DBT_PASSWORD=written down\n")
    secrets = settings_in(tmp_path, KAFKA_PASSWORD_FILE=str(file), SPARK_AUTH_SECRET_FILE=str(file), **names)
    assert (secrets.kafka_password, secrets.spark_auth_secret, secrets.dbt_password) == ("from the file",) * 3
    with pytest.raises(SettingsError, match=r"POSTGRES_OWNER_PASSWORD_FILE='/no/such/file' cannot be read"):
        settings_in(tmp_path, POSTGRES_OWNER_PASSWORD_FILE="/no/such/file")


@pytest.mark.parametrize("zone", ["Berlin", "Europe", "../etc/passwd", "CEST+2"])
def test_a_time_zone_that_is_none_is_named(tmp_path: Path, zone: str) -> None:
    with pytest.raises(SettingsError, match=f"LOG_TIMEZONE='{re.escape(zone)}' is no time zone; .* Europe/Berlin"):
        settings_in(tmp_path, LOG_TIMEZONE=zone)


def test_how_records_are_read_goes_with_the_rules(tmp_path: Path) -> None:
    rules = load_rules(settings_in(tmp_path, LOG_TIMEZONE="Asia/Kolkata", FUTURE_SECONDS="7200"))
    assert (rules.log_timezone, rules.future_seconds) == ("Asia/Kolkata", 7200)
    plain = load_rules(settings_in(tmp_path))
    assert plain == load_url_rules(settings_in(tmp_path).rules_file)
