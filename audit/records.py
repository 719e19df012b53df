"""Kafka against bronze: every offset is there, once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from audit.check import Check, compared, failed, number, unchecked
from audit.lake import PinnedLake
from lake.errors import LakeError, ServiceError, first_line
from lake.settings import Settings
from spark.tables.delta import properties

PATIENCE_MS = 5_000
MOST_RANGES = 10_000
TOPICS = "weblake.topics"
"""Bronze's property: the topics that it was read from, in order; offsets begin anew with each (a "generation")."""

Place = tuple[int, int]
"""A generation and a partition."""


@dataclass(frozen=True)
class Range:
    """Offsets from ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """Number of offsets."""
        return max(0, self.last - self.first + 1)

    def __str__(self) -> str:
        return f"{self.first}" if self.count == 1 else f"{self.first} to {self.last}"


@dataclass(frozen=True)
class Partition:
    """One partition in bronze: its rows, first and last offset, how often an offset is repeated, and the gaps."""

    rows: int
    offsets: Range
    repeats: int
    first_repeat: int | None
    gaps: list[Range]


@dataclass(frozen=True)
class Generation:
    """A topic that bronze was read from: from which batch on, and at which offset of each partition (else 0)."""

    topic_id: str
    first_batch: int
    starts: dict[int, int]


def check_records(lake: PinnedLake) -> list[Check]:
    """Compare bronze's offsets with themselves and with Kafka's; what bronze has not read yet is no failure."""
    known = generations(lake)
    found = bronze_partitions(lake, known)
    accepted = accepted_losses(lake.settings)
    now = len(known) - 1
    checks = []
    kept: dict[int, Range] = {}
    try:
        topic_id, kept = kafka_offsets(lake.settings)
        if topic_id is None:
            checks.append(failed("Kafka: topic", f"there is no topic {lake.settings.kafka_topic}; see KAFKA_TOPIC"))
        elif topic_id != (known[now].topic_id or topic_id):
            checks.append(failed("Kafka: topic", f"its id is {topic_id}, bronze was read from {known[now].topic_id}"))
            kept = {}
    except ServiceError as error:
        checks.append(unchecked("Kafka: offsets", first_line(error)))
    places = sorted({*found, *((now, partition) for partition in kept)})
    return [
        *(
            _check(
                f"Kafka: partition {partition}" + ("" if generation == now else f" of topic {generation + 1}"),
                found.get((generation, partition)),
                kept.get(partition) if generation == now else None,
                known[generation].starts.get(partition, 0),
                accepted.get((generation, partition), []),
            )
            for generation, partition in places
        ),
        *checks,
    ]


def generations(lake: PinnedLake) -> list[Generation]:
    """Return the topics that bronze was read from, the first first, '' where that was never written down."""
    told = json.loads(properties(lake.session, lake.settings.bronze).get(TOPICS, "[]"))
    return [
        Generation(topic["topic_id"], topic["first_batch"], {int(place): n for place, n in topic["starts"].items()})
        for topic in told
    ] or [Generation("", 0, {})]


def bronze_partitions(lake: PinnedLake, known: list[Generation]) -> dict[Place, Partition]:
    """Return what bronze holds of each partition of each topic; one Spark job."""
    first_batches = ", ".join(str(generation.first_batch) for generation in known[1:])
    query = f"""
        with positions as (
            select size(filter(array({first_batches}), first_batch -> batch >= first_batch)) as generation,
                kafka_partition, kafka_offset
            from {{bronze}}
        ),
        steps as (
            select *, lag(kafka_offset) over (
                partition by generation, kafka_partition order by kafka_offset
            ) as before
            from positions
        )
        select generation, kafka_partition, count(*) as rows, min(kafka_offset) as first, max(kafka_offset) as last,
            count_if(kafka_offset = before) as repeats,
            min(kafka_offset) filter (where kafka_offset = before) as first_repeat,
            count_if(kafka_offset > before + 1) as gaps,
            slice(sort_array(collect_list(struct(before + 1 as first, kafka_offset - 1 as last))
                filter (where kafka_offset > before + 1)), 1, {MOST_RANGES}) as missing
        from steps
        group by generation, kafka_partition
    """
    positions = lake.bronze().select("batch", "kafka_partition", "kafka_offset")
    return {
        (row["generation"], row["kafka_partition"]): Partition(
            rows=row["rows"],
            offsets=Range(row["first"], row["last"]),
            repeats=row["repeats"],
            first_repeat=row["first_repeat"],
            gaps=[Range(gap["first"], gap["last"]) for gap in row["missing"]],
        )
        for row in lake.session.sql(query, bronze=positions).collect()
    }


def kafka_offsets(settings: Settings) -> tuple[str | None, dict[int, Range]]:
    """Return the topic's id and the offsets that Kafka still has of each partition; None where there is no such topic.

    Raises:
        ServiceError: the broker does not answer.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    servers, name = settings.kafka_bootstrap_servers, settings.kafka_topic
    try:
        with closing(KafkaAdminClient(bootstrap_servers=servers, bootstrap_timeout_ms=PATIENCE_MS)) as admin:
            (topic,) = admin.describe_topics([name])
            if not topic["topic_id"]:
                return None, {}
            places = [TopicPartition(name, partition["partition_index"]) for partition in topic["partitions"]]
            first = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
            end = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    except KafkaError as error:
        raise ServiceError(f"Kafka at {servers} does not answer: {first_line(error)}") from error
    ranges = {place.partition: Range(int(first[place].offset), int(end[place].offset) - 1) for place in places}
    return str(topic["topic_id"]), ranges


def accepted_losses(settings: Settings) -> dict[Place, list[Range]]:
    """Return the offsets of each partition whose loss somebody has accepted, in ``<data>/accepted-losses.json``.

    Raises:
        LakeError: the file cannot be read.
    """
    path = settings.accepted_losses
    accepted: dict[Place, list[Range]] = {}
    try:
        losses: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
        for loss in losses:
            place = (int(loss["generation"]), int(loss["partition"]))
            accepted.setdefault(place, []).append(Range(int(loss["first"]), int(loss["last"])))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LakeError(f"{path} is no list of losses ({error!r}); restore it, or move it away") from error
    return accepted


def without(missing: Iterable[Range], accepted: Iterable[Range]) -> list[Range]:
    """Return what is left of the missing offsets when the accepted ones are taken out."""
    left = list(missing)
    for loss in accepted:
        pieces = [
            piece
            for gap in left
            for piece in (
                Range(gap.first, min(gap.last, loss.first - 1)),
                Range(max(gap.first, loss.last + 1), gap.last),
            )
        ]
        left = [piece for piece in dict.fromkeys(pieces) if piece.count]
    return left


def _check(name: str, found: Partition | None, kept: Range | None, start: int, accepted: list[Range]) -> Check:
    """Compare one partition, which was read from offset ``start`` on.

    ``kept`` is what Kafka still has, None where Kafka was not asked or no longer has the topic.
    """
    found = found or Partition(0, Range(start, start - 1), 0, None, [])
    first, last = found.offsets.first, found.offsets.last
    oldest = min(start, first)
    missing = [*([Range(oldest, first - 1)] if oldest < first else []), *found.gaps]
    lost = without(missing, accepted)
    excused = sum(gap.count for gap in missing) - sum(gap.count for gap in lost)
    if kept and kept.first > last + 1:
        lost += without([Range(last + 1, kept.first - 1)], accepted)
    expected = last - oldest + 1 - excused
    notes = []
    problem = ""
    if found.repeats:
        problem = f"{number(found.repeats, 'row')} repeat an offset, the first {found.first_repeat}"
    elif lost:
        more = f" and {number(len(lost) - 1, 'more range')}" if len(lost) > 1 else ""
        problem = f"offsets {lost[0]}{more} are not in bronze"
    elif kept and kept.last < last:
        problem = f"bronze has offsets up to {last}, Kafka only up to {kept.last}: is this the topic it was read from?"
    elif kept:
        removed, waiting = min(kept.first, last + 1) - oldest, kept.last - max(last, kept.first - 1)
        notes = [f"{number(removed, 'record')} removed by retention" if removed > 0 else "", _unread(waiting)]
        notes = [note for note in notes if note]
    if oldest and not problem:
        notes.append(f"bronze began at offset {oldest}")
    if excused:
        notes.append(f"{number(excused, 'record')} accepted as lost")
    return compared(
        name, f"{number(expected, 'record')} up to bronze", number(found.rows, "row"), problem, "; ".join(notes)
    )


def _unread(waiting: int) -> str:
    return f"{number(waiting, 'record')} not read yet" if waiting > 0 else ""
