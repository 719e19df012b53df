"""A lake to be audited: its traffic, what damages it, and the audit itself."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import time
from contextlib import closing
from pathlib import Path

from examples import REJECTED
from kafka import KafkaProducer
from pyspark.sql import SparkSession

from audit.check import Check, Verdict
from audit.scope import Scope
from audit.verify import verify
from lake.command import weblake_command
from lake.settings import PROJECT, Settings, child_environment, load_settings
from lake.url_rules import UrlRules

DAY = 86_400


def command(data: Path, *arguments: str, settings: Settings | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``weblake verify`` as a person would."""
    chosen = settings or load_settings({"WEBLAKE_DATA": str(data)})
    return subprocess.run(
        weblake_command("verify", *arguments),
        cwd=PROJECT,
        env=child_environment(
            chosen,
            SPARK_MASTER="local[2]",
            KAFKA_PASSWORD=chosen.kafka_password,
            POSTGRES_DBT_PASSWORD=chosen.dbt_password,
        ),
        capture_output=True,
        text=True,
        check=False,
    )


def send(settings: Settings, records: list[tuple[bytes | None, str | None]]) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, acks="all")
    for value, header in records:
        headers = [("event_id", header.encode())] if header else []
        producer.send(settings.kafka_topic, value, key=None if value else b"", headers=headers)
    producer.flush()
    producer.close()


def send_twice_with_the_id_of_a_place(settings: Settings) -> None:
    """Send one event twice, whose id reads like the place where the first of the two comes to lie."""
    event = {"event_id": "0-0", "timestamp": "2026-01-01T12:00:03Z", "ip_address": "::1", "action": "add_to_cart"}
    with closing(KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, acks="all")) as producer:
        for partition in (0, 1):
            producer.send(settings.kafka_topic, json.dumps(event).encode(), partition=partition).get(timeout=30)


def traffic(batch: int) -> list[tuple[bytes | None, str | None]]:
    """People and bots, JSON and log lines, garbage, late events, and repeats within a batch and across batches."""
    records: list[tuple[bytes | None, str | None]] = []
    now = int(time.time())
    for serial in range(120):
        ago = (0, 3, 30, 3600, 40 * DAY, 400 * DAY)[serial % 6]
        instant = dt.datetime.fromtimestamp(now - ago - serial / 7, dt.timezone.utc)
        event = {
            "event_id": f"{batch}-{serial}",
            "timestamp": instant.isoformat(),
            "ip_address": f"198.51.100.{serial % 9}",
            "action": ("view_product", "view_product", "add_to_cart", "checkout")[serial % 4],
            "product_id": None if serial % 11 == 0 else f"p-{serial % 5}",
            "user_agent": (None, "Mozilla/5.0 Firefox/131.0", "Googlebot/2.1")[serial % 3],
            "response_time": serial / 1000 + 0.0005,
            "status_code": (200, 200, 404, 503)[serial % 4],
        }
        value = json.dumps(event).encode()
        records += [(value, None)] * (1 + (serial % 10 == 0))
        if serial % 5 == 0:
            target = ("/robots.txt", "/product/7?a=b", "/static/a.css", "/cart/add?id=3")[serial % 4]
            stamp = instant.strftime("%d/%b/%Y:%H:%M:%S +0000")
            line = f'203.0.113.9 - - [{stamp}] "GET {target} HTTP/1.1" 200 {serial} "-" "curl/8"'.encode()
            records.append((line, f"line-{batch}-{serial}" if serial % 2 else None))
    again = json.dumps(
        {"event_id": "same", "timestamp": "2026-01-01T12:00:03Z", "ip_address": "::1", "action": "checkout"}
    )
    garbage = [(value, None) for reason, value in REJECTED if reason != "time_in_future"]
    return [*records, (again.encode(), None), (None, None), *garbage]


class Audit:
    def __init__(self, session: SparkSession, settings: Settings, rules: UrlRules) -> None:
        self.session, self.settings, self.rules = session, settings, rules

    def __call__(self, scope: Scope | None = None, deep: bool = False) -> dict[str, Check]:
        result = verify(self.session, self.settings, self.rules, scope or Scope(), deep)
        return {check.name: check for check in result.checks}


def wrong(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check.note for name, check in checks.items() if check.verdict is not Verdict.OK}


def largest_of_the_newest_day(settings: Settings) -> Path:
    """Return a file of bronze with many records: the last record of a partition alone would look like one not read."""
    return max(Path(settings.bronze).rglob("*.parquet"), key=lambda file: (file.parent.name, file.stat().st_size))
