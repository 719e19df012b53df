"""End to end: plain Kafka records in, PostgreSQL and dbt marts out, on the real services."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import psycopg2
import pytest
from oracle import count
from pyspark.sql import SparkSession
from streaming import cells, connect, event, in_order, send, settings, traffic

from lake.command import weblake_command
from lake.settings import PROJECT, Settings, child_environment
from spark.pipeline import Pipeline

pytestmark = pytest.mark.stack
__all__ = ["settings"]


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
    assert len(rows) == total(expected, "all") + rejected + duplicates
    assert total(expected, "rejected") == rejected


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
    assert pipeline.progress.bronze.rows == 2 * len(records)
    assert of_events(after) == of_events(before)
    assert total(after, "rejected") == 2 * total(before, "rejected") > 0


def of_events(counts: dict[tuple[str, int, str], int]) -> dict[tuple[str, int, str], int]:
    """Leave out the rejected records, of which none repeats another."""
    return {cell: number for cell, number in counts.items() if cell[0] != "rejected"}


def total(counts: dict[tuple[str, int, str], int], dimension: str) -> int:
    return sum(number for cell, number in counts.items() if cell[0] == dimension)


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
        cursor.execute("select sum(events) from actions")
        (total,) = cursor.fetchone() or (None,)
        cursor.execute("select product_id, views + add_to_carts + checkouts from products where product_id <> ''")
        products = dict(cursor.fetchall())
    assert total == sum(number for key, number in expected.items() if key[0] == "all")
    per_product: dict[str, int] = {}
    for (dimension, _, key), number in expected.items():
        if dimension == "product":
            per_product[key] = per_product.get(key, 0) + number
    assert products == per_product
