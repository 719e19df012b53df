"""A disk that is full for all: Kafka, the stream, PostgreSQL, dbt, charts, and every command."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from background import in_background
from faults.rig import PATIENCE_SECONDS, Rig
from faults.steps import some, wait_for
from faults.supervised import MEGABYTE, Stack
from faults.traffic import Message, Traffic
from psycopg2.extensions import connection as Connection

from stack.disk import disk_usage
from stack.servers import kafka, postgres, reserve
from stack.servers.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

DISK = r"NOT WELL: the disk of "


def counted(rig: Rig, traffic: Traffic, number: int = 2_000) -> None:
    rig.producer.send(some(traffic, number))
    rig.wait_until_counted()


def write_log(stack: Stack, lines: int) -> Path:
    """A log file outside of the small disk."""
    log = stack.settings.data.parent.parent / "access.log"
    line = b'203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /product/%d HTTP/1.1" 200 12 "-" "Mozilla/5.0"\n'
    log.write_bytes(b"".join(line % number for number in range(lines)))
    return log


def overwork_postgres(connection: Connection) -> None:
    """Have PostgreSQL write log until there is no room for it, which makes it panic."""
    with connection.cursor() as cursor, pytest.raises(psycopg2.OperationalError):
        while True:
            cursor.execute("select pg_logical_emit_message(true, '', repeat('x', 1000000))")


def test_all_of_it_filled_killed_and_freed(stacked: Rig, stack: Stack) -> None:
    rig, traffic = stacked, Traffic.well(stacked.dice)
    counted(rig, traffic)
    wait_until(lambda: reserve.path(rig.settings).exists(), 60, "there is a reserve")
    log = write_log(stack, 20_000)
    owner = postgres.connect(rig.settings, postgres.OWNER)  # on a full disk nobody may get in any more
    with rig.producer.streaming(traffic, per_second=100), stack.disk:  # by senders that look at no disk
        stack.disk.leave(0)
        rig.faults["disk full"] += 1
        told = stack.run("status")
        assert (told.code, "MB free, less than half of WEBLAKE_MIN_FREE_MB=300" in told.text) == (1, True), told.text
        sent = stack.run("import", "--timeout", "2", str(log))
        assert sent.code == 1
        assert "the import waits until there is room" in sent.text
        assert "nothing was sent" in sent.text or "0 records acknowledged" in sent.text, sent.text
        for command in (("dbt",), ("replay", "--from", "2026-03-01", "--to", "2026-03-02"), ("up",)):
            done = stack.run(*command)
            assert (done.code, "Traceback" in done.text) == (1, False), done.text
            assert f"the disk of {rig.settings.data} has 0 MB free" in done.text
        checked = stack.run("verify")
        assert (checked.code, "nothing is verified until there is room" in checked.text) == (3, True), checked.text
        with closing(owner):
            overwork_postgres(owner)
        rig.faults["PostgreSQL panicked"] += 1
        rig.faults["killed while full"] += stack.kill_all()
        wait_until(lambda: postgres.accepts(rig.settings, "owner"), PATIENCE_SECONDS, "PostgreSQL is back, disk full")
        assert not reserve.path(rig.settings).exists()
        told = stack.run("status")
        assert (told.code, DISK in told.text, "Traceback" in told.text) == (1, True, False), told.text
        tidied = stack.run("maintain")
        assert tidied.code == 0, tidied.text
        stack.disk.shrink(20)
        rig.faults["freed a little"] += 1
        rig.faults["killed while full"] += stack.kill_all()
        wait_until(lambda: postgres.accepts(rig.settings, "owner"), PATIENCE_SECONDS, "PostgreSQL is back once more")
        stack.disk.release()
        stack.wait_until_well()
    wait_until(lambda: reserve.path(rig.settings).exists(), 60, "there is a reserve again")
    rig.prove()


def test_a_start_on_a_full_disk(stacked: Rig, stack: Stack) -> None:
    rig, traffic = stacked, Traffic.well(stacked.dice)
    counted(rig, traffic)
    for free in (60, 0):
        stack.disk.leave(free)
        rig.faults["disk full"] += 1
        stopped = stack.run("down")
        assert stopped.code == 0, stopped.text
        refused = stack.run("up")
        assert refused.code == 1
        assert refused.text.startswith(f"weblake: nothing was started, because the disk of {rig.settings.data} has ")
        assert "`make maintain`" in refused.text
        told = stack.run("status")
        assert (told.code, DISK in told.text, "Traceback" in told.text) == (4, True, False), told.text
        tidied = stack.run("maintain")
        assert tidied.code == 0, tidied.text
    stack.disk.release()
    stack.up()
    counted(rig, traffic)
    rig.prove()


def test_a_mirror_and_a_dbt_that_fill_the_disk(stacked: Rig, stack: Stack) -> None:
    rig, traffic = stacked, Traffic.well(stacked.dice)
    counted(rig, traffic, 20_000)
    with closing(postgres.connect(rig.settings, postgres.OWNER)) as connection, connection.cursor() as cursor:
        for free in (200, 120, 20, 0):  # from room for both, to room for neither
            cursor.execute("truncate silver.window_counts, silver.bookmark")
            rig.producer.send(some(traffic, 500))
            stack.disk.leave(free)
            done = stack.run("dbt", "--full-refresh")
            assert (done.code, "Traceback" in done.text) == (0 if free == 200 else 1, False), done.text
            assert free == 200 or "the marts wait until there is room" in done.text
            rig.faults[f"filled anew with {free} MB free"] += 1
    stack.disk.release()
    stack.wait_until_well()
    rig.wait_until_counted()
    rig.prove()


def test_kafka_keeps_what_bronze_has_not_read_and_little_else(rig: Rig) -> None:
    home = rig.settings.data / "kafka"
    home.symlink_to(kafka.home(rig.services.settings))  # the rig's broker has a folder of its own
    kafka.create_topic(rig.settings)
    traffic, size = Traffic.well(rig.dice), 500_000

    def taken() -> int:
        folders = (home / "log").glob(f"{rig.settings.kafka_topic}-*")
        return sum(disk_usage(folder) for folder in folders) // MEGABYTE

    def send(number: int) -> None:
        rig.producer.send(Message(rig.dice.randbytes(size), None) for _ in range(number))
        rig.producer.send(some(traffic, 500))

    send(900)  # 429 MB that nobody has read
    begins = taken()
    assert begins > 420
    rig.start(KAFKA_KEEP_MB="12")
    rig.wait_until_counted()
    rig.stream.kill()
    rig.faults["stream killed"] += 1
    rig.start(KAFKA_KEEP_MB="12")
    rig.producer.send(some(traffic, 500))  # a batch, before which Kafka is rid of what bronze has
    rig.wait_until_counted()
    wait_until(lambda: taken() <= 6 * 32 + 12, PATIENCE_SECONDS, "Kafka's log is small", pause_seconds=0.5)
    rig.faults["MB removed from Kafka"] += begins - taken()
    rig.stream.stop()
    send(200)  # the next has not been read either
    checked = rig.run("verify", "--offline")  # there are no marts yet
    assert checked.returncode == 0, checked.stdout
    assert "removed by retention" in checked.stdout
    rig.start(KAFKA_KEEP_MB="12")
    wait_for(rig, "bronze", "rows", lambda rows: isinstance(rows, int) and rows >= 2_600)
    rig.prove()


def test_a_sender_that_looks_at_no_disk_is_slowed_down_and_loses_nothing(stacked: Rig, stack: Stack) -> None:
    rig, traffic = stacked, Traffic.well(stacked.dice)
    counted(rig, traffic)
    size = 50_000

    def appended() -> float:
        """Megabytes that Kafka has ever taken, if all records were of the flood."""
        return sum(kafka.end_offsets(rig.settings).values()) * size / MEGABYTE

    def send(stop: threading.Event) -> None:
        while not stop.is_set():
            rig.producer.send(Message(rig.dice.randbytes(size), None) for _ in range(20))

    stack.disk.leave(250)  # senders of ours would wait; bronze goes on
    with in_background(send, "flood"), stack.disk:
        wait_until(lambda: "may append 262,144" in stack.log.read_text(), PATIENCE_SECONDS, "senders are slow")
        stack.disk.leave(120)  # bronze waits, too
        wait_until(lambda: "may append 16,384" in stack.log.read_text(), PATIENCE_SECONDS, "senders are slower")
        before, began = appended(), time.monotonic()
        time.sleep(40)  # what is measured
        grown, took = appended() - before, time.monotonic() - began
        rig.faults[f"MB appended in {took:.0f} s by a flood"] += round(grown)
        assert grown < 10, f"{grown:.0f} MB in {took:.0f} s"
        stack.disk.release()
        freed = time.monotonic()
    rig.wait_until_counted()
    rig.producer.send(some(traffic, 500))
    rig.wait_until_counted()
    rig.faults["s until all was taken"] += round(time.monotonic() - freed)
    rig.prove()
