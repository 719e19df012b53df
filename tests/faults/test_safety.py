"""What only one stream may do, and what no stream may do without being told: locks, full disks, older copies."""

from __future__ import annotations

import shutil
import signal
import socket
from pathlib import Path

import psutil
import pytest
from faults.rig import PATIENCE_SECONDS, Rig
from faults.steps import is_told, some, started, wait_for
from faults.stream import Stream
from faults.supervised import Ballast, small_disk
from faults.traffic import Traffic

from lake.errors import ServiceError
from stack.servers import kafka

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


# --- One writer


def test_two_streams_at_once(rig: Rig) -> None:
    traffic = started(rig)
    second = Stream(rig.settings)
    second.start()
    with rig.producer.streaming(traffic, per_second=100):
        assert second.wait_for_end(PATIENCE_SECONDS) == 1
    rig.faults["second stream"] += 1
    assert f"another writer: the stream (weblake run stream), pid {rig.stream.pid}" in rig.stream.log_tail()
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
        assert rig.stream.wait_for_end(PATIENCE_SECONDS) == 1
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


# --- The disk


def test_a_full_disk_of_the_lake(rig: Rig) -> None:
    with small_disk(Path(rig.settings.lake_root), megabytes=96) as lake:
        disk = Ballast(lake)
        traffic = started(rig, WEBLAKE_MIN_FREE_MB="64")
        disk.leave(16)
        rig.producer.send(some(traffic, 500))
        wait_for(rig, "bronze", "error", lambda error: "less than half of WEBLAKE_MIN_FREE_MB=64" in str(error))
        assert rig.progress()["bronze"]["rows"] == 500
        disk.release()
        rig.wait_until_counted()
        rig.faults["disk nearly full"] += 1
        rig.stream.stop()
        rig.start(WEBLAKE_MIN_FREE_MB="0")
        rig.wait_until_counted()
        disk.leave(0)
        rig.producer.send(some(traffic, 2_000))
        wait_for(rig, "bronze", "error")
        rig.faults["disk full"] += 1
        disk.release()
        rig.environment["WEBLAKE_MIN_FREE_MB"] = "0"  # of dbt, too: the disk never has more than 96 MB
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
    assert rig.stream.wait_for_end(PATIENCE_SECONDS) == 1
    assert "if bronze is an older copy" in rig.stream.log_tail()
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
