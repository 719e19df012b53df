"""Senders on a disk that is short: they wait, say so, and go on or give up in words."""

from __future__ import annotations

import threading
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from brokers import adopt_broker
from disks import has_free
from kafka.errors import KafkaConnectionError
from producers import FakeKafka, producer
from settings_in import settings_in

import ingest.connection
import ingest.producer
from lake.errors import SpaceError
from lake.settings import Settings


def test_a_short_disk_is_waited_for_with_its_sentence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ingest.producer, "LOOK_SECONDS", 0.01)
    just_started = SimpleNamespace(monotonic=count(step=0.001).__next__)
    monkeypatch.setattr(ingest.producer, "time", just_started)
    looks = iter(["the disk is short: the import waits"] * 3)
    kafka = FakeKafka()
    sender = producer(kafka, shortage=lambda: next(looks, None))
    sender.send(b"x")
    assert (next(looks, None), len(kafka.futures)) == (None, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "the disk is short: the import waits (0 records acknowledged)"
    ]


def test_what_is_on_its_way_is_still_counted_while_the_disk_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.producer, "LOOK_SECONDS", 0.0)
    kafka = FakeKafka()
    short: list[str] = []
    sender = producer(kafka, patience_seconds=0.1, shortage=lambda: short[0] if short else None)
    sender.send(b"x")
    short.append("the disk is short")
    kafka.futures[0].end()
    with pytest.raises(SpaceError, match=r"the disk is short; gave up after .* with 1 records acknowledged; then run"):
        sender.send(b"y")
    assert (sender.sent, sender.waiting) == (1, 0)


def test_a_broker_that_a_full_disk_has_stopped_is_told_from_one_that_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Settings) -> None:
        raise KafkaConnectionError

    monkeypatch.setattr(ingest.connection, "_kafka_producer", refuse)
    settings = settings_in(tmp_path, KAFKA_BOOTSTRAP_SERVERS="broker:1", KAFKA_PRIVATE_SERVERS="broker:2")
    (tmp_path / "broker" / "log").mkdir(parents=True)
    adopt_broker(settings, tmp_path / "broker")
    has_free(monkeypatch, 0)
    with pytest.raises(
        SpaceError, match=r"has 0 MB free.*the import waits.*Kafka at broker:1 was not there, and nothing"
    ):
        ingest.connection.connect(settings, 0.0, threading.Event(), "the import")


def test_only_the_disk_of_the_embedded_broker_keeps_a_sender_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_free(monkeypatch, 1023)
    settings = settings_in(tmp_path, KAFKA_PRIVATE_SERVERS="127.0.0.1:1")
    assert ingest.connection._shortage(settings, "the import") is None
    (tmp_path / "broker" / "log").mkdir(parents=True)
    adopt_broker(settings, tmp_path / "broker")
    assert "1,023 MB free, less than WEBLAKE_MIN_FREE_MB=1024: the import waits" in str(
        ingest.connection._shortage(settings, "the import")
    )
    elsewhere = settings_in(tmp_path, KAFKA_BOOTSTRAP_SERVERS="broker:1")
    assert ingest.connection._shortage(elsewhere, "the import") is None
