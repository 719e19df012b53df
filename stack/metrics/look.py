"""What the lookout saw last, as metrics: the stack's state, Kafka's offsets, the stages, the disks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import Metric

from lake.contracts.history import State
from lake.kafka_access import broker_log
from lake.settings import Settings
from lake.space import existing
from stack.health.state import problems, state_of
from stack.metrics.families import gauge, single
from stack.status import Status


def state(_: Settings, seen: Status | None) -> Iterator[Metric]:
    """Yield how the stack is, as ``weblake status`` says it."""
    if seen is None:
        return
    now = state_of(seen)
    states = {one.value: float(one is now) for one in State if one is not State.UNSEEN}
    yield gauge("weblake_state", "1 for the state that the stack is in, 0 for the others", states, "state")
    yield single("weblake_problems", "Sentences with which `make status` says what is wrong", len(problems(seen)))
    yield single("weblake_look_timestamp_seconds", "When the stack was last looked at", seen.looked_at)


def kafka(settings: Settings, seen: Status | None) -> Iterator[Metric]:
    """Yield how far the topic reaches, and what is expected of its senders."""
    removes = float(broker_log(settings) is None)
    meaning = "1 where the broker removes records by size or age, whether or not they were read"
    yield single("weblake_kafka_removes_unread_records", meaning, removes)
    if seen is None:
        return
    starts, ends = ({str(one): at for one, at in offsets.items()} for offsets in (seen.start_offsets, seen.end_offsets))
    yield gauge("weblake_kafka_start_offset", "Oldest offset that Kafka still has", starts, "partition")
    yield gauge("weblake_kafka_end_offset", "Offset of the next record that comes", ends, "partition")
    yield single("weblake_record_age_seconds", "How long ago the newest record came", seen.record_age_seconds)
    meaning = "How long no record may come; none where it does not matter"
    yield single("weblake_record_age_limit_seconds", meaning, seen.most_silent_seconds)


def stages(_: Settings, seen: Status | None) -> Iterator[Metric]:
    """Yield how far each stage of the stream is behind, and the versions that everything stands at."""
    if seen is None:
        return
    rows = {stage.name: float(stage.lag_rows) for stage in seen.stages}
    seconds = {stage.name: stage.lag_seconds for stage in seen.stages}
    yield gauge("weblake_stage_lag_rows", "Rows that wait for the stage", rows, "stage")
    yield gauge("weblake_stage_lag_seconds", "How long the oldest of them has waited", seconds, "stage")
    yield single("weblake_ledger_version", "Version of the ledger", _version(seen.ledger_version))
    yield single("weblake_bookmark_version", "Version of the ledger that PostgreSQL holds", _version(seen.bookmark))


def _version(version: int | None) -> int | None:
    return None if version == -1 else version


def disks(settings: Settings, _: Status | None) -> Iterator[Metric]:
    """Yield the size and the free bytes of the disk of each folder that Weblake fills."""
    folders = {"data": settings.data, "charts": settings.charts}
    if "://" not in settings.lake_root:
        folders["lake"] = Path(settings.lake_root)
    usage = {name: shutil.disk_usage(existing(path)) for name, path in folders.items()}
    sizes = {name: float(one.total) for name, one in usage.items()}
    free = {name: float(one.free) for name, one in usage.items()}
    yield gauge("weblake_disk_size_bytes", "Size of the disk that the folder is on", sizes, "folder")
    yield gauge("weblake_disk_free_bytes", "Free bytes of that disk", free, "folder")
    limit = settings.min_free_mb * 1024 * 1024
    yield single("weblake_disk_free_limit_bytes", "With less than that free, programs wait", limit)
