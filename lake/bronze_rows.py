"""Rows of bronze, read without Spark: where lines are in it already, and what became of records that were sent.

Memory is bounded: rows are looked at piece by piece, and ids of many records in several passes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import numpy as np

from lake.contracts import BRONZE_PARTITION, WINDOW_SECONDS
from lake.errors import LakeError, first_line
from lake.settings import Settings

LOCAL = "file://"
ROWS_PER_PIECE = 65_536
KEYS_PER_PASS = 2_000_000
ROWS_PER_SETTLEMENT = 4_000_000
"""Rows with such keys are kept until they are so many; then of each key only the first is."""
Ranges = Mapping[int, Sequence[tuple[int, int]]]
"""Partition -> offsets that belong to somebody: first and last of each range, in ascending order."""
_ORDER = ("event_key", "batch", "kafka_partition", "kafka_offset")
"""Of the rows with one key, the first in this order counts."""


class Occurrence(NamedTuple):
    """A row with a line that was looked for; ``at`` is when Kafka got it, ``source`` None where none is known."""

    value: bytes
    event_id: str
    source: str | None
    at: dt.datetime


@dataclass
class Rejects:
    """Records that were rejected for one reason, and one of them, the first that was sent to its partition."""

    records: int = 0
    firsts: dict[int, int] = field(default_factory=dict)
    """Partition -> the first offset."""
    samples: list[tuple[str, bytes]] = field(default_factory=list)
    """Id and bytes of those."""


@dataclass
class Fate:
    """What became of records: how many bronze has, how many of them count, repeat others, or are rejected."""

    found: int = 0
    duplicates: int = 0
    rejected: dict[str, Rejects] = field(default_factory=dict)

    @property
    def rejects(self) -> int:
        """How many were rejected."""
        return sum(rejects.records for rejects in self.rejected.values())

    @property
    def counted(self) -> int:
        """How many count."""
        return self.found - self.duplicates - self.rejects


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
        for piece in self._pieces(columns, reduce(or_, when) & ds.field("value").isin(texts)):
            for row in piece.to_pylist():
                value = row["value"].removesuffix(b"\n").removesuffix(b"\r")
                yield Occurrence(value, row["event_id"], row.get("source"), row["ingested_at"])

    def fate(self, ranges: Ranges) -> Fate:
        """Return what became of the records at these offsets, as far as bronze has them."""
        fate = Fate()
        days: set[dt.date] = set()
        starts: list[dt.datetime] = []
        for piece in self._own_pieces(["window_start", BRONZE_PARTITION, "reject_reason"], ranges):
            fate.found += piece.num_rows
            reasons = piece.column("reject_reason")
            good = piece.filter(reasons.is_null())
            if good.num_rows:
                days.update(good.column(BRONZE_PARTITION).unique().to_pylist())
                starts = _bounds([*starts, *_bounds(good.column("window_start").unique().to_pylist())])
            _note_rejects(fate, piece.filter(reasons.is_valid()))
        self._fill_samples(fate)
        if days:
            valid_rows = fate.found - fate.rejects
            passes = -(-valid_rows // KEYS_PER_PASS)
            counted = sum(self._counted(ranges, days, starts, passes, number) for number in range(passes))
            fate.duplicates = valid_rows - counted
        return fate

    def _counted(self, ranges: Ranges, days: set[dt.date], starts: list[dt.datetime], passes: int, number: int) -> int:
        """Return how many of the valid records count whose key, divided by ``passes``, leaves ``number``."""
        import pyarrow.dataset as ds

        keyless, parts = 0, [np.empty(0, np.int64)]
        for piece in self._own_pieces(["event_key", "reject_reason"], ranges):
            good = piece.filter(piece.column("reject_reason").is_null()).column("event_key")
            keyless += good.null_count if number == 0 else 0
            keys = good.drop_null().to_numpy(zero_copy_only=False)
            parts.append(keys[keys % passes == number])
        mine = np.unique(np.concatenate(parts))
        if not len(mine):
            return keyless
        same_time = (ds.field("window_start") >= starts[0]) & (ds.field("window_start") <= starts[1])
        same_days = ds.field(BRONZE_PARTITION).isin(sorted(days))
        firsts = np.empty((0, len(_ORDER)), np.int64)
        kept: list[Any] = []
        for piece in self._pieces(list(_ORDER), same_days & same_time & ds.field("event_key").is_valid()):
            rows = np.column_stack([piece.column(name).to_numpy(zero_copy_only=False) for name in _ORDER])
            places = np.minimum(np.searchsorted(mine, rows[:, 0]), len(mine) - 1)
            kept.append(rows[mine[places] == rows[:, 0]])
            if sum(map(len, kept)) > ROWS_PER_SETTLEMENT:
                firsts, kept = _first_of_each(np.concatenate([firsts, *kept])), []
        firsts = _first_of_each(np.concatenate([firsts, *kept]))
        return keyless + int(_belongs(firsts[:, 2], firsts[:, 3], ranges).sum())

    def _fill_samples(self, fate: Fate) -> None:
        import pyarrow.dataset as ds

        for reason, rejects in fate.rejected.items():
            places = [_place(partition) & (ds.field("kafka_offset") == at) for partition, at in rejects.firsts.items()]
            for piece in self._pieces(["event_id", "value"], reduce(or_, places)):
                rejects.samples += [(row["event_id"], row["value"] or b"") for row in piece.to_pylist()]
            assert len(rejects.samples) <= len(rejects.firsts), f"bronze has an offset of {reason} twice"

    def _own_pieces(self, columns: list[str], ranges: Ranges) -> Iterator[Any]:
        """Yield the rows at these offsets, with the columns and their place in Kafka."""
        import pyarrow as pa
        import pyarrow.dataset as ds

        bounds = [
            _place(partition) & (ds.field("kafka_offset") >= own[0][0]) & (ds.field("kafka_offset") <= own[-1][1])
            for partition, own in ranges.items()
            if own
        ]
        if not bounds:
            return
        for piece in self._pieces([*columns, "kafka_partition", "kafka_offset"], reduce(or_, bounds)):
            partitions, offsets = (
                piece.column(name).to_numpy(zero_copy_only=False) for name in ("kafka_partition", "kafka_offset")
            )
            yield piece.filter(pa.array(_belongs(partitions, offsets, ranges)))

    def _pieces(self, columns: list[str], where: Any) -> Iterator[Any]:
        """Yield the rows that fit, as Arrow's record batches."""
        scanner = self._dataset.scanner(
            columns=columns, filter=where, batch_size=ROWS_PER_PIECE, batch_readahead=1, fragment_readahead=1
        )
        try:
            yield from (piece for piece in scanner.to_batches() if piece.num_rows)
        except OSError as error:
            raise LakeError(f"bronze cannot be read: {first_line(error)}; if files are missing, try again") from error

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
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    path = settings.bronze.removeprefix(LOCAL)
    if "://" in path:
        raise LakeError(
            f"LAKE_ROOT={settings.lake_root} is not on this machine's disk, and is not looked into from here"
        )
    try:
        return BronzeRows(DeltaTable(path).to_pyarrow_dataset())
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise LakeError(f"bronze at {path} cannot be read: {first_line(error)}") from error


def _note_rejects(fate: Fate, rejected: Any) -> None:
    """Add rejected rows to the account."""
    import pyarrow.compute as pc

    for reason in rejected.column("reject_reason").unique().to_pylist():
        rows = rejected.filter(pc.equal(rejected.column("reject_reason"), reason))
        rejects = fate.rejected.setdefault(reason, Rejects())
        rejects.records += rows.num_rows
        partitions, offsets = (
            rows.column(name).to_numpy(zero_copy_only=False) for name in ("kafka_partition", "kafka_offset")
        )
        for partition in np.unique(partitions).tolist():
            first = int(offsets[partitions == partition].min())
            rejects.firsts[partition] = min(first, rejects.firsts.get(partition, first))


def _first_of_each(rows: Any) -> Any:
    """Return of the rows, with the columns of :data:`_ORDER`, the first of each key."""
    ordered = rows[np.lexsort(rows.T[::-1])]
    is_first = np.ones(len(ordered), bool)
    is_first[1:] = ordered[1:, 0] != ordered[:-1, 0]
    return ordered[is_first]


def _belongs(partitions: Any, offsets: Any, ranges: Ranges) -> Any:
    """Return of each place in Kafka whether it is in the ranges."""
    mine = np.zeros(len(offsets), bool)
    for partition, own in ranges.items():
        if own:
            bounds = np.array(own, np.int64)
            at = np.searchsorted(bounds[:, 0], offsets, side="right") - 1
            mine |= (partitions == partition) & (at >= 0) & (offsets <= bounds[np.maximum(at, 0), 1])
    return mine


def _bounds(times: list[dt.datetime]) -> list[dt.datetime]:
    return [min(times), max(times)]


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans with those that touch made one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + WINDOW_SECONDS:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _place(partition: int) -> Any:
    import pyarrow.dataset as ds

    return ds.field("kafka_partition") == partition


def _utc(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
