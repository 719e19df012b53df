"""What only one stream may do, and what no stream may do without being told: locks, topics, losses, full disks."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import psutil
import pytest
from faults.producer import Producer, Sent
from faults.rig import Rig
from faults.stream import Stream
from faults.traffic import Message, Traffic
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, NewPartitions

from lake.contracts import TOPIC_PARTITIONS
from lake.errors import ServiceError
from stack import kafka
from stack.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

MEGABYTE = 1 << 20


def some(traffic: Traffic, number: int) -> list[Message]:
    return list(islice(traffic, number))


def started(rig: Rig, **environment: str) -> Traffic:
    """Start the stream and have it count its first traffic."""
    traffic = Traffic(rig.dice)
    rig.start(**environment)
    rig.producer.send(some(traffic, 500))
    rig.wait_until_counted()
    return traffic


def wait_for(rig: Rig, stage: str, fact: str, is_right: Callable[[object], bool] = bool) -> object:
    """Wait until the running stream says something of a stage, and return that."""

    def say() -> object:
        return rig.progress().get(stage, {}).get(fact)

    wait_until(lambda: is_right(say()), 120, f"{stage} says {fact} (log: {rig.stream.log})", pause_seconds=0.5)
    return say()


def is_told(fact: object) -> bool:
    return fact is not None


def accept(rig: Rig, what: str) -> None:
    """Accept what the stream refuses, and wait until it goes on."""
    done = rig.run("spark.accept", what)
    assert done.returncode == 0, done.stderr

    def has_gone_on() -> bool:
        told = rig.progress()["bronze"]
        return told["refusal"] is None and told["error"] is None

    wait_until(has_gone_on, 120, f"bronze goes on (log: {rig.stream.log})")


def admin(rig: Rig) -> closing[KafkaAdminClient]:
    return closing(KafkaAdminClient(bootstrap_servers=rig.settings.kafka_bootstrap_servers))


# --- One writer


def test_two_streams_at_once(rig: Rig) -> None:
    traffic = started(rig)
    second = Stream(rig.settings)
    second.start()
    with rig.producer.streaming(traffic, per_second=100):
        assert second.wait_for_end(120) == 1
    rig.faults["second stream"] += 1
    assert f"written by the stream (python -m spark), pid {rig.stream.pid}" in rig.stream.log_tail()
    rig.prove()


def test_a_java_process_that_outlives_its_driver(rig: Rig) -> None:
    traffic = started(rig)
    java = next(child for child in psutil.Process(rig.stream.pid).children(recursive=True) if child.name() == "java")
    with rig.producer.streaming(traffic, per_second=200):
        wait_for(rig, "bronze", "rows", lambda rows: isinstance(rows, int) and rows > 700)
        java.suspend()
        rig.stream.kill(with_java=False)
        rig.faults["driver killed"] += 1
        rig.start()
        assert rig.stream.wait_for_end(120) == 1
    assert f"Java process {java.pid}, left behind by the stream" in rig.stream.log_tail()
    java.resume()
    rig.start()
    rig.prove()


def test_ports_busy(rig: Rig) -> None:
    traffic = started(rig)
    broker = rig.services.kafka
    broker.kill()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", kafka.port(rig.settings)))
        taken.listen()
        rig.faults["port taken"] += 1
        with pytest.raises(ServiceError, match="kafka ended"):
            rig.services.start_kafka()
        assert "does not answer" in str(wait_for(rig, "bronze", "error"))
    rig.services.start_kafka()
    rig.producer.send(some(traffic, 500))
    rig.prove()


# --- The topic


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
    assert "make accept-loss" in rig.run("stack", "status").stdout
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
    assert "was made anew" in str(wait_for(rig, "bronze", "error", lambda error: "make accept-topic" in str(error)))
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


# --- The disk


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave_megabytes: int) -> Path:
    """Fill a disk with a file but for some megabytes, and return the file."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        for _ in range(shutil.disk_usage(folder).free // MEGABYTE - leave_megabytes):
            file.write(b"\0" * MEGABYTE)
    return ballast


def test_a_full_disk(rig: Rig) -> None:
    lake = Path(rig.settings.lake_root)
    with small_disk(lake, megabytes=96):
        traffic = started(rig, WEBLAKE_MIN_FREE_MB="32")
        ballast = fill(lake, leave_megabytes=16)
        rig.producer.send(some(traffic, 500))
        wait_for(rig, "bronze", "error", lambda error: "less than WEBLAKE_MIN_FREE_MB=32" in str(error))
        assert rig.progress()["bronze"]["rows"] == 500
        ballast.unlink()
        rig.wait_until_counted()
        rig.faults["disk nearly full"] += 1
        rig.stream.stop()
        rig.start(WEBLAKE_MIN_FREE_MB="0")
        rig.wait_until_counted()
        ballast = fill(lake, leave_megabytes=0)
        with ballast.open("ab", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(b"\0" * 4096)
        rig.producer.send(some(traffic, 2_000))
        wait_for(rig, "bronze", "error")
        rig.faults["disk full"] += 1
        ballast.unlink()
        rig.prove()


# --- What says how far it has come


def test_files_that_say_how_far_lost_or_damaged(rig: Rig) -> None:
    traffic = started(rig)
    rig.stream.stop()
    rig.settings.stream_file.unlink()
    for table in (rig.settings.bronze, rig.settings.ledger):
        (Path(table) / "_delta_log" / "_last_checkpoint").write_text("{")
        rig.faults["file damaged"] += 1
    rig.start()
    rig.producer.send(some(traffic, 500))
    rig.prove()


def test_a_bronze_restored_from_an_older_copy(rig: Rig) -> None:
    traffic = started(rig)
    rig.stream.stop()
    bronze, copy = Path(rig.settings.bronze), rig.settings.data / "copy"
    shutil.copytree(bronze, copy)
    rig.start()
    rig.producer.send(some(traffic, 500))
    rig.wait_until_counted()
    rig.stream.stop()
    shutil.rmtree(bronze)
    shutil.copytree(copy, bronze)
    rig.faults["bronze restored"] += 1
    rig.start()
    assert rig.stream.wait_for_end(120) == 1
    assert "was it restored from an older copy?" in rig.stream.log_tail()
    shutil.rmtree(rig.settings.ledger)
    rig.start()
    rig.prove()


# --- The end


@pytest.mark.parametrize("arguments", [(), ("--once",)], ids=["live", "drain"])
def test_told_to_end_within_a_backlog(rig: Rig, arguments: tuple[str, ...]) -> None:
    traffic = Traffic(rig.dice)
    rig.producer.send(some(traffic, 60_000))
    for most in ("10000", "200000"):
        rig.stream.start(*arguments, MAX_RECORDS_PER_BATCH=most)
        wait_for(rig, "bronze", "rows", bool if most == "10000" else is_told)
        rig.stream.stop()
        rig.faults[signal.SIGTERM.name] += 1
    rig.start()
    rig.prove()
