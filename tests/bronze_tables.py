"""Bronze tables without Spark: the columns that the importer reads, in a Delta table."""

from __future__ import annotations

import datetime as dt
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from deltalake import write_deltalake
from settings_in import settings_in

from lake.bronze_rows import BronzeRows, open_bronze

EPOCH = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
SCHEMA = pa.schema(
    [
        ("value", pa.binary()),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
        ("ingested_at", pa.timestamp("us", "UTC")),
        ("batch", pa.int64()),
        ("reject_reason", pa.string()),
        ("event_id", pa.string()),
        ("event_key", pa.int64()),
        ("window_start", pa.timestamp("us", "UTC")),
        ("event_date", pa.date32()),
        ("source", pa.string()),
    ]
)


class Row(NamedTuple):
    """A row of bronze; ``second`` is when it happened, counted from :data:`EPOCH`."""

    value: bytes
    partition: int
    offset: int
    second: int = 0
    event_id: str | None = None
    reject_reason: str | None = None
    source: str | None = None


def arrival(batch: int) -> dt.datetime:
    """Return when Kafka got the records of a batch."""
    return EPOCH + dt.timedelta(days=1, seconds=batch)


def append(folder: Path, batch: int, *rows: Row) -> None:
    """Add a batch to the table in a folder."""
    data = pa.Table.from_pylist([_columns(row, batch) for row in rows], SCHEMA)
    write_deltalake(folder, data, partition_by="event_date", mode="append")


def opened(folder: Path) -> BronzeRows:
    """Open the table of a lake in a folder."""
    rows = open_bronze(settings_in(folder, LAKE_ROOT=str(folder)))
    assert rows is not None
    return rows


def table(folder: Path) -> Path:
    """Return the folder of the table of that lake."""
    return folder / "bronze" / "web_logs"


def _columns(row: Row, batch: int) -> dict[str, Any]:
    window = EPOCH + dt.timedelta(seconds=row.second - row.second % 10)
    is_good = row.reject_reason is None
    event_id = row.event_id or f"{row.partition}-{row.offset}"
    digest = blake2b(f"{event_id} {window}".encode(), digest_size=8).digest()
    return {
        "value": row.value,
        "kafka_partition": row.partition,
        "kafka_offset": row.offset,
        "ingested_at": arrival(batch),
        "batch": batch,
        "reject_reason": row.reject_reason,
        "event_id": event_id,
        "event_key": int.from_bytes(digest, "big", signed=True) if is_good and row.event_id else None,
        "window_start": window if is_good else None,
        "event_date": (window if is_good else arrival(batch)).date(),
        "source": row.source,
    }
