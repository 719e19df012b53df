"""End to end: plain Kafka records in, PostgreSQL and dbt marts out, on the real services."""

from __future__ import annotations

import datetime as dt
import json
import random
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from kafka import KafkaProducer
from oracle import Record, count
from pyspark.sql import SparkSession
from test_parse import REJECTED

from lake.command import weblake_command
from lake.settings import PROJECT, Settings, child_environment
from spark.pipeline import Pipeline
from stack.servers.kafka import create_topic

pytestmark = pytest.mark.stack


@pytest.fixture
def settings(stack_settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """The running services, with a topic and a lake of the test's own, and an empty database."""
    own = replace(
        stack_settings, data=tmp_path, lake_root=str(tmp_path / "lake"), kafka_topic=f"logs_{uuid.uuid4().hex}"
    )
    create_topic(own)
    with connect(own) as connection, connection.cursor() as cursor:
        cursor.execute("truncate silver.window_counts, silver.bookmark")
    yield own


def connect(settings: Settings) -> psycopg2.extensions.connection:
    return psycopg2.connect(settings.postgres_dsn("owner"))


def send(settings: Settings, records: list[tuple[bytes | None, str | None]]) -> list[Record]:
    """Send with a plain producer, and return what Kafka said of each record."""
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
        Record(value or b"", header, f"{told.partition}-{told.offset}", told.timestamp / 1000)
        for (value, header), told in zip(records, sent, strict=True)
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


def test_every_record_is_counted_rejected_or_a_duplicate(session: SparkSession, settings: Settings) -> None:
    sent = send(settings, traffic(seed=1, number=300))
    Pipeline(session, settings).drain()
    expected, rejected, duplicates = count(in_order(sent))
    assert cells(settings) == expected
    bronze = session.read.format("delta").load(settings.bronze)
    rows = bronze.select("value", "reject_reason", "kafka_partition", "kafka_offset").collect()
    assert len(rows) == len(sent)
    stored = {f"{row.kafka_partition}-{row.kafka_offset}": bytes(row.value or b"") for row in rows}
    assert stored == {record.position: record.value for record in sent}
    assert sum(row.reject_reason is not None for row in rows) == rejected
    counted = sum(number for (dimension, _, _), number in expected.items() if dimension == "all")
    assert len(rows) == counted + rejected + duplicates


def test_events_sent_again_in_later_batches_add_nothing(session: SparkSession, settings: Settings) -> None:
    records = [record for record in traffic(seed=2, number=100) if record[1] or (record[0] or b"").startswith(b'{"ev')]
    sent = send(settings, records)
    pipeline = Pipeline(session, settings)
    pipeline.drain()
    before = cells(settings)
    assert before == count(in_order(sent))[0]
    send(settings, records)
    pipeline.drain()
    after = cells(settings)
    assert pipeline.progress.stage("bronze")["rows"] == 2 * len(records)
    assert after == before


def test_an_emptied_database_is_filled_from_the_ledger(session: SparkSession, settings: Settings) -> None:
    send(settings, [(event(0, "a"), None), (event(7200, "b"), None)])
    pipeline = Pipeline(session, settings)
    pipeline.drain()
    before = cells(settings)
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute("truncate silver.window_counts, silver.bookmark")
    pipeline.drain()
    assert before
    assert cells(settings) == before


def test_a_deleted_ledger_is_counted_again(session: SparkSession, settings: Settings) -> None:
    send(settings, traffic(seed=3, number=50))
    Pipeline(session, settings).drain()
    before = cells(settings)
    shutil.rmtree(Path(settings.ledger))
    Pipeline(session, settings).drain()
    assert cells(settings) == before


def test_a_late_event_lands_in_its_own_window(session: SparkSession, settings: Settings) -> None:
    pipeline = Pipeline(session, settings)
    send(settings, [(event(0, "now"), None)])
    pipeline.drain()
    last_year = 365 * 86_400
    window = int((time.time() - last_year) // 10 * 10)
    send(settings, [(event(last_year, "late"), None)])
    pipeline.drain()
    found = [key for key in cells(settings) if key[0] == "all" and abs(key[1] - window) <= 10]
    assert len(found) == 1


def test_marts_follow_and_their_tests_pass(session: SparkSession, settings: Settings) -> None:
    sent = send(settings, traffic(seed=4, number=200))
    Pipeline(session, settings).drain()
    expected, _, _ = count(in_order(sent))
    for command in ("dbt", "dbt-test"):
        done = subprocess.run(
            weblake_command(command),
            cwd=PROJECT,
            env=child_environment(settings, POSTGRES_DBT_PASSWORD=settings.dbt_password),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    with psycopg2.connect(settings.postgres_dsn("analyst")) as connection, connection.cursor() as cursor:
        cursor.execute("select sum(action_count) from actions")
        (total,) = cursor.fetchone() or (None,)
        cursor.execute("select product_id, views + add_to_carts + checkouts from products")
        products = dict(cursor.fetchall())
    assert total == sum(number for key, number in expected.items() if key[0] == "all")
    per_product: dict[str, int] = {}
    for (dimension, _, key), number in expected.items():
        if dimension == "product":
            per_product[key] = per_product.get(key, 0) + number
    assert products == per_product
