"""The stack: what it picks, what it writes down, who may do what in the database, and that killed servers come back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from lake.contracts import TOPIC_PARTITIONS
from lake.errors import ServiceError
from lake.settings import PROJECT, STACK_FILE, Settings, child_environment, load_settings
from stack import kafka, postgres, supervision
from stack.down import clean
from stack.embedded import Embedded
from stack.jars import artifact_name
from stack.migrations import migrate
from stack.ports import is_free, pick_port, pick_quiet_ports
from stack.prerequisites import java_version
from stack.programs import PROGRAMS
from stack.report import as_text, bytes_text, duration_text
from stack.stack_env import prepare, remember_generator
from stack.status import Process, Stage, Status, lags, problems

NOW = 1_800_000_000.0


def settings_in(folder: Path, **overrides: str) -> Settings:
    return load_settings({"WEBLAKE_DATA": str(folder), **overrides})


# --- Prerequisites and jars


@pytest.mark.parametrize(
    ("said", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_292"', 8),
        ("no such thing", None),
    ],
)
def test_the_java_version_is_read_from_what_java_says(said: str, major: int | None) -> None:
    assert java_version(said) == major


@pytest.mark.parametrize("script", ["prerequisites.py", "install.py"])
def test_what_runs_before_the_installation_needs_the_standard_library_alone(script: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(PROJECT / 'stack')!r}); import {script.removesuffix('.py')}"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, cwd="/")


def test_a_jar_is_known_by_its_artifact() -> None:
    assert artifact_name("zstd-jni-1.5.7-3.jar") == "zstd-jni"
    assert artifact_name("spark-sql-kafka-0-10_2.13-4.2.0.jar") == "spark-sql-kafka-0-10_2.13"


# --- Ports and passwords


def test_a_busy_port_is_passed_over() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert pick_port(port) > port


def test_ports_and_passwords_are_kept(tmp_path: Path) -> None:
    broker, database = pick_quiet_ports(2)
    ports = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker}", "POSTGRES_PORT": str(database)}
    first = prepare(settings_in(tmp_path, **ports)).settings
    again = prepare(settings_in(tmp_path)).settings
    assert again == first
    assert (tmp_path / STACK_FILE).stat().st_mode & 0o777 == 0o600
    passwords = {first.password(role) for role in ("owner", "pipeline", "dbt", "analyst")}
    assert len(passwords) == 4
    assert all(len(password) >= 32 for password in passwords)


def test_a_kept_port_that_another_program_took_is_replaced_and_said(tmp_path: Path) -> None:
    import socket

    prepare(settings_in(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        prepared = prepare(settings_in(tmp_path, POSTGRES_PORT=str(port)))
    assert prepared.settings.postgres_port != port
    assert any(f"port {port} is busy: PostgreSQL" in note for note in prepared.notes)
    assert settings_in(tmp_path).postgres_port == prepared.settings.postgres_port


def test_services_elsewhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="POSTGRES_HOST"):
        prepare(settings_in(tmp_path, POSTGRES_HOST="db.example"))


def test_a_stack_remembers_how_its_generator_runs(tmp_path: Path) -> None:
    remember_generator(settings_in(tmp_path, GENERATE="0", RATE="7", BOTS="0.5"))
    settings = settings_in(tmp_path)
    assert (settings.generate, settings.generate_rate, settings.generate_bots) == (False, 7, 0.5)


def test_a_child_learns_where_the_services_are_but_no_password(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path), owner_password="secret-of-the-owner", postgres_port=1234)
    environment = child_environment(settings, RATE="9")
    assert (environment["TZ"], environment["POSTGRES_PORT"], environment["RATE"]) == ("UTC", "1234", "9")
    assert environment["WEBLAKE_DATA"] == str(tmp_path)
    assert "secret-of-the-owner" not in environment.values()


# --- Supervision


def test_the_generator_is_supervised_only_when_it_is_on(tmp_path: Path) -> None:
    supervision.write_config(settings_in(tmp_path, GENERATE="0"))
    text = supervision.config_file(settings_in(tmp_path)).read_text()
    assert "[program:stream]" in text
    assert "[program:generator]" not in text
    supervision.write_config(settings_in(tmp_path, GENERATE="1", RATE="77"))
    assert 'RATE="77"' in supervision.config_file(settings_in(tmp_path)).read_text()


def test_the_servers_start_first_and_stop_last() -> None:
    order = [program.name for program in sorted(PROGRAMS, key=lambda program: program.priority)]
    assert order[:3] == ["kafka", "postgres", "stream"]
    assert order[-1] == "generator"


def test_a_deep_data_folder_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    supervision.write_config(settings_in(deep))
    (line,) = (
        line for line in supervision.config_file(settings_in(deep)).read_text().splitlines() if "file=/" in line[:6]
    )
    assert len(line.removeprefix("file=")) < 100


def test_clean_deletes_only_what_is_a_data_folder(tmp_path: Path) -> None:
    data, charts = tmp_path / "data", tmp_path / "charts"
    data.mkdir()
    settings = settings_in(data, WEBLAKE_CHARTS=str(charts))
    with pytest.raises(ServiceError, match="no data folder of Weblake"):
        clean(settings, confirmed=True)
    (data / STACK_FILE).write_text("")
    clean(settings, confirmed=True)
    assert not data.exists()


# --- Status


def stream_file(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "updated_at": NOW - 1,
        "bronze": {"version": 3, "rows": 90, "rejected": 2, "next_offsets": {"0": 50, "1": 40}, "as_of": NOW - 70},
        "silver": {"version": 2, "rows": 80, "as_of": NOW - 20},
        "mirror": {"bookmark": 2, "rows": 80, "as_of": NOW - 20, "error": None},
    }
    return facts | changes


def a_status(**changes: Any) -> Status:
    facts: dict[str, Any] = {
        "data": "folder",
        "processes": [Process("kafka", "RUNNING", 1, 5.0)],
        "end_offsets": {0: 50, 1: 50},
        "stages": [Stage("bronze", 90, 0, 0.0)],
        "rejected": 2,
        "ledger_version": 2,
        "bookmark": 2,
        "marts_version": 2,
        "marts_age_seconds": 5.0,
        "stream_age_seconds": 1.0,
        "disk_bytes": {"lake": 2048},
    }
    return Status(**(facts | changes))


def test_a_stage_lags_behind_the_one_before_it() -> None:
    bronze, silver, mirror = lags({0: 50, 1: 50}, stream_file(), NOW)
    assert (bronze.lag_rows, bronze.lag_seconds) == (10, 70.0)
    assert (silver.lag_rows, silver.lag_seconds) == (10, 20.0)
    assert (mirror.lag_rows, mirror.lag_seconds) == (0, 0.0)


def test_an_empty_stack_lags_nowhere() -> None:
    assert [stage.lag_rows for stage in lags(dict.fromkeys(range(6), 0), None, NOW)] == [0, 0, 0]


def test_a_current_stack_is_well_however_old_its_marts_are() -> None:
    assert problems(a_status(marts_age_seconds=9_999.0)) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"processes": [Process("kafka", "BACKOFF", 0, 0.0)]}, "kafka is backoff"),
        ({"stages": [Stage("silver", 5, 10, 61.0)]}, "silver is 10 rows and 61 s behind"),
        ({"stream_age_seconds": 61.0}, "said nothing"),
        ({"marts_version": 1, "marts_age_seconds": 61.0}, "the marts are at version 1"),
        ({"errors": ["mirror: it broke"]}, "it broke"),
    ],
)
def test_what_is_down_or_stale_is_named(changes: dict[str, Any], word: str) -> None:
    assert any(word in problem for problem in problems(a_status(**changes)))


def test_the_status_page_shows_totals_and_the_verdict() -> None:
    page = as_text(a_status())
    assert "100" in page
    assert "All is well." in page
    assert "NOT WELL: kafka is fatal" in as_text(a_status(processes=[Process("kafka", "FATAL", 0, 0.0)]))


def test_sizes_and_durations_are_readable() -> None:
    assert [bytes_text(n) for n in (12, 1536, 3 * 1024**3)] == ["12 B", "1.5 KiB", "3.0 GiB"]
    assert [duration_text(n) for n in (5, 65, 3700, 90_000)] == ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]


# --- The real servers


@pytest.mark.stack
def test_the_topic_is_as_the_design_wants_it(stack_settings: Settings) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

    assert sorted(kafka.end_offsets(stack_settings)) == list(range(TOPIC_PARTITIONS))
    kafka.create_topic(stack_settings)  # again: changes nothing
    admin = KafkaAdminClient(bootstrap_servers=stack_settings.kafka_bootstrap_servers)
    try:
        described = str(admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, stack_settings.kafka_topic)]))
    finally:
        admin.close()
    assert "LogAppendTime" in described


def asks(settings: Settings, role: str, sql: str) -> list[tuple[object, ...]]:
    return postgres.query(settings, role, sql)


@pytest.mark.stack
def test_the_bookmark_starts_empty_and_migrations_may_run_again(stack_settings: Settings) -> None:
    migrate(stack_settings)
    assert asks(stack_settings, "owner", "show timezone") == [("UTC",)]
    found = "select table_name from information_schema.tables where table_schema = 'silver' and table_name = 'bookmark'"
    assert asks(stack_settings, "owner", found) == [("bookmark",)]


@pytest.fixture
def probe_table(stack_settings: Settings) -> Iterator[str]:
    """A table that dbt made in the marts, as it does every day."""
    with_dbt = postgres.connect(stack_settings, "dbt")
    with with_dbt.cursor() as cursor:
        cursor.execute("create table marts.rights_probe as select 7 as seven")
        yield "rights_probe"
        cursor.execute("drop table marts.rights_probe")
    with_dbt.close()


@pytest.mark.stack
def test_the_analyst_reads_the_marts_and_nothing_else(stack_settings: Settings, probe_table: str) -> None:
    assert asks(stack_settings, "analyst", f"select * from {probe_table}") == [(7,)]
    assert asks(stack_settings, "analyst", "show statement_timeout") == [("30s",)]
    for forbidden in (
        "select * from silver.window_counts",
        "create table marts.mine (a int)",
        f"set transaction read write; insert into {probe_table} values (1)",
        "set transaction read write; create temporary table mine (a int)",
        "set transaction read write; create table public.mine (a int)",
    ):
        with pytest.raises(psycopg2.Error, match=r"permission denied|read-only"):
            asks(stack_settings, "analyst", forbidden)


@pytest.mark.stack
def test_the_pipeline_writes_silver_and_dbt_only_reads_it(stack_settings: Settings) -> None:
    assert asks(stack_settings, "pipeline", "select count(*) >= 0 from silver.window_counts") == [(True,)]
    assert asks(stack_settings, "dbt", "select count(*) >= 0 from silver.window_counts") == [(True,)]
    with pytest.raises(psycopg2.Error, match="permission denied"):
        asks(stack_settings, "dbt", "delete from silver.window_counts returning 1")
    with pytest.raises(psycopg2.Error, match="permission denied"):
        asks(stack_settings, "pipeline", "create table marts.mine (a int)")


@pytest.mark.stack
def test_a_wrong_password_is_refused(stack_settings: Settings) -> None:
    assert not postgres.accepts(replace(stack_settings, analyst_password="wrong"), "analyst")


@pytest.mark.stack
def test_killed_servers_come_back_with_all_they_had(tmp_path: Path) -> None:
    stack = Embedded(tmp_path / "data")
    with stack as settings:
        producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, acks="all")
        producer.send(settings.kafka_topic, b"kept", partition=0).get(timeout=30)
        producer.close()
        with postgres.connect(settings, "pipeline").cursor() as cursor:
            cursor.execute("insert into silver.bookmark (version, ledger_id, moved_at) values (5, 'id', now())")
        stack.kafka.kill()
        stack.postgres.kill()
        stack.start_postgres()
        stack.start_kafka()
        assert asks(settings, "dbt", "select version from silver.bookmark") == [(5,)]
        consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, consumer_timeout_ms=20_000)
        consumer.assign([TopicPartition(settings.kafka_topic, 0)])
        consumer.seek_to_beginning()
        assert next(consumer).value == b"kept"
        consumer.close()
    assert stack.kafka.pid is None
    assert postgres.server_processes(settings) == []
