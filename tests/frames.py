"""Rows for Spark tests: times are offsets in seconds from one fixed instant."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)
RECORD = "value binary, header_event_id string, kafka_partition int, kafka_offset bigint, ingested_at timestamp"
EVENT = {
    "event_id": "e-1",
    "timestamp": "2026-01-01T12:00:00.000Z",
    "user_id": "u-1",
    "ip_address": "203.0.113.7",
    "action": "view_product",
    "product_id": "p-1",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0",
    "response_time": 0.25,
    "status_code": 200,
}
LINE = '203.0.113.7 - - [01/Jan/2026:12:00:00 +0000] "GET {target} HTTP/1.1" 200 512 "-" "Mozilla/5.0 Firefox/131.0"'


def at(seconds: float) -> dt.datetime:
    """The instant ``seconds`` after the start."""
    return START + dt.timedelta(seconds=seconds)


def iso(seconds: float) -> str:
    """The instant as an event's timestamp."""
    return at(seconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(**changes: Any) -> bytes:
    """A good event with some fields changed; a field set to ``...`` is left out."""
    fields = {name: value for name, value in {**EVENT, **changes}.items() if value is not ...}
    return json.dumps(fields).encode()


def line(target: str = "/", **changes: str) -> bytes:
    """A good access-log line for a request of ``target``; ``changes`` replaces parts of it."""
    text = LINE.format(target=target)
    for old, new in changes.items():
        text = text.replace(old, new)
    return text.encode()


def records(
    session: SparkSession, *values: bytes | None, ids: dict[int, str] | None = None, ingested: float = 0
) -> DataFrame:
    """Records as Kafka has them, at offsets 0, 1, … of partition 0."""
    stamp = at(ingested)
    rows = [
        (None if value is None else bytearray(value), (ids or {}).get(offset), 0, offset, stamp)
        for offset, value in enumerate(values)
    ]
    return session.createDataFrame(rows, RECORD)


def seconds_of(column: str) -> Any:
    """A time column as seconds after the start."""
    return F.unix_seconds(column) - int(START.timestamp())
