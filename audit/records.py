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
from audit.gaps import with_last_batch
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
    """One partition in bronze: its rows, first and last offset, how often an offset is repeated, and the gaps.

    Of the gaps, the first ``MOST_RANGES`` are listed; ``missing`` counts the offsets of all.
    """

    rows: int
    offsets: Range
    repeats: int
    first_repeat: int | None
    gaps: list[Range]
    missing: int


class Passed(NamedTuple):
    """Where bronze began with a partition, and how many offsets have no row: ``empty`` had no record, ``gone`` had one.

    ``end``, exclusive, is where bronze had come to with the last of either; 0 where there is none.
    """

    start: int
    end: int
    empty: int
    gone: int

    @classmethod
    def of(cls, topic: Generation, partition: int) -> Passed:
        """Return it as bronze has noted it."""
        return cls(*(of.get(partition, 0) for of in (topic.starts, topic.passed, topic.empty, topic.gone)))


def check_records(lake: PinnedLake) -> list[Check]:
    """Compare bronze's offsets with themselves and with Kafka's; what bronze has not read yet is no failure."""
    topics = generations(lake)
    if topics[-1].noted_batch > lake.bronze_version:  # bronze has gone on since it was pinned
        lake = replace(lake, bronze_version=snapshot(lake.session, lake.settings.bronze).version)
        topics = generations(lake)
    topics[-1] = with_last_batch(lake, topics[-1])
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
    gone = (Source(number, partition) for number, topic in enumerate(topics) for partition in topic.gone)
    sources = sorted({*partitions, *gone, *(Source(now, partition) for partition in kept)})
    return [
        *(
            _check(
                f"Kafka: partition {source.partition}"
                + ("" if source.generation == now else f" of topic {source.generation + 1}"),
                partitions.get(source),
                kept.get(source.partition) if source.generation == now else None,
                Passed.of(topics[source.generation], source.partition),
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
        F.expr(f"slice(sort_array({gaps}), 1, {MOST_RANGES}) as gaps"),
        F.expr(f"coalesce(sum(kafka_offset - before - 1) filter (where {is_gap}), 0) as missing"),
    )
    return {
        Source(row["generation"], row["kafka_partition"]): Partition(
            rows=row["rows"],
            offsets=Range(row["first"], row["last"]),
            repeats=row["repeats"],
            first_repeat=row["first_repeat"],
            gaps=[Range(gap["first"], gap["last"]) for gap in row["gaps"]],
            missing=row["missing"],
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
            latest = dict.fromkeys(partitions, OffsetSpec.LATEST)
            end = admin.list_partition_offsets(latest, isolation_level="read_committed")
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
    name: str, partition: Partition | None, kept: Range | None, passed: Passed, accepted: list[Range], read: int
) -> Check:
    """Compare one partition with what bronze has passed by, and since the lake was pinned has read up to ``read``.

    ``kept`` is what Kafka still has, None where Kafka was not asked or no longer has the topic.
    """
    start = passed.start
    partition = partition or Partition(0, Range(start, start - 1), 0, None, [], 0)
    first, last = partition.offsets.first, max(partition.offsets.last, passed.end - 1)
    oldest = min(start, first)
    outer = [gap for gap in (Range(oldest, first - 1), Range(partition.offsets.last + 1, last)) if gap.count]
    missing = sorted([*outer, *partition.gaps], key=lambda gap: gap.first)
    lost = without(missing, accepted)
    excused = _count(missing) - _count(lost)
    unexplained = _count(outer) + partition.missing - excused - passed.empty - passed.gone
    lost = lost if unexplained else []
    unread = max(last, read) + 1
    if kept and kept.first > unread:
        lost += without([Range(unread, kept.first - 1)], accepted)
    problem = _problem(partition, lost, passed, unexplained)
    if kept and not problem and kept.last < last:
        problem = f"bronze has offsets up to {last}, Kafka only up to {kept.last}: is this the topic it was read from?"
    notes = _of_kafka(kept, oldest, last) if kept and not problem else []
    if oldest and not problem:
        notes.append(f"bronze began at offset {oldest}")
    if passed.empty and not problem:
        notes.append(f"{number(passed.empty, 'offset')} without a record: ends of transactions, and what was aborted")
    if passed.gone and not problem:
        notes.append(f"{number(passed.gone, 'row')} gone with the days before the horizon")
    if excused:
        notes.append(f"{number(excused, 'record')} accepted as lost")
    left = f"{number(last - oldest + 1 - excused - passed.empty - passed.gone, 'record')} up to bronze"
    return compared(name, left, number(partition.rows, "row"), problem, "; ".join(notes))


def _problem(partition: Partition, lost: list[Range], passed: Passed, unexplained: int) -> str:
    """Return what is wrong with bronze's offsets; empty if nothing is."""
    if partition.repeats:
        return f"{number(partition.repeats, 'row')} repeat an offset, the first {partition.first_repeat}"
    if lost:
        more = f" and {number(len(lost) - 1, 'more range')}" if len(lost) > 1 else ""
        known = {"held no record when bronze read them": passed.empty, "went with their days": passed.gone}
        only = " and ".join(f"{count:,} {what}" for what, count in known.items() if count)
        only = f", of which only {only}" if only else ""
        return f"offsets {lost[0]}{more} are not in bronze{only}"
    if unexplained:
        what = "have no row any more" if passed.gone else "held no record when bronze read them"
        return f"{passed.empty + passed.gone:,} offsets {what}, of which some have a row now"
    return ""


def _of_kafka(kept: Range, oldest: int, last: int) -> list[str]:
    """Return what Kafka no longer has of the offsets from ``oldest`` on, and what it has after bronze's ``last``."""
    removed, waiting = min(kept.first, last + 1) - oldest, kept.last - max(last, kept.first - 1)
    notes = {
        f"{number(removed, 'record')} removed by retention": removed,
        f"{number(waiting, 'record')} not read yet": waiting,
    }
    return [note for note, count in notes.items() if count > 0]


def _count(ranges: Iterable[Range]) -> int:
    return sum(gap.count for gap in ranges)
