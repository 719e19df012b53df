"""What became of records that were sent: those of them that count, that repeat others, and that were rejected.

Memory is bounded: rows of bronze are looked at piece by piece, and the ids of many records in several passes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from lake.bronze_rows import BronzeRows
from lake.contracts import BRONZE_PARTITION

KEYS_PER_PASS = 2_000_000
ROWS_PER_SETTLEMENT = 4_000_000
"""Rows with such keys are kept until they are so many; then of each key only the first is."""
PLACE = ("kafka_partition", "kafka_offset", "ingested_at")
"""What says whose record it is. Offsets begin again with a topic that is made again."""
ORDER = ("event_key", "batch", "kafka_partition", "kafka_offset")
"""Of the rows with one key, the first in this order counts."""


@dataclass(frozen=True)
class Places:
    """Where records are in Kafka.

    Attributes:
        ranges: Partition -> first and last offset of each range, in ascending order.
        since: When Kafka got the first of them.
    """

    ranges: Mapping[int, Sequence[tuple[int, int]]]
    since: dt.datetime

    def bounds(self) -> Any:
        """Return what all the records fit, and others too, as an expression of Arrow."""
        import pyarrow.dataset as ds

        offset, since = ds.field("kafka_offset"), ds.field("ingested_at") >= self.since
        bounds = [_at(one) & (offset >= own[0][0]) & (offset <= own[-1][1]) for one, own in self.ranges.items()]
        return reduce(or_, bounds) & since if bounds else ds.scalar(value=False)

    def have(self, piece: Any) -> Any:
        """Return of each row of a piece with the columns :data:`PLACE` whether it is one of the records."""
        partitions, offsets = _numbers(piece, "kafka_partition"), _numbers(piece, "kafka_offset")
        mine = np.zeros(piece.num_rows, bool)
        for partition, own in self.ranges.items():
            ranges = np.array(own, np.int64)
            at = np.searchsorted(ranges[:, 0], offsets, side="right") - 1
            mine |= (partitions == partition) & (at >= 0) & (offsets <= ranges[np.maximum(at, 0), 1])
        since = np.datetime64(self.since.astimezone(dt.timezone.utc).replace(tzinfo=None), "us")
        return mine & (_numbers(piece, "ingested_at").astype("datetime64[us]") >= since)


@dataclass
class Rejects:
    """Records that were rejected for one reason, and some of them: of each partition the first."""

    records: int = 0
    firsts: dict[int, int] = field(default_factory=dict)
    """Partition -> the first offset."""
    samples: list[tuple[str, bytes]] = field(default_factory=list)
    """Id and bytes of those."""


@dataclass
class Fate:
    """What became of records: how many bronze has, how many of them repeat others, and which are rejected."""

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


def fate_of(rows: BronzeRows, places: Places) -> Fate:
    """Return what became of the records, as far as bronze has them.

    Raises:
        LakeError: bronze cannot be read.
    """
    return _Inquiry(rows, places).fate()


class _Inquiry:
    """Looks for records in bronze."""

    def __init__(self, rows: BronzeRows, places: Places) -> None:
        self._rows = rows
        self._places = places
        self._days: set[dt.date] = set()
        self._starts: list[dt.datetime] = []

    def fate(self) -> Fate:
        fate = Fate()
        for piece in self._own_pieces(["window_start", BRONZE_PARTITION, "reject_reason"]):
            fate.found += piece.num_rows
            reasons = piece.column("reject_reason")
            good = piece.filter(reasons.is_null())
            if good.num_rows:
                self._days.update(good.column(BRONZE_PARTITION).unique().to_pylist())
                starts = [*self._starts, *good.column("window_start").unique().to_pylist()]
                self._starts = [min(starts), max(starts)]
            _note_rejects(fate, piece.filter(reasons.is_valid()))
        for rejects in fate.rejected.values():
            rejects.samples = self._samples(rejects.firsts)
        valid = fate.found - fate.rejects
        passes = -(-valid // KEYS_PER_PASS)
        fate.duplicates = valid - sum(self._counted(passes, number) for number in range(passes))
        return fate

    def _counted(self, passes: int, number: int) -> int:
        """Return how many of the valid records count whose key, divided by ``passes``, leaves ``number``."""
        keyless, parts = 0, [np.empty(0, np.int64)]
        for piece in self._own_pieces(["event_key", "reject_reason"]):
            good = piece.filter(piece.column("reject_reason").is_null()).column("event_key")
            keyless += good.null_count if number == 0 else 0
            keys = good.drop_null().to_numpy(zero_copy_only=False)
            parts.append(keys[keys % passes == number])
        keys = np.unique(np.concatenate(parts))
        firsts = np.empty((0, len(ORDER) + 1), np.int64)
        kept: list[Any] = []
        for piece in self._pieces_with_keys() if len(keys) else ():
            rows = np.column_stack([*(_numbers(piece, name) for name in ORDER), self._places.have(piece)])
            places = np.minimum(np.searchsorted(keys, rows[:, 0]), len(keys) - 1)
            kept.append(rows[keys[places] == rows[:, 0]])
            if sum(map(len, kept)) > ROWS_PER_SETTLEMENT:
                firsts, kept = _first_of_each(np.concatenate([firsts, *kept])), []
        firsts = _first_of_each(np.concatenate([firsts, *kept]))
        return keyless + int(firsts[:, -1].sum())

    def _pieces_with_keys(self) -> Iterator[Any]:
        """Yield the rows with which a record could share its id and window."""
        import pyarrow.dataset as ds

        start, days = ds.field("window_start"), ds.field(BRONZE_PARTITION).isin(sorted(self._days))
        same_time = (start >= self._starts[0]) & (start <= self._starts[1])
        return self._rows.pieces(
            list(dict.fromkeys((*ORDER, *PLACE))), days & same_time & ds.field("event_key").is_valid()
        )

    def _samples(self, firsts: Mapping[int, int]) -> list[tuple[str, bytes]]:
        """Return id and bytes of the records at these offsets, by partition."""
        places = Places({partition: [(offset, offset)] for partition, offset in firsts.items()}, self._places.since)
        rows = (row for piece in self._rows.pieces(["event_id", "value"], places.bounds()) for row in piece.to_pylist())
        return [(row["event_id"], row["value"] or b"") for row in rows]

    def _own_pieces(self, columns: Sequence[str]) -> Iterator[Any]:
        """Yield the records, with the columns and :data:`PLACE`."""
        import pyarrow as pa

        for piece in self._rows.pieces([*columns, *PLACE], self._places.bounds()):
            yield piece.filter(pa.array(self._places.have(piece)))


def _note_rejects(fate: Fate, rejected: Any) -> None:
    """Add rejected rows to the account."""
    import pyarrow.compute as pc

    for reason in rejected.column("reject_reason").unique().to_pylist():
        rows = rejected.filter(pc.equal(rejected.column("reject_reason"), reason))
        rejects = fate.rejected.setdefault(reason, Rejects())
        rejects.records += rows.num_rows
        partitions, offsets = _numbers(rows, "kafka_partition"), _numbers(rows, "kafka_offset")
        for partition in np.unique(partitions).tolist():
            first = int(offsets[partitions == partition].min())
            rejects.firsts[partition] = min(first, rejects.firsts.get(partition, first))


def _first_of_each(rows: Any) -> Any:
    """Return of the rows, whose first columns are those of :data:`ORDER`, the first of each key."""
    ordered = rows[np.lexsort(rows.T[len(ORDER) - 1 :: -1])]
    is_first = np.ones(len(ordered), bool)
    is_first[1:] = ordered[1:, 0] != ordered[:-1, 0]
    return ordered[is_first]


def _numbers(piece: Any, column: str) -> Any:
    return piece.column(column).to_numpy(zero_copy_only=False)


def _at(partition: int) -> Any:
    import pyarrow.dataset as ds

    return ds.field("kafka_partition") == partition
