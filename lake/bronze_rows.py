"""Rows of bronze, read without Spark, piece by piece: where lines are in it already.

What became of records that were sent is in :mod:`lake.fates`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, NamedTuple

from lake.contracts import BRONZE_PARTITION, WINDOW_SECONDS
from lake.errors import LakeError, first_line
from lake.settings import Settings

if TYPE_CHECKING:
    from deltalake import DeltaTable

LOCAL = "file://"
ROWS_PER_PIECE = 65_536


class Occurrence(NamedTuple):
    """A row with a line that was looked for; ``at`` is when Kafka got it, ``source`` None where none is known."""

    value: bytes
    event_id: str
    source: str | None
    at: dt.datetime


class BronzeRows:
    """The rows of bronze as they are now."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def occurrences(self, values: Iterable[bytes], spans: Iterable[tuple[int, int]]) -> Iterator[Occurrence]:
        """Yield the valid rows that hold one of the lines, with or without a line end.

        Args:
            values: Lines without their ends.
            spans: Between which epoch seconds they happened, both included.
        """
        import pyarrow.dataset as ds

        lines = set(values)
        when = [self._window(first, last) for first, last in _merged(spans)]
        if not when:
            return
        texts = [line + end for line in lines for end in (b"", b"\n", b"\r\n")]
        has_source = "source" in self._dataset.schema.names
        columns = ["value", "event_id", "ingested_at", *(["source"] if has_source else [])]
        for piece in self.pieces(columns, reduce(or_, when) & ds.field("value").isin(texts)):
            for row in piece.to_pylist():
                value = row["value"].removesuffix(b"\n").removesuffix(b"\r")
                yield Occurrence(value, row["event_id"], row.get("source"), row["ingested_at"])

    def pieces(self, columns: Sequence[str], where: Any) -> Iterator[Any]:
        """Yield the rows that fit, as record batches of Arrow with some rows; ``where`` is an expression of Arrow.

        Raises:
            LakeError: a file cannot be read.
        """
        import pyarrow.dataset as ds

        scanner = self._dataset.scanner(
            columns=list(columns),
            filter=where,
            batch_size=ROWS_PER_PIECE,
            batch_readahead=1,
            fragment_readahead=1,
            fragment_scan_options=ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True),
            use_threads=False,  # the stream is at work on this machine
        )
        with reading():
            yield from (piece for piece in scanner.to_batches() if piece.num_rows)

    def _window(self, first: int, last: int) -> Any:
        import pyarrow.dataset as ds

        begin, end = _utc(first - first % WINDOW_SECONDS), _utc(last)
        days = [begin.date() + dt.timedelta(days=number) for number in range((end.date() - begin.date()).days + 1)]
        start = ds.field("window_start")
        return ds.field(BRONZE_PARTITION).isin(days) & (start >= begin) & (start <= end)


def open_bronze(settings: Settings) -> BronzeRows | None:
    """Return the rows of bronze; None where there is no table yet.

    Raises:
        LakeError: it is not on this machine's disk, or cannot be read.
    """
    table = bronze_table(settings)
    if table is None:
        return None
    with reading():
        return BronzeRows(table.to_pyarrow_dataset())


def bronze_table(settings: Settings) -> DeltaTable | None:
    """Return bronze as it is now; None where there is no table yet.

    Raises:
        LakeError: it is not on this machine's disk, or cannot be read.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    with reading(), suppress(TableNotFoundError):
        return DeltaTable(bronze_folder(settings))
    return None


def bronze_folder(settings: Settings) -> str:
    """Return the path of bronze.

    Raises:
        LakeError: it is not on this machine's disk.
    """
    path = settings.bronze.removeprefix(LOCAL)
    if "://" in path:
        raise LakeError(
            f"LAKE_ROOT={settings.lake_root} is not on this machine's disk, and is not looked into from here"
        )
    return path


@contextmanager
def reading() -> Iterator[None]:
    """Raise LakeError where the table or a file of it cannot be read."""
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise LakeError(f"bronze cannot be read: {first_line(error)}; if files are missing, try again") from error


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans with those that touch made one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + WINDOW_SECONDS:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _utc(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
