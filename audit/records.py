"""Kafka against bronze: every offset is there, once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from audit.check import Check, compared, failed, first_line, number, unchecked
from audit.lake import PinnedLake
from lake.errors import LakeError, ServiceError
from lake.settings import Settings

PATIENCE_MS = 5_000
MOST_RANGES = 10_000
ACCEPTED_LOSSES = "accepted-losses.json"


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


def check_records(lake: PinnedLake) -> list[Check]:
    """Compare bronze's offsets with themselves and with Kafka's; what bronze has not read yet is no failure."""
    partitions = bronze_partitions(lake)
    accepted = accepted_losses(lake.settings)
    try:
        kept = kafka_offsets(lake.settings)
    except ServiceError as error:
        checks = [_check(number_, found, None, accepted.get(number_, [])) for number_, found in partitions.items()]
        return [*checks, unchecked("Kafka: offsets", first_line(error))]
    if not kept:
        return [failed("Kafka: offsets", f"there is no topic {lake.settings.kafka_topic}; see KAFKA_TOPIC")]
    return [
        _check(number_, partitions.get(number_), kept.get(number_, Range(0, -1)), accepted.get(number_, []))
        for number_ in sorted({*partitions, *kept})
    ]


def bronze_partitions(lake: PinnedLake) -> dict[int, Partition]:
    """Return what bronze holds of each partition of the topic; one Spark job."""
    query = f"""
        with steps as (
            select kafka_partition, kafka_offset,
                lag(kafka_offset) over (partition by kafka_partition order by kafka_offset) as before
            from {{bronze}}
        )
        select kafka_partition, count(*) as rows, min(kafka_offset) as first, max(kafka_offset) as last,
            count_if(kafka_offset = before) as repeats,
            min(kafka_offset) filter (where kafka_offset = before) as first_repeat,
            count_if(kafka_offset > before + 1) as gaps,
            slice(sort_array(collect_list(struct(before + 1 as first, kafka_offset - 1 as last))
                filter (where kafka_offset > before + 1)), 1, {MOST_RANGES}) as missing
        from steps
        group by kafka_partition
        order by kafka_partition
    """
    positions = lake.bronze().select("kafka_partition", "kafka_offset")
    return {
        row["kafka_partition"]: Partition(
            rows=row["rows"],
            offsets=Range(row["first"], row["last"]),
            repeats=row["repeats"],
            first_repeat=row["first_repeat"],
            gaps=[Range(gap["first"], gap["last"]) for gap in row["missing"]],
        )
        for row in lake.session.sql(query, bronze=positions).collect()
    }


def kafka_offsets(settings: Settings) -> dict[int, Range]:
    """Return the offsets that Kafka still has of each partition; empty where there is no such topic.

    Raises:
        ServiceError: the broker does not answer.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    servers = settings.kafka_bootstrap_servers
    try:
        with closing(KafkaConsumer(bootstrap_servers=servers, bootstrap_timeout_ms=PATIENCE_MS)) as consumer:
            numbers = consumer.partitions_for_topic(settings.kafka_topic) or set()
            places = [TopicPartition(settings.kafka_topic, partition) for partition in sorted(numbers)]
            first, end = consumer.beginning_offsets(places), consumer.end_offsets(places)
    except KafkaError as error:
        raise ServiceError(f"Kafka at {servers} does not answer: {first_line(error)}") from error
    return {place.partition: Range(int(first[place]), int(end[place]) - 1) for place in places}


def accepted_losses(settings: Settings) -> dict[int, list[Range]]:
    """Return the offsets of each partition whose loss somebody has accepted, in ``<data>/accepted-losses.json``.

    Raises:
        LakeError: the file cannot be read.
    """
    path = settings.data / ACCEPTED_LOSSES
    accepted: dict[int, list[Range]] = {}
    try:
        losses: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
        for loss in losses:
            accepted.setdefault(int(loss["partition"]), []).append(Range(int(loss["first"]), int(loss["last"])))
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


def _check(partition: int, found: Partition | None, kept: Range | None, accepted: list[Range]) -> Check:
    """Compare one partition; ``kept`` is what Kafka still has, None where Kafka was not asked."""
    name = f"Kafka: partition {partition}"
    if found is None:
        waiting = kept.count if kept else 0
        return compared(name, f"{number(0, 'record')} up to bronze", "0 rows", "", _unread(waiting))
    last = found.offsets.last
    # Kafka's oldest records may have gone before bronze ever saw one; what it still has, bronze must have.
    oldest = min(found.offsets.first, kept.first) if kept else found.offsets.first
    missing = [*([Range(oldest, found.offsets.first - 1)] if oldest < found.offsets.first else []), *found.gaps]
    lost = without(missing, accepted)
    excused = sum(gap.count for gap in missing) - sum(gap.count for gap in lost)
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
        notes = [f"{number(max(0, kept.first - oldest), 'record')} removed by retention", _unread(kept.last - last)]
        notes = [note for note in notes if note and not note.startswith("0 ")]
    if oldest and not problem:
        notes.append(f"bronze began at offset {oldest}")
    if excused:
        notes.append(f"{number(excused, 'record')} accepted as lost")
    return compared(
        name, f"{number(expected, 'record')} up to bronze", number(found.rows, "row"), problem, "; ".join(notes)
    )


def _unread(waiting: int) -> str:
    return f"{number(waiting, 'record')} not read yet" if waiting > 0 else ""
