"""The topics that bronze was read from, in order: each begins a *generation*, in which offsets are counted anew.

Bronze's table property ``weblake.topics`` holds them. A row's coordinates are (generation, partition, offset); its
generation follows from its batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

TOPICS_PROPERTY = "weblake.topics"


@dataclass(frozen=True)
class Generation:
    """A topic that bronze reads: from which batch on, and the offset of each partition that it began at (else 0)."""

    topic_id: str
    first_batch: int
    starts: Mapping[int, int]


def read_generations(properties: Mapping[str, str]) -> list[Generation]:
    """Return the topics that a table's properties tell of, oldest first; none before the first was read."""
    contents: list[dict[str, Any]] = json.loads(properties.get(TOPICS_PROPERTY, "[]"))
    return [
        Generation(
            topic_id=fields["topic_id"],
            first_batch=fields["first_batch"],
            starts={int(partition): offset for partition, offset in fields["starts"].items()},
        )
        for fields in contents
    ]


def as_property(generations: Iterable[Generation]) -> dict[str, str]:
    """Return the table property that tells of the topics."""
    return {TOPICS_PROPERTY: json.dumps([asdict(generation) for generation in generations])}
