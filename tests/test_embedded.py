"""Killed servers come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from stack.servers import postgres
from stack.servers.embedded import Embedded


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
        consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, consumer_timeout_ms=20_000)
        consumer.assign([TopicPartition(settings.kafka_topic, 0)])
        consumer.seek_to_beginning()
        assert next(consumer).value == b"kept"
        consumer.close()
    assert stack.kafka.pid is None
    assert postgres.server_processes(settings) == []
