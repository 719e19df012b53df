"""The last raw lines of a client, from the newest files of bronze: ``python -m page.raw_lines``, which the page starts.

It reads a client from the standard input, as JSON, and writes what it finds to the standard output. A process of its
own, so that the page keeps no library of tables in memory, and survives whatever a file makes of one.
"""

from __future__ import annotations

import datetime as dt
import heapq
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from lake.bronze_rows import bronze_folder, bronze_table, reading
from lake.errors import LakeError
from lake.pseudonyms import mask_addresses, pseudonym
from lake.settings import Settings, load_settings
from lake.text import printable

DAYS = 3
MOST_BYTES = 128 << 20
"""Of files, as they lie on the disk; maintenance makes none that is larger than half of it."""
MOST_LINES = 30
LONGEST_LINE = 2_000
ROWS_PER_PIECE = 8_192
BAR_SECONDS = 300
COLUMNS = ("ingested_at", "kafka_partition", "kafka_offset", "value")


class Line(NamedTuple):
    """One record of the client: when Kafka took it, its place, and its bytes."""

    at: dt.datetime
    partition: int
    offset: int
    value: bytes


def last_lines(settings: Settings, client: str, now: dt.datetime) -> dict[str, Any]:
    """Return the newest lines of the client, and counts by five minutes, of the last days of bronze.

    Files are read from the newest to the oldest, until ``MOST_BYTES`` of them were. ``since`` is how far back that was.

    Raises:
        LakeError: bronze is not on this machine's disk, or cannot be read.
    """
    mask = settings.retention.mask
    newest: list[Line] = []
    counts: Counter[int] = Counter()
    since, left, is_cut = now, MOST_BYTES, False
    for path, size, oldest in _files(settings, now - dt.timedelta(days=DAYS)):
        if size > left:
            is_cut = True
            break
        left -= size
        since = min(since, oldest)
        for line in _lines_in(path, client, mask):
            counts[int(line.at.timestamp()) // BAR_SECONDS * BAR_SECONDS] += 1
            if len(newest) < MOST_LINES:
                heapq.heappush(newest, line)
            else:
                heapq.heappushpop(newest, line)
    lines = [{"at": line.at.timestamp(), "text": _text(line.value, mask)} for line in sorted(newest, reverse=True)]
    return {"since": since.timestamp(), "is_cut": is_cut, "lines": lines, "counts": sorted(counts.items())}


def main() -> int:
    """Answer the question on the standard input."""
    os.nice(10)  # the stream is at work on this machine
    client = json.loads(sys.stdin.read())
    try:
        answer = last_lines(load_settings(), client, dt.datetime.now(dt.timezone.utc))
    except LakeError as error:
        sys.stderr.write(str(error))
        return 1
    json.dump(answer, sys.stdout)
    return 0


def _files(settings: Settings, since: dt.datetime) -> Iterator[tuple[Path, int, dt.datetime]]:
    """Yield path, bytes and oldest record of the files of bronze with records since then, the newest first."""
    import pyarrow as pa

    folder, table = bronze_folder(settings), bronze_table(settings)
    if table is None:
        return
    with reading():
        actions: Any = table.get_add_actions(flatten=True)
        files = pa.table(actions).to_pylist()
    fresh = (file for file in files if file["max.ingested_at"] and file["max.ingested_at"] >= since)
    for file in sorted(fresh, key=lambda file: file["max.ingested_at"], reverse=True):
        yield Path(folder, unquote(file["path"])), file["size_bytes"], file["min.ingested_at"]


def _lines_in(path: Path, client: str, mask: str) -> Iterator[Line]:
    """Yield the client's records in a file; ``mask`` is the secret by which clients are named, empty for none."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with reading(), pq.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:
        for piece in file.iter_batches(batch_size=ROWS_PER_PIECE, columns=[*COLUMNS, "ip_address"], use_threads=False):
            column = piece.column("ip_address")
            names = [name for name in column.unique().to_pylist() if name and _shown(name, mask) == client]
            for row in piece.filter(pc.is_in(column, pa.array(names, pa.string()))).to_pylist():
                at, partition, offset, value = (row[name] for name in COLUMNS)
                yield Line(_utc(at), partition, offset, value or b"")


def _shown(client: str, mask: str) -> str:
    return pseudonym(client, mask) if mask else client


def _text(value: bytes, mask: str) -> str:
    text = printable(value[:LONGEST_LINE].decode("utf-8", "backslashreplace"))
    text = mask_addresses(text, mask) if mask else text
    return f"{text} …" if len(value) > LONGEST_LINE else text


def _utc(time: dt.datetime) -> dt.datetime:
    """Return the time with its zone: as Spark writes them, files say none."""
    return time.replace(tzinfo=dt.timezone.utc)


if __name__ == "__main__":
    sys.exit(main())
