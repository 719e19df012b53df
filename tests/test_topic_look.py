"""How far Kafka's topic has got, and since when its records wait, on a real broker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from settings_in import settings_in

from lake.errors import ServiceError
from lake.kafka_access import client_options
from lake.settings import Settings
from stack.health.topic import PATIENCE_SECONDS, POLL_MS, look_at_topic
from stack.servers.kafka import create_topic

pytestmark = pytest.mark.stack


@pytest.fixture
def settings(stack_settings: Settings) -> Iterator[Settings]:
    """A topic of the test's own."""
    own = replace(stack_settings, kafka_topic=f"looked_{uuid.uuid4().hex}")
    create_topic(own)
    yield own


def send(settings: Settings, partition: int, number: int) -> list[float]:
    """Append records to a partition; return when Kafka got each (epoch seconds)."""
    times = []
    with closing(KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, acks="all")) as producer:
        for _ in range(number):
            sent = producer.send(settings.kafka_topic, b"x" * 10_000, partition=partition).get(timeout=30)
            times.append(sent.timestamp / 1000)
            time.sleep(0.002)  # so that no two have the same time
    return times


def test_the_oldest_unread_record_says_since_when_records_wait(settings: Settings) -> None:
    empty = look_at_topic(settings, {})
    assert (set(empty.ends.values()), empty.unread_since) == ({0}, None)
    early, late = send(settings, 1, 3), send(settings, 4, 2)
    assert look_at_topic(settings, {}).unread_since == early[0]
    assert look_at_topic(settings, {1: 2}).unread_since == early[2]
    assert look_at_topic(settings, {1: 3, 4: 1}).unread_since == late[1]
    all_read = look_at_topic(settings, {1: 3, 4: 2})
    assert (all_read.ends[1], all_read.ends[4], all_read.unread_since) == (3, 2, None)


def test_of_records_that_kafka_has_removed_the_first_that_is_left_counts(settings: Settings) -> None:
    times = send(settings, 0, 4)
    with closing(KafkaAdminClient(**client_options(settings))) as admin:
        admin.delete_records({TopicPartition(settings.kafka_topic, 0): 2})
    topic = look_at_topic(settings, {0: 1})
    assert (topic.unread_since, topic.starts[0]) == (times[2], 2)


def test_a_topic_that_is_gone_is_named(settings: Settings) -> None:
    with pytest.raises(ServiceError, match=r"Kafka has no topic 'nowhere'; run `make up`$"):
        look_at_topic(replace(settings, kafka_topic="nowhere"), {})
    with pytest.raises(ServiceError, match=r"Kafka does not listen at 127.0.0.1:1; run `make up`$"):
        look_at_topic(replace(settings, kafka_private_servers="127.0.0.1:1"), {})


def test_all_questions_together_have_one_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    class SlowConsumer:
        def __init__(self, bootstrap_timeout_ms: int, **_: object) -> None:
            self.wait(bootstrap_timeout_ms)

        def wait(self, timeout_ms: int) -> None:
            clock[0] += min(1.5, timeout_ms / 1000)

        def partitions_for_topic(self, _: str) -> set[int]:
            return {0}

        def end_offsets(self, partitions: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
            self.wait(timeout_ms)
            return dict.fromkeys(partitions, 7)

        beginning_offsets = end_offsets

        def poll(self, timeout_ms: int) -> dict[TopicPartition, object]:
            self.wait(timeout_ms)
            return {}

        def assign(self, _: object) -> None: ...

        def position(self, _: object) -> int:
            return 0

        def seek(self, *_: object) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr("kafka.KafkaConsumer", SlowConsumer)
    monkeypatch.setattr("stack.servers.kafka.is_listening", lambda _: True)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    assert look_at_topic(settings_in(tmp_path), {}).ends == {0: 7}, (
        "what Kafka has said is told, although it said no more"
    )
    assert clock[0] <= PATIENCE_SECONDS + POLL_MS / 1000
