"""Offsets that hold no record, by what bronze has noted of its batches: how many of each partition may be missing."""

from __future__ import annotations

import json
from typing import Any

from audit.lake import PinnedLake
from lake.contracts.generations import Generation
from lake.errors import LakeError
from spark.tables.delta import commit_actions

COMMITS_BACK = 20
"""So many commits lie, at most, between bronze's last batch and its note of that batch."""


def with_last_batch(lake: PinnedLake, topic: Generation) -> Generation:
    """Return what bronze has noted of the topic that it reads, its last batch included, if it has just been written."""
    for batch in range(lake.bronze_version, max(topic.noted_batch, lake.bronze_version - COMMITS_BACK), -1):
        try:
            actions = commit_actions(lake.session, lake.settings.bronze, batch)
        except LakeError:
            return topic
        note = _note(actions)
        if note is not None:
            return topic if batch < topic.first_batch else _with_batch(lake, topic, batch, note, _records(actions))
    return topic


def _with_batch(
    lake: PinnedLake, topic: Generation, batch: int, note: dict[str, dict[str, int]], records: int
) -> Generation:
    """Add a batch of so many records, if they are fewer than the offsets from which to which it has read."""
    number = {int(name): end - note["from"].get(name, 0) for name, end in note["to"].items()}
    if sum(number.values()) == records:
        return topic
    rows = lake.bronze().filter(f"batch = {batch}").groupBy("kafka_partition").count().collect()
    here = {row["kafka_partition"]: row["count"] for row in rows}
    if sum(here.values()) != records:  # rows of it are lost: it is no evidence
        return topic
    ends = {int(name): end for name, end in note["to"].items()}
    return topic.with_batch(
        batch, ends, {partition: count - here.get(partition, 0) for partition, count in number.items()}
    )


def _note(actions: list[dict[str, Any]]) -> dict[str, dict[str, int]] | None:
    texts = (action["commitInfo"].get("userMetadata") or "" for action in actions if "commitInfo" in action)
    return next((json.loads(text) for text in texts if text.startswith('{"from"')), None)


def _records(actions: list[dict[str, Any]]) -> int:
    return sum(json.loads(action["add"]["stats"])["numRecords"] for action in actions if "add" in action)
