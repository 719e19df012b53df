"""Senders that repeat themselves, come late, have a bad clock, or send garbage."""

from __future__ import annotations

from itertools import islice

import pytest
from faults.poison import poison
from faults.rig import Rig
from faults.traffic import Fact, Message, Traffic, event, iso, log_line
from pyspark.sql import SparkSession

pytestmark = pytest.mark.faults

EVENTS = 20_000
HOUR_MS = 3_600_000
AUTUMN_MS = 1_762_063_200_000  # 2025-11-02 06:00 UTC: New York's clocks go from 02:00 back to 01:00
SPRING_MS = 1_772_953_200_000  # 2026-03-08 07:00 UTC: they go from 02:00 to 03:00


def test_bad_clocks(rig: Rig) -> None:
    sent = rig.producer.send(islice(Traffic(rig.dice, bad_clock=0.001), EVENTS))
    bad = sum(b'"timestamp"' in (one.message.value or b"") for one in sent if one.message.fact is None)
    assert bad
    rig.faults["bad clock"] = bad
    rig.start()
    rig.prove()


def test_late_events(rig: Rig) -> None:
    rig.start()
    for _ in range(4):
        rig.producer.send(islice(Traffic(rig.dice, late=0.5), EVENTS // 4))
        rig.wait_until_counted()
    days = {window // 86_400 for _, window, _ in rig.cells()}
    assert max(days) - min(days) in (399, 400, 401)
    rig.faults["late event"] = EVENTS // 2
    rig.prove()


def test_a_fifth_is_sent_again_across_restarts(rig: Rig) -> None:
    traffic = Traffic(rig.dice, again=0)
    for _ in range(4):
        rig.start()
        rig.producer.send(islice(traffic, EVENTS // 5))
        rig.wait_until_counted()
        rig.stream.stop()
        again = rig.dice.sample(rig.producer.sent, len(rig.producer.sent) // 5)
        rig.producer.send(one.message for one in again)
        rig.faults["event sent again"] += len(again)
    rig.start()
    rig.prove()


def test_poison_among_good_records_is_kept_byte_for_byte(rig: Rig, session: SparkSession) -> None:
    bad = poison()
    messages = [message for one in bad for message in (one, *islice(Traffic(rig.dice, bad_clock=0), 3))]
    rig.dice.shuffle(messages)
    rig.faults["poison"] = len(bad)
    rig.start()
    sent = rig.producer.send(messages)
    rig.prove()
    rows = session.read.format("delta").load(rig.settings.bronze).collect()
    kept = {(row["kafka_partition"], row["kafka_offset"]): row for row in rows}
    assert len(rows) == len(kept) == len(sent)
    for one in sent:
        row = kept[one.partition, one.offset]
        assert (None if row["value"] is None else bytes(row["value"])) == one.message.value
        assert (row["reject_reason"] is None) == (one.message.fact is not None), (row["reject_reason"], one.message)


def test_new_york_puts_its_clocks_back(rig: Rig) -> None:
    """Every quarter of an hour around both changes, as UTC, with New York's offset, without one, and as a log line."""
    rig.environment["TZ"] = "America/New_York"
    rig.producer.send(around(AUTUMN_MS, -4, -5) + around(SPRING_MS, -5, -4))
    rig.faults["clock change"] = 2
    rig.start()
    rig.prove()


def around(change_ms: int, before: int, after: int) -> list[Message]:
    messages = []
    for step in range(-12, 13):
        at = change_ms + step * HOUR_MS // 4
        hours = before if at < change_ms else after
        utc, local = iso(at)[:-1], iso(at + hours * HOUR_MS)[:-1]
        for number, stamp in enumerate((f"{utc}Z", f"{local}{hours:+03d}:00", utc)):
            fact = Fact(f"{at}-{number}", at, "view_product", "p-1", "198.51.100.1")
            messages.append(event(fact, timestamp=stamp))
        messages.append(log_line(Fact(f"{at}-line", at, "view_product", "p-2", "198.51.100.1"), hours))
    return messages
