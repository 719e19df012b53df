"""What a stack picks and writes down: ports, passwords, how its generator runs."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from settings_in import settings_in
from settings_lists import settings_calls

from lake.errors import ServiceError, SettingsError
from lake.password_files import is_password
from lake.settings import STACK_FILE, by_name, load_settings
from stack.servers.ports import PortClaims, pick_quiet_ports
from stack.servers.stack_env import (
    ROLES,
    as_written,
    contradictions,
    keep,
    logins_mark,
    make_passwords,
    prepare,
    remember_generator,
    require_logins,
)
from stack.up import up


def test_ports_and_passwords_are_kept(tmp_path: Path) -> None:
    broker, database = pick_quiet_ports(2)
    ports = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker}", "POSTGRES_PORT": str(database)}
    with PortClaims() as claims:
        first = prepare(settings_in(tmp_path, **ports), claims).settings
    with PortClaims() as claims:
        again = prepare(settings_in(tmp_path), claims).settings
    assert again == first
    assert (tmp_path / STACK_FILE).stat().st_mode & 0o777 == 0o600
    passwords = {first.password(role) for role in ROLES}
    assert len(passwords) == len(ROLES)
    assert all(len(password) >= 32 for password in passwords)


def test_passwords_that_an_older_weblake_did_not_have_are_made_once(tmp_path: Path) -> None:
    (tmp_path / STACK_FILE).write_text("POSTGRES_OWNER_PASSWORD=o\nPOSTGRES_DBT_PASSWORD=d\n")
    made = make_passwords(settings_in(tmp_path))
    assert (made.owner_password, made.dbt_password) == ("o", "d")
    assert len(made.charts_password) >= 32
    assert make_passwords(settings_in(tmp_path)) == settings_in(tmp_path) == made


@pytest.mark.parametrize("file", [None, "GENERATE=0\n"])
def test_a_database_whose_password_is_lost_is_named_at_once(tmp_path: Path, file: str | None) -> None:
    cluster = tmp_path / "postgres" / "data"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("18\n")
    if file:
        (tmp_path / STACK_FILE).write_text(file)
    for start in (up, lambda settings: prepare(settings, PortClaims())):
        with pytest.raises(ServiceError) as raised:
            start(settings_in(tmp_path))
        assert str(tmp_path / STACK_FILE) in str(raised.value)
        assert f"move {tmp_path / 'postgres'} away, and run `make up`" in str(raised.value)
    assert (tmp_path / STACK_FILE).exists() == bool(file), "a file without the password would hide the loss"
    (tmp_path / "postgres").rename(tmp_path / "elsewhere")
    with PortClaims() as claims:
        assert prepare(settings_in(tmp_path), claims).settings.owner_password


def test_a_kept_port_that_another_program_took_is_replaced_and_said(tmp_path: Path) -> None:
    with PortClaims() as claims:
        prepare(settings_in(tmp_path), claims)
    with socket.socket() as taken, PortClaims() as claims:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        prepared = prepare(settings_in(tmp_path, POSTGRES_PORT=str(port)), claims)
    assert prepared.settings.postgres_port != port
    assert any(f"port {port} is busy: PostgreSQL" in note for note in prepared.notes)
    assert settings_in(tmp_path).postgres_port == prepared.settings.postgres_port


def test_the_page_gets_the_next_port_that_is_free_and_keeps_it(tmp_path: Path) -> None:
    with socket.socket() as taken, PortClaims() as claims:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        prepared = prepare(settings_in(tmp_path, PAGE_PORT=str(port)), claims)
    chosen = prepared.settings.outlook.page_port
    assert chosen != port
    assert f"port {port} is busy: the page listens on {chosen}" in prepared.notes
    assert settings_in(tmp_path).outlook.page_address.startswith(f"http://127.0.0.1:{chosen}/")
    running = keep(settings_in(tmp_path, PAGE_PORT=str(port), SITE_TIMEZONE="Europe/Rome")).outlook
    assert (running.page_port, running.site_timezone) == (chosen, "Europe/Rome")


def test_a_running_stack_of_a_version_without_a_page_finds_a_port_for_it(tmp_path: Path) -> None:
    (tmp_path / STACK_FILE).write_text("POSTGRES_PORT=5432\n")
    port = keep(settings_in(tmp_path, PAGE_PORT=str(pick_quiet_ports(1)[0]))).outlook.page_port
    assert settings_in(tmp_path).outlook.page_port == port == keep(settings_in(tmp_path)).outlook.page_port


def test_an_exported_port_that_the_stack_could_not_have_is_to_be_unset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"localhost:{pick_quiet_ports(1)[0]}")
    with socket.socket() as taken, PortClaims() as claims:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("POSTGRES_PORT", str(port))
        chosen = prepare(settings_in(tmp_path), claims).settings
    later = settings_in(tmp_path)
    assert later.postgres_port == port
    assert as_written(later).postgres_port == chosen.postgres_port != port
    (sentence,) = contradictions(later)
    assert f"POSTGRES_PORT={port} is set, but the stack listens at {chosen.postgres_port}" in sentence
    assert "run `unset POSTGRES_PORT`" in sentence
    monkeypatch.delenv("POSTGRES_PORT")
    assert contradictions(settings_in(tmp_path)) == []


def test_a_stack_of_a_version_without_locks_on_kafka_gets_them_and_says_so(tmp_path: Path) -> None:
    (tmp_path / STACK_FILE).write_text("KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092\nKAFKA_CONTROLLER_PORT=9093\n")
    with pytest.raises(ServiceError, match=r"is of an older version, .*run `make down`, then `make up`"):
        require_logins(settings_in(tmp_path))
    locks = "Kafka has locks now: who has no login may append"
    with PortClaims() as claims:
        prepared = prepare(settings_in(tmp_path), claims)
    assert any(locks in note for note in prepared.notes)
    login = settings_in(tmp_path)
    assert (login.kafka_security_protocol, login.kafka_sasl_mechanism) == ("SASL_PLAINTEXT", "SCRAM-SHA-256")
    assert len(login.kafka_password) == 32
    require_logins(login)
    with PortClaims() as claims:
        again = prepare(settings_in(tmp_path), claims)
    assert not any(locks in note for note in again.notes)
    assert again.settings == prepared.settings


def test_two_stacks_prepared_at_once_get_ports_of_their_own(tmp_path: Path) -> None:
    broker, database = pick_quiet_ports(2)
    wanted = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker}", "POSTGRES_PORT": str(database)}
    ports: list[int] = []
    with PortClaims() as mine, PortClaims() as theirs:
        for name, claims in (("one", mine), ("other", theirs)):
            (tmp_path / name).mkdir()
            prepared = prepare(settings_in(tmp_path / name, **wanted), claims)
            addresses = (prepared.settings.kafka_bootstrap_servers, prepared.settings.kafka_private_servers)
            ports += [int(address.rpartition(":")[2]) for address in addresses]
            ports += [prepared.controller_port, prepared.settings.postgres_port]
    assert len(set(ports)) == len(ports)


def test_services_elsewhere_are_refused(tmp_path: Path) -> None:
    with PortClaims() as claims, pytest.raises(ServiceError, match="POSTGRES_HOST"):
        prepare(settings_in(tmp_path, POSTGRES_HOST="db.example"), claims)


def test_a_stack_remembers_how_its_generator_runs(tmp_path: Path) -> None:
    remember_generator(settings_in(tmp_path, GENERATE="0", RATE="7", BOTS="0.5"))
    settings = settings_in(tmp_path)
    assert (settings.generate, settings.generate_rate, settings.generate_bots) == (False, 7, 0.5)


def test_a_running_stack_keeps_its_addresses_and_takes_new_passwords(tmp_path: Path) -> None:
    with PortClaims() as claims:
        first = prepare(settings_in(tmp_path), claims).settings
    mark = logins_mark(first)
    given = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "POSTGRES_PORT": "9", "POSTGRES_DBT_PASSWORD": "new"}
    kept = keep(settings_in(tmp_path, **given))
    assert replace(kept, dbt_password=first.dbt_password) == first
    assert settings_in(tmp_path).dbt_password == kept.dbt_password == "new"
    assert logins_mark(kept) != mark
    with pytest.raises(ServiceError, match="POSTGRES_HOST names 'elsewhere'"):
        keep(settings_in(tmp_path, POSTGRES_HOST="elsewhere"))


def test_another_password_of_the_owner_never_takes_the_place_of_the_one_that_opens_the_database(tmp_path: Path) -> None:
    with PortClaims() as claims:
        prepare(settings_in(tmp_path), claims)
        text = (tmp_path / STACK_FILE).read_text()
        cluster = tmp_path / "postgres" / "data"
        cluster.mkdir(parents=True)
        (cluster / "PG_VERSION").write_text("18\n")
        with pytest.raises(SettingsError, match=r"POSTGRES_OWNER_PASSWORD is set to another password.*unset it"):
            prepare(settings_in(tmp_path, POSTGRES_OWNER_PASSWORD="wrong"), claims)
    assert (tmp_path / STACK_FILE).read_text() == text


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("KAFKA_CONTROLLER_PORT=x", "KAFKA_CONTROLLER_PORT"),
        ("KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:x", "KAFKA_BOOTSTRAP_SERVERS"),
        ("KAFKA_PRIVATE_SERVERS=127.0.0.1:", "KAFKA_PRIVATE_SERVERS"),
        ("POSTGRES_PORT=x", "POSTGRES_PORT"),
    ],
)
def test_a_port_that_is_no_number_is_named(line: str, name: str, tmp_path: Path) -> None:
    (tmp_path / STACK_FILE).write_text(f"{line}\n")
    with PortClaims() as claims, pytest.raises(SettingsError, match=f"{name}='.*' is not a number"):
        prepare(settings_in(tmp_path), claims)


def test_an_empty_file_is_filled(tmp_path: Path) -> None:
    (tmp_path / STACK_FILE).write_text("")
    with PortClaims() as claims:
        prepared = prepare(settings_in(tmp_path), claims).settings
    assert all(prepared.password(role) for role in ROLES)
    assert settings_in(tmp_path) == prepared


def test_the_page_asks_for_a_password_of_its_own_unless_somebody_says_none(tmp_path: Path) -> None:
    with PortClaims() as claims:
        made = prepare(settings_in(tmp_path), claims).settings.outlook
        assert len(made.page_asks_for) == 32
        assert made.page_address.endswith(f"/login#{made.page_asks_for}")
        assert prepare(settings_in(tmp_path), claims).settings.outlook.page_password == made.page_password
        opened = prepare(settings_in(tmp_path, PAGE_PASSWORD="none"), claims).settings.outlook
    assert (opened.page_asks_for, opened.page_address) == ("", f"http://127.0.0.1:{opened.page_port}")
    assert settings_in(tmp_path).outlook.page_password == "none"


def test_what_is_written_already_is_not_written_again(tmp_path: Path) -> None:
    remember_generator(settings_in(tmp_path, RATE="7"))
    before = (tmp_path / STACK_FILE).stat()
    remember_generator(settings_in(tmp_path))
    assert (tmp_path / STACK_FILE).stat().st_ino == before.st_ino


def test_every_setting_reaches_the_programs_or_is_the_generator_s_or_a_secret() -> None:
    others = set(settings_calls()) - set(by_name(load_settings()))
    rest = others - {"GENERATE", "RATE", "BOTS", "SPARK_AUTH_SECRET", "MASK_SECRET"}
    assert {name for name in rest if not is_password(name)} == set()
