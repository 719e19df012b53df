"""The newest rejected records of bronze, read without Spark.

Files are looked at from the newest to the oldest, piece by piece, until no older one can have what is asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappush, heapreplace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from lake.bronze_rows import bronze_folder, bronze_table, reading
from lake.contracts import NO_FORMAT
from lake.errors import LakeError
from lake.settings import Settings

ROWS_PER_PIECE = 8_192
PLACE = ("ingested_at", "kafka_partition", "kafka_offset")
COLUMNS = (*PLACE, "reject_reason", "format", "value")


class RejectedRow(NamedTuple):
    """A rejected record: when Kafka took it, where it lies, why it counts nowhere, what it is of, and its bytes."""

    at: dt.datetime
    partition: int
    offset: int
    reason: str
    format: str
    value: bytes


@dataclass(frozen=True)
class _File:
    path: Path
    newest: dt.datetime


def newest_rejected(settings: Settings, number: int, reason: str | None = None) -> list[RejectedRow]:
    """Return the rejected records that came last, the newest first; of one reason, if one is named.

    Raises:
        LakeError: bronze is not on this machine's disk, or cannot be read.
    """
    found: list[RejectedRow] = []
    with reading():
        for file in _files_with_rejected(settings):
            if len(found) == number and found[0].at > file.newest:
                break
            for row in _rejected(file.path, reason):
                if len(found) < number:
                    heappush(found, row)
                elif row > found[0]:
                    heapreplace(found, row)
    return sorted(found, reverse=True)


def _files_with_rejected(settings: Settings) -> list[_File]:
    """Return the files of bronze that have rejected rows, those with the newest rows first."""
    import pyarrow as pa

    try:
        folder, table = bronze_folder(settings), bronze_table(settings)
    except LakeError as error:
        raise LakeError(f"{error}; ask marts.rejected instead") from error
    if table is None:
        return []
    actions: Any = table.get_add_actions(flatten=True)
    with_rejected = (
        _File(Path(folder, unquote(file["path"])), file["max.ingested_at"])
        for file in pa.table(actions).to_pylist()
        if file["num_records"] > file["null_count.reject_reason"]
    )
    return sorted(with_rejected, key=lambda file: file.newest, reverse=True)


def _rejected(path: Path, reason: str | None) -> Iterator[RejectedRow]:
    """Yield the rejected rows of a file."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:  # as Spark writes them, which say no zone
        for piece in file.iter_batches(batch_size=ROWS_PER_PIECE, columns=list(COLUMNS)):
            reasons = piece.column("reject_reason")
            rows = piece.filter(pc.is_valid(reasons) if reason is None else pc.equal(reasons, reason))
            for row in rows.to_pylist():
                at, partition, offset = (row[name] for name in PLACE)
                form = row["format"] or NO_FORMAT
                at = at.replace(tzinfo=dt.timezone.utc)
                yield RejectedRow(at, partition, offset, row["reject_reason"], form, row["value"] or b"")
