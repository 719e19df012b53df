"""What may become of a topic: records lost, made anew, set back, more partitions."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from faults.producer import Producer, Sent
from faults.rig import Rig
from faults.steps import accept, admin, some, started, wait_for
from faults.traffic import Traffic
from kafka import TopicPartition
from kafka.admin import NewPartitions

from lake.contracts import TOPIC_PARTITIONS
from stack.servers import kafka
from stack.servers.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


def test_records_lost_to_retention(rig: Rig) -> None:
    traffic = started(rig)
    rig.stream.stop()
    before = kafka.end_offsets(rig.settings)
    rig.producer.send(some(traffic, 2_000))
    kept = {partition: (before[partition] + end) // 2 for partition, end in kafka.end_offsets(rig.settings).items()}
    with admin(rig) as client:
        client.delete_records({TopicPartition(rig.settings.kafka_topic, place): kept[place] for place in kept})
    rig.faults["records removed"] += sum(kept[place] - before[place] for place in kept)
    rig.start()
    refused = str(wait_for(rig, "bronze", "error"))
    for place in kept:
        assert f"partition {place}, offsets {before[place]} to {kept[place] - 1}" in refused
    assert "make accept-loss" in rig.run("status").stdout
    accept(rig, "loss")
    rig.producer.sent = [sent for sent in rig.producer.sent if not _is_between(sent, before, kept)]
    rig.prove()


def _is_between(sent: Sent, first: dict[int, int], end: dict[int, int]) -> bool:
    return first[sent.partition] <= sent.offset < end[sent.partition]


def test_a_topic_made_anew_that_outgrew_the_old_one(rig: Rig) -> None:
    traffic = started(rig)
    with admin(rig) as client:
        client.delete_topics([rig.settings.kafka_topic])
    wait_until(lambda: not kafka.has_topic(rig.settings), 60, "the topic is gone")
    kafka.create_topic(rig.settings)
    rig.faults["topic made anew"] += 1
    rig.producer.send(some(traffic, 2_000))
    assert "made again" in str(wait_for(rig, "bronze", "error", lambda error: "make accept-topic" in str(error)))
    assert rig.progress()["bronze"]["rows"] == 500
    rig.stream.stop()
    rig.start()
    wait_for(rig, "bronze", "refusal")
    accept(rig, "topic")
    rig.producer.send(some(traffic, 500))
    rig.prove()


def test_a_broker_that_lost_what_bronze_has_read(rig: Rig) -> None:
    traffic = started(rig)
    rig.services.kafka.kill()
    for partition in kafka_folders(rig):
        shutil.rmtree(partition)
        rig.faults["partition emptied"] += 1
    rig.services.start_kafka()
    with closing(Producer(rig.settings)) as producer:
        sent = producer.send(some(traffic, 200))
    refused = wait_for(rig, "bronze", "error", lambda error: "has lost records" in str(error))
    assert "make accept-topic" in str(refused)
    accept(rig, "topic")
    rig.producer.sent += sent
    rig.prove()


def kafka_folders(rig: Rig) -> list[Path]:
    """The broker's folders of the case's topic, one per partition."""
    found = list((kafka.home(rig.services.settings) / "log").glob(f"{rig.settings.kafka_topic}-*"))
    assert len(found) == TOPIC_PARTITIONS
    return found


def test_partitions_from_six_to_eight(rig: Rig) -> None:
    traffic = started(rig)
    with rig.producer.streaming(traffic, per_second=100):
        with admin(rig) as client:
            client.create_partitions({rig.settings.kafka_topic: NewPartitions(8)})
        wait_until(lambda: len(kafka.end_offsets(rig.settings)) == 8, 60, "the topic has 8 partitions")
        with closing(Producer(rig.settings)) as knows_all_eight:
            rig.producer.sent += knows_all_eight.send(some(Traffic(rig.dice), 500))
    rig.faults["partitions added"] += 2
    assert min(kafka.end_offsets(rig.settings).values()) > 0
    rig.prove()
