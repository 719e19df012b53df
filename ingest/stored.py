"""Which offsets of the topic are ours, kept as ranges: neighbours in a file become neighbours in Kafka."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping

from lake.fates import Places

MOST_RANGES = 500_000
"""So many ranges are kept: an import of what is still being written never ends, and others send meanwhile."""


class StoredOffsets:
    """Offsets of records that Kafka has acknowledged, in the order in which each partition got them."""

    def __init__(self) -> None:
        self._ranges: dict[int, list[tuple[int, int]]] = {}
        self._pieces = 0
        self._since_ms: int | None = None
        self.number = 0
        """How many there are."""
        self.unknown = 0
        """Records that are stored, and nobody knows where: Kafka had them from an earlier try, or they are too many."""

    @property
    def ends(self) -> dict[int, int]:
        """Partition -> the offset after the last."""
        return {partition: own[-1][1] + 1 for partition, own in self._ranges.items()}

    @property
    def places(self) -> Places:
        """The same for whoever looks for them in bronze."""
        return Places(self._ranges, dt.datetime.fromtimestamp((self._since_ms or 0) / 1000, dt.timezone.utc))

    def add(self, partition: int, offset: int, at_ms: int) -> None:
        """Take note of a record, and of when Kafka got it; ``offset`` is negative where it is not known."""
        self.number += 1
        if self._since_ms is None or at_ms < self._since_ms:
            self._since_ms = at_ms
        own = self._ranges.get(partition, [])
        if own and own[-1][1] + 1 == offset:
            own[-1] = (own[-1][0], offset)
        elif offset < 0 or self._pieces == MOST_RANGES:
            self.unknown += 1
        else:
            self._ranges.setdefault(partition, []).append((offset, offset))
            self._pieces += 1

    def before(self, ends: Mapping[int, int]) -> int:
        """Return how many of the records stand before these offsets, by partition."""
        return sum(_before(own, ends.get(partition, 0)) for partition, own in self._ranges.items())


def _before(own: list[tuple[int, int]], end: int) -> int:
    whole = bisect_right(own, (end, -1))
    return sum(min(last + 1, end) - first for first, last in own[:whole])
