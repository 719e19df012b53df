"""The topics that bronze was read from, in order: each begins a *generation*, in which offsets are counted anew.

Bronze's table property ``weblake.topics`` holds them. A row's coordinates are (generation, partition, offset); its
generation follows from its batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

TOPICS_PROPERTY = "weblake.topics"


@dataclass(frozen=True)
class Generation:
    """A topic that bronze reads: from which batch on, and the offset of each partition that it began at (else 0).

    Not every offset is a record's: in a topic with transactions, some are those of their ends and of what was aborted.
    """

    topic_id: str
    first_batch: int
    starts: Mapping[int, int]
    noted_batch: int = -1
    """The last batch that had offsets without a record; -1 before the first."""
    ends: Mapping[int, int] = field(default_factory=dict)
    """The offset of each partition that bronze had come to with the last such batch."""
    empty: Mapping[int, int] = field(default_factory=dict)
    """How many offsets of each partition bronze has passed by that held no record."""
    gone: Mapping[int, int] = field(default_factory=dict)
    """How many rows of each partition have gone with the days before the horizon: see :mod:`lake.contracts.horizon`."""
    gone_ends: Mapping[int, int] = field(default_factory=dict)
    """The offset of each partition after the last of those rows."""

    def with_batch(self, batch: int, ends: Mapping[int, int], empty: Mapping[int, int]) -> Generation:
        """Add a batch: the offsets that it came to, and how many of each partition held no record."""
        sums = {partition: self.empty.get(partition, 0) + number for partition, number in empty.items()}
        return replace(self, noted_batch=batch, ends={**self.ends, **ends}, empty={**self.empty, **sums})

    def without_rows(self, rows: Mapping[int, int], ends: Mapping[int, int]) -> Generation:
        """Note rows that go: how many of each partition, and the offset after the last of them."""
        gone = {partition: self.gone.get(partition, 0) + number for partition, number in rows.items()}
        last = {partition: max(end, self.gone_ends.get(partition, 0)) for partition, end in ends.items()}
        return replace(self, gone={**self.gone, **gone}, gone_ends={**self.gone_ends, **last})

    @property
    def passed(self) -> dict[int, int]:
        """The offset of each partition up to which bronze has come, whatever its rows say."""
        return {
            partition: max(self.ends.get(partition, 0), self.gone_ends.get(partition, 0))
            for partition in {**self.ends, **self.gone_ends}
        }


def read_generations(properties: Mapping[str, str]) -> list[Generation]:
    """Return the topics that a table's properties tell of, oldest first; none before the first was read."""
    contents: list[dict[str, Any]] = json.loads(properties.get(TOPICS_PROPERTY, "[]"))
    return [
        Generation(
            topic_id=fields["topic_id"],
            first_batch=fields["first_batch"],
            starts=_by_partition(fields["starts"]),
            noted_batch=fields.get("noted_batch", -1),
            ends=_by_partition(fields.get("ends", {})),
            empty=_by_partition(fields.get("empty", {})),
            gone=_by_partition(fields.get("gone", {})),
            gone_ends=_by_partition(fields.get("gone_ends", {})),
        )
        for fields in contents
    ]


def as_property(generations: Iterable[Generation]) -> dict[str, str]:
    """Return the table property that tells of the topics."""
    return {TOPICS_PROPERTY: json.dumps([asdict(generation) for generation in generations])}


def _by_partition(numbers: Mapping[str, int]) -> dict[int, int]:
    return {int(partition): number for partition, number in numbers.items()}
