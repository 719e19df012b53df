"""Kafka against bronze: every offset is there, once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError
from pyspark.sql import Window
from pyspark.sql import functions as F

from audit.check import Check, compared, failed, number, unchecked
from audit.lake import PinnedLake
from lake.contracts.generations import Generation, read_generations
from lake.errors import LakeError, ServiceError, first_line
from lake.kafka_access import client_options, no_answer
from lake.settings import Settings
from spark.tables.delta import properties, snapshot

PATIENCE_MS = 5_000
MOST_RANGES = 10_000


class Source(NamedTuple):
    """A partition of one of the topics that bronze was read from: the first has generation 0."""

    generation: int
    partition: int


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
    topics = generations(lake)
    partitions = bronze_partitions(lake, topics)
    accepted = accepted_losses(lake.settings)
    now = len(topics) - 1
    checks = []
    kept: dict[int, Range] = {}
    try:
        topic_id, kept = kafka_offsets(lake.settings)
        if topic_id is None:
            checks.append(failed("Kafka: topic", f"there is no topic {lake.settings.kafka_topic}; see KAFKA_TOPIC"))
        elif topic_id != (topics[now].topic_id or topic_id):
            checks.append(failed("Kafka: topic", f"its id is {topic_id}, bronze was read from {topics[now].topic_id}"))
            kept = {}
    except ServiceError as error:
        checks.append(unchecked("Kafka: offsets", first_line(error)))
    read = {source: partition.offsets.last for source, partition in partitions.items()}
    if any(kept[partition].first > read.get(Source(now, partition), -1) + 1 for partition in kept):
        read |= _last_offsets(lake, topics)
    sources = sorted({*partitions, *(Source(now, partition) for partition in kept)})
    return [
        *(
            _check(
                f"Kafka: partition {source.partition}"
                + ("" if source.generation == now else f" of topic {source.generation + 1}"),
                partitions.get(source),
                kept.get(source.partition) if source.generation == now else None,
                topics[source.generation].starts.get(source.partition, 0),
                accepted.get(source, []),
                read.get(source, -1),
            )
            for source in sources
        ),
        *checks,
    ]


def generations(lake: PinnedLake) -> list[Generation]:
    """Return the topics that bronze was read from, oldest first; '' where the id was never written down."""
    return read_generations(properties(lake.session, lake.settings.bronze)) or [Generation("", 0, {})]


def bronze_partitions(lake: PinnedLake, topics: list[Generation]) -> dict[Source, Partition]:
    """Return what bronze holds of each partition of each topic; one Spark job."""
    first_batches = ", ".join(str(topic.first_batch) for topic in topics[1:])
    one = Window.partitionBy("generation", "kafka_partition").orderBy("kafka_offset")
    steps = (
        lake.bronze()
        .selectExpr(
            f"size(filter(array({first_batches}), first_batch -> batch >= first_batch)) as generation",
            *("kafka_partition", "kafka_offset"),
        )
        .withColumn("before", F.lag("kafka_offset").over(one))
    )
    is_gap = "kafka_offset > before + 1"
    gaps = f"collect_list(struct(before + 1 as first, kafka_offset - 1 as last)) filter (where {is_gap})"
    partitions = steps.groupBy("generation", "kafka_partition").agg(
        F.count("*").alias("rows"),
        F.min("kafka_offset").alias("first"),
        F.max("kafka_offset").alias("last"),
        F.expr("count_if(kafka_offset = before) as repeats"),
        F.expr("min(kafka_offset) filter (where kafka_offset = before) as first_repeat"),
        F.expr(f"slice(sort_array({gaps}), 1, {MOST_RANGES}) as missing"),
    )
    return {
        Source(row["generation"], row["kafka_partition"]): Partition(
            rows=row["rows"],
            offsets=Range(row["first"], row["last"]),
            repeats=row["repeats"],
            first_repeat=row["first_repeat"],
            gaps=[Range(gap["first"], gap["last"]) for gap in row["missing"]],
        )
        for row in partitions.collect()
    }


def _last_offsets(lake: PinnedLake, topics: list[Generation]) -> dict[Source, int]:
    """Return the last offset of each partition that bronze has by now.

    Kafka is rid of what bronze holds, and bronze may have gone on since it was pinned.
    """
    newest = replace(lake, bronze_version=snapshot(lake.session, lake.settings.bronze).version)
    return {source: partition.offsets.last for source, partition in bronze_partitions(newest, topics).items()}


def kafka_offsets(settings: Settings) -> tuple[str | None, dict[int, Range]]:
    """Return the topic's id and the offsets that Kafka still has of each partition; None where there is no such topic.

    Raises:
        ServiceError: the broker does not answer.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    name = settings.kafka_topic
    try:
        with closing(KafkaAdminClient(**client_options(settings), bootstrap_timeout_ms=PATIENCE_MS)) as admin:
            (topic,) = admin.describe_topics([name])
            if not topic["topic_id"]:
                return None, {}
            partitions = [TopicPartition(name, partition["partition_index"]) for partition in topic["partitions"]]
            first = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
            end = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    except KafkaError as error:
        raise no_answer(settings, error) from error
    return str(topic["topic_id"]), {
        source.partition: Range(int(first[source].offset), int(end[source].offset) - 1) for source in partitions
    }


def accepted_losses(settings: Settings) -> dict[Source, list[Range]]:
    """Return the offsets of each partition whose loss somebody has accepted, in ``<data>/accepted-losses.json``.

    Raises:
        LakeError: the file cannot be read.
    """
    path = settings.accepted_losses
    accepted: dict[Source, list[Range]] = {}
    try:
        losses: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
        for loss in losses:
            source = Source(int(loss["generation"]), int(loss["partition"]))
            accepted.setdefault(source, []).append(Range(int(loss["first"]), int(loss["last"])))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LakeError(f"{path} is not a list of losses ({error!r}); restore it, or move it away") from error
    return accepted


def without(missing: Iterable[Range], accepted: Iterable[Range]) -> list[Range]:
    """Return the missing offsets without the accepted ones."""
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


def _check(
    name: str, partition: Partition | None, kept: Range | None, start: int, accepted: list[Range], read: int
) -> Check:
    """Compare one partition, which was read from offset ``start`` on, and since the lake was pinned up to ``read``.

    ``kept`` is what Kafka still has, None where Kafka was not asked or no longer has the topic.
    """
    partition = partition or Partition(0, Range(start, start - 1), 0, None, [])
    first, last = partition.offsets.first, partition.offsets.last
    oldest = min(start, first)
    missing = [*([Range(oldest, first - 1)] if oldest < first else []), *partition.gaps]
    lost = without(missing, accepted)
    excused = sum(gap.count for gap in missing) - sum(gap.count for gap in lost)
    unread = max(last, read) + 1
    if kept and kept.first > unread:
        lost += without([Range(unread, kept.first - 1)], accepted)
    expected = last - oldest + 1 - excused
    notes = []
    problem = ""
    if partition.repeats:
        problem = f"{number(partition.repeats, 'row')} repeat an offset, the first {partition.first_repeat}"
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
        name, f"{number(expected, 'record')} up to bronze", number(partition.rows, "row"), problem, "; ".join(notes)
    )


def _unread(waiting: int) -> str:
    return f"{number(waiting, 'record')} not read yet" if waiting > 0 else ""
