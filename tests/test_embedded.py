"""Killed servers come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from lake.kafka_access import client_options
from stack.servers import postgres
from stack.servers.embedded import Embedded
from stack.servers.stack_env import ROLES


def test_overrides_reach_the_settings(tmp_path: Path) -> None:
    rules = tmp_path / "urls.yml"
    settings = Embedded(tmp_path / "data", WEBLAKE_RULES=str(rules), SPARK_MASTER="local[1]").settings
    assert (settings.rules_file, settings.spark_master) == (rules, "local[1]")
    assert all(settings.password(role) for role in ROLES)


def test_a_stack_has_a_topic_and_a_database_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_TOPIC", "of_the_shell")
    monkeypatch.setenv("POSTGRES_DB", "of_the_shell")
    settings = Embedded(tmp_path / "data").settings
    assert (settings.kafka_topic, settings.postgres_database) == ("web_logs", "weblogs")


@pytest.mark.stack
def test_killed_servers_come_back_with_all_they_had(tmp_path: Path) -> None:
    stack = Embedded(tmp_path / "data")
    with stack as settings:
        producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, acks="all")
        producer.send(settings.kafka_topic, b"kept", partition=0).get(timeout=30)
        producer.close()
        with postgres.connect(settings, "pipeline").cursor() as cursor:
            cursor.execute("insert into silver.bookmark select 5, 'id', now(), now()")
        stack.kafka.kill()
        stack.postgres.kill()
        stack.start_postgres()
        stack.start_kafka()
        assert postgres.query(settings, "dbt", "select version from silver.bookmark") == [(5,)]
        consumer = KafkaConsumer(**client_options(settings), consumer_timeout_ms=20_000)
        consumer.assign([TopicPartition(settings.kafka_topic, 0)])
        consumer.seek_to_beginning()
        assert next(consumer).value == b"kept"
        consumer.close()
    assert stack.kafka.pid is None
    assert postgres.server_processes(settings) == []
