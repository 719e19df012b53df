"""The producer: bounded, never silent, and every record accounted for."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
import uuid
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, TopicAuthorizationFailedError
from producers import FakeKafka, producer
from settings_in import settings_in

import ingest.connection
import ingest.producer
from ingest.connection import connect
from ingest.producer import MAX_VALUE_BYTES, TooLargeError
from lake.contracts import TOPIC_PARTITIONS
from lake.errors import ServiceError
from lake.kafka_access import client_options
from lake.settings import Settings
from stack.servers import kafka
from weblake.main import run


def test_acknowledgements_are_counted_one_by_one() -> None:
    kafka = FakeKafka()
    sender = producer(kafka)
    for number in range(5):
        sender.send(b"%d" % number)
    for future in kafka.futures[:3]:
        future.end()
    sender.settle()
    assert (sender.sent, sender.acknowledged, sender.waiting) == (5, 3, 2)


def test_records_are_spread_evenly_over_the_partitions() -> None:
    kafka = FakeKafka()
    sender = producer(kafka)
    for _ in range(64 * TOPIC_PARTITIONS * 2):
        sender.send(b"x")
    assert set(Counter(kafka.partitions).values()) == {128}


def test_a_full_buffer_waits_with_a_warning_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ingest.producer, "MAX_WAITING_RECORDS", 2)
    monkeypatch.setattr(ingest.producer, "WARN_SECONDS", 0.05)
    kafka = FakeKafka()
    sender = producer(kafka)
    sender.send(b"1")
    sender.send(b"2")
    threading.Timer(0.3, kafka.futures[0].end).start()
    began = time.monotonic()
    sender.send(b"3")
    assert time.monotonic() - began > 0.25
    assert "Waiting for Kafka at broker:1: nothing acknowledged for 0 s, 2 records in memory" in caplog.text
    assert sender.sent == 3


def test_impatience_ends_with_how_much_was_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.producer, "WARN_SECONDS", 0.05)
    kafka = FakeKafka()
    sender = producer(kafka, patience_seconds=0.2)
    for _ in range(3):
        sender.send(b"x")
    kafka.futures[0].end()
    with pytest.raises(ServiceError, match=r"1 records acknowledged and 2 more on their way"):
        sender.flush()


def test_flush_with_a_limit_says_whether_it_made_it() -> None:
    kafka = FakeKafka()
    sender = producer(kafka)
    sender.send(b"x")
    assert not sender.flush(seconds=0.05)
    kafka.futures[0].end()
    assert sender.flush(seconds=0.05)


def test_a_value_too_large_is_refused_before_it_is_sent() -> None:
    sender = producer(FakeKafka())
    with pytest.raises(TooLargeError, match=r"line 7 has 1,048,065 bytes"):
        sender.send(b"x" * (MAX_VALUE_BYTES + 1), label="line 7")
    assert sender.sent == 0


def test_a_record_that_the_broker_finds_too_large_is_remembered_by_its_label(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kafka = FakeKafka()
    sender = producer(kafka)
    sender.send(b"x", label="a.log: line 7")
    kafka.futures[0].end(MessageSizeTooLargeError("too large"))
    sender.settle()
    assert sender.refused == ["a.log: line 7"]
    assert "Kafka refused a.log: line 7 as too large" in caplog.text


def test_any_other_refusal_is_an_error_at_once() -> None:
    kafka = FakeKafka()
    sender = producer(kafka)
    sender.send(b"x", label="line 7")
    kafka.futures[0].end(TopicAuthorizationFailedError("web_logs"))
    with pytest.raises(ServiceError, match=r"refused line 7: .*TopicAuthorizationFailed.*0 of 1 records"):
        sender.settle()


def test_a_topic_out_of_sight_is_waited_for() -> None:
    kafka = FakeKafka()
    kafka.fails_first = 2
    sender = producer(kafka)
    sender.send(b"x")
    assert (sender.sent, len(kafka.futures)) == (1, 1)


def test_connect_says_what_it_waits_for_and_gives_up_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(_settings: Settings) -> None:
        raise KafkaTimeoutError("no broker")

    monkeypatch.setattr(ingest.connection, "_kafka_producer", away)
    with pytest.raises(ServiceError, match=r"Kafka at broker:1 was not there for 1 s; nothing was sent"):
        connect(settings_in(tmp_path, KAFKA_BOOTSTRAP_SERVERS="broker:1"), 0.5, threading.Event())
    assert "Waiting for Kafka at broker:1" in caplog.text


def test_connect_ends_when_it_is_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert connect(settings_in(tmp_path), None, stop) is None


def test_kafka_python_computes_checksums_with_the_fast_crc32c() -> None:
    import crc32c
    from kafka.record import util

    assert util._crc32c is crc32c.crc32c


def consumed(settings: Settings, ends_from: dict[int, int]) -> list[Any]:
    """Return the records of the topic behind the given offsets (partition -> offset)."""
    consumer = KafkaConsumer(**client_options(settings), group_id=None, enable_auto_commit=False)
    partitions = [TopicPartition(settings.kafka_topic, number) for number in range(TOPIC_PARTITIONS)]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, ends_from.get(partition.partition, 0))
    found: list[Any] = []
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for batch in consumer.poll(timeout_ms=1000).values():
            found += batch
    consumer.close()
    return found


def ends(settings: Settings) -> dict[int, int]:
    consumer = KafkaConsumer(**client_options(settings), group_id=None)
    partitions = [TopicPartition(settings.kafka_topic, number) for number in range(TOPIC_PARTITIONS)]
    offsets = consumer.end_offsets(partitions)
    consumer.close()
    return {partition.partition: offset for partition, offset in offsets.items()}


@pytest.mark.stack
def test_a_file_arrives_in_kafka_line_by_line_and_twice_with_the_same_ids(
    stack_settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("weblake.process.load_settings", lambda *_, **__: stack_settings)
    before = ends(stack_settings)
    lines = [b"line %d \xff" % (number % 900) for number in range(1_000)]
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    assert run(["import", "--unread", str(path)]) == 0
    assert capsys.readouterr().out.startswith("1,000 lines read, 1,000 sent, ")
    assert run(["import", "--unread", str(path)]) == 0
    records = consumed(stack_settings, before)
    assert Counter(record.value for record in records) == Counter(lines * 2)
    assert set(Counter(dict(record.headers)["event_id"] for record in records).values()) == {2}


@pytest.mark.stack
def test_a_topic_that_was_deleted_is_named_and_not_waited_for(
    stack_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.connection, "TOPIC_SECONDS", 1.0)
    monkeypatch.setattr(ingest.producer, "TOPIC_SECONDS", 1.0)
    monkeypatch.setattr(ingest.producer, "WARN_SECONDS", 0.5)
    settings = dataclasses.replace(stack_settings, kafka_topic=f"deleted_{uuid.uuid4().hex}")
    kafka.create_topic(settings)
    sender = connect(settings, None, threading.Event())
    assert sender
    with closing(sender):
        sender.send(b"x")
        assert sender.flush()
        with closing(KafkaAdminClient(**client_options(settings))) as admin:
            admin.delete_topics([settings.kafka_topic])
        with pytest.raises(ServiceError, match=r"has shown no topic 'deleted_.*1 of \d+ records.*run `make up`"):
            while True:
                sender.send(b"x")
                sender.flush()
    with pytest.raises(ServiceError, match=r"has shown no topic 'deleted_.*nothing was sent; run `make up`"):
        connect(settings, None, threading.Event())


@pytest.mark.stack
def test_a_refused_login_is_not_waited_for_without_an_end(stack_settings: Settings) -> None:
    settings = dataclasses.replace(
        stack_settings,
        kafka_bootstrap_servers=stack_settings.kafka_private_servers,
        kafka_private_servers="",
        kafka_password="guessed",
    )
    with pytest.raises(ServiceError, match=r"nothing was sent.*if it refuses the login of 'weblake'") as raised:
        connect(settings, 0.5, threading.Event())
    assert "guessed" not in str(raised.value)


@pytest.mark.stack
def test_generated_records_arrive_once_each(
    stack_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = dataclasses.replace(stack_settings, data=tmp_path)
    monkeypatch.setattr("weblake.process.load_settings", lambda *_, **__: settings)
    monkeypatch.setattr("weblake.process.on_stop", lambda _end: None)
    before = ends(settings)
    options = ["--rate", "500", "--seconds", "2", "--seed", "7", "--start", "2026-01-15T07:00:00Z"]
    assert run(["generate", *options]) == 0
    assert "1,000 records sent, 1,000 acknowledged" in capsys.readouterr().out
    assert len(consumed(settings, before)) == 1_000
    assert (tmp_path / "truth" / "clients.csv").read_text().startswith("ip_address,kind\n")
