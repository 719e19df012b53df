"""Records through the real services: a topic for each test, what is sent to it, what PostgreSQL counts of it."""

from __future__ import annotations

import datetime as dt
import json
import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from examples import REJECTED
from kafka import KafkaProducer
from oracle import Record

from lake.settings import Settings
from stack.servers.kafka import create_topic


@pytest.fixture
def settings(stack_settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """The running services, with a topic and a lake of the test's own, and an empty database."""
    own = replace(
        stack_settings,
        data=tmp_path,
        lake_root=str(tmp_path / "lake"),
        kafka_topic=f"logs_{uuid.uuid4().hex}",
        hot_hours=1_000_000,  # `cells` is by ten seconds
    )
    create_topic(own)
    with connect(own) as connection, connection.cursor() as cursor:
        cursor.execute("truncate silver.window_counts, silver.bookmark")
    yield own


def connect(settings: Settings) -> psycopg2.extensions.connection:
    return psycopg2.connect(settings.postgres_dsn("owner"))


def send(settings: Settings, records: list[tuple[bytes | None, str | None]]) -> list[Record]:
    """Send with a plain producer, and return each record with its position and time in Kafka."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, acks="all")
    futures = [
        producer.send(
            settings.kafka_topic,
            value,
            key=b"" if value is None else None,
            headers=[("event_id", header.encode())] if header else [],
        )
        for value, header in records
    ]
    sent = [future.get(timeout=30) for future in futures]
    producer.close()
    return [
        Record(value or b"", header, f"{metadata.partition}-{metadata.offset}", metadata.timestamp / 1000)
        for (value, header), metadata in zip(records, sent, strict=True)
    ]


def in_order(sent: list[Record]) -> list[Record]:
    """The order in which the first of equal events counts: by partition, then offset, in one batch."""
    return sorted(sent, key=lambda record: tuple(map(int, record.position.split("-"))))


def cells(settings: Settings) -> dict[tuple[str, int, str], int]:
    """The events per (dimension, window, key) in PostgreSQL."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select dimension, extract(epoch from window_start)::bigint, key, sum(events)::bigint "
            "from silver.window_counts group by 1, 2, 3"
        )
        return {(row[0], row[1], row[2]): row[3] for row in cursor.fetchall()}


def event(seconds_ago: float, event_id: str, **fields: object) -> bytes:
    stamp = dt.datetime.fromtimestamp(time.time() - seconds_ago, tz=dt.timezone.utc).isoformat()
    content = {"event_id": event_id, "timestamp": stamp, "ip_address": "198.51.100.4", "action": "view_product"}
    return json.dumps({**content, "product_id": "p-1", "status_code": 200, **fields}).encode()


def traffic(seed: int, number: int) -> list[tuple[bytes | None, str | None]]:
    """Good, late, repeated and garbage records, JSON and log lines, in random order."""
    dice = random.Random(seed)
    lates = (0, 0, 0, 5, 3600, 86_400, 400 * 86_400)
    records: list[tuple[bytes | None, str | None]] = []
    for serial in range(number):
        ago = dice.choice(lates) + dice.random() * 60
        fields = {"ip_address": f"198.51.100.{dice.randrange(20)}", "product_id": f"p-{dice.randrange(9)}"}
        action = dice.choice(("view_product", "add_to_cart", "checkout"))
        records.append((event(ago, f"{seed}-{serial}", action=action, **fields), None))
        if dice.random() < 0.2:
            records.append(dice.choice(records))
        if dice.random() < 0.1:
            stamp = dt.datetime.fromtimestamp(time.time() - ago, tz=dt.timezone.utc).strftime("%d/%b/%Y:%H:%M:%S +0000")
            line = f'203.0.113.9 - - [{stamp}] "GET /product/77?x HTTP/1.1" 200 12 "-" "curl/8"'.encode()
            records.append((line, dice.choice((None, f"line-{serial}"))))
    garbage = [(value, None) for reason, value in REJECTED if reason != "time_in_future"]
    records += [(None, None), (event(-400, "early"), None), *garbage]
    dice.shuffle(records)
    return records
