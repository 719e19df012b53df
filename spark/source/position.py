"""Where bronze stands in its topic, and whether it may go on from there.

Bronze itself says how far it has come: the next offset of a partition is the one after the last that bronze holds, or
after those without a record that it has passed by (:mod:`spark.source.gaps`). So there is no checkpoint beside the
table that could be lost, damaged or out of step.

Bronze's table properties say which topic it was read from. A topic that somebody deleted and made again has another id:
its records are other records at the same offsets. Going on with it begins a new generation: see
:mod:`lake.contracts.generations`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.contracts.generations import Generation, as_property, read_generations
from lake.contracts.refusals import Loss, NewTopic, Refusal
from lake.errors import RefusedError
from lake.settings import Settings
from spark.source.acceptance import accepted_losses, accepted_topic
from spark.source.topic import Offsets, Topic, TopicState
from spark.tables.delta import properties, set_properties, snapshot

log = logging.getLogger(__name__)


class Position:
    """The next offset of each partition."""

    def __init__(self, session: SparkSession, settings: Settings, topic: Topic) -> None:
        """Start with nothing read."""
        self._session = session
        self._settings = settings
        self._topic = topic
        self._read: Offsets | None = None

    @property
    def is_known(self) -> bool:
        """Whether the offsets are set, and no write has begun since."""
        return self._read is not None

    def is_at(self, read: Offsets) -> None:
        """Set the offsets, exclusive, up to which bronze holds the topic."""
        self._read = read

    def forget(self) -> None:
        """Forget the offsets: a write begins, and an error may hide its outcome."""
        self._read = None

    def in_topic(self, now: TopicState) -> Offsets:
        """Return the next offset of each partition that the topic has now; what bronze holds must be known.

        Raises:
            RefusedError: this is another topic, or it has lost records, and nobody has accepted that.
        """
        history = generations(self._session, self._settings)
        if not history:
            history = self._begin(history, now.topic_id, now.begins)
        offsets = self._next(history, now)
        if history[-1].topic_id != now.topic_id or _rewound(offsets, now):
            self._require_accepted_topic(history, offsets, now)
            history = self._begin(history, now.topic_id, self._starts_again(history, now))
            offsets = self._next(history, now)
        losses = [
            Loss(len(history) - 1, partition, offset, now.begins[partition] - 1)
            for partition, offset in offsets.items()
            if offset < now.begins[partition]
        ]
        if losses:
            raise RefusedError(
                f"Kafka has removed records of topic {self._settings.kafka_topic!r} that bronze has not read: "
                f"{'; '.join(map(str, losses))}; run `make accept-loss` to go on without them",
                Refusal(losses=tuple(losses)),
            )
        return offsets

    def _next(self, history: list[Generation], now: TopicState) -> Offsets:
        read = {**history[-1].starts, **(self._read or {})}
        losses = [loss for loss in accepted_losses(self._settings) if loss.generation == len(history) - 1]
        return {partition: _after_losses(partition, read.get(partition, 0), losses) for partition in now.ends}

    def _require_accepted_topic(self, history: list[Generation], offsets: Offsets, now: TopicState) -> None:
        topic = NewTopic(now.topic_id, len(history))
        if accepted_topic(self._settings) == topic:
            return
        name, last = self._settings.kafka_topic, history[-1]
        if last.topic_id != now.topic_id:
            ids = f"its id is {now.topic_id}, not {last.topic_id}"
            what = f"topic {name!r} was deleted and made again, or is another topic: {ids}"
        else:
            what = f"Kafka has lost records of topic {name!r} that bronze holds: {_rewound(offsets, now)}"
        raise RefusedError(
            f"{what}; correct KAFKA_TOPIC or KAFKA_BOOTSTRAP_SERVERS, or run `make accept-topic` to append its new "
            "records",
            Refusal(topic=topic),
        )

    def _starts_again(self, history: list[Generation], now: TopicState) -> Offsets:
        """Return where to go on: at the beginning, or with a topic that bronze knows, after what bronze has of it.

        Where Kafka has lost records, it gives their offsets to new ones: then the time of appending tells them apart.
        """
        indexes = [index for index, generation in enumerate(history) if generation.topic_id == now.topic_id]
        if not indexes:
            return now.begins
        generation, *after = history[indexes[-1] :]
        end = after[0].first_batch if after else None
        last = last_records(self._session, self._settings, generation.first_batch, end)
        newest = {partition: appended for partition, (_, appended) in last.items() if partition in now.ends}
        later = self._topic.after(newest)
        passed = generation.passed
        offsets = {**generation.starts, **passed}
        for partition, (offset, _) in last.items():
            offsets[partition] = max(offset + 1, passed.get(partition, 0))
        return {
            partition: min(offsets.get(partition, 0), later.get(partition, end)) for partition, end in now.ends.items()
        }

    def _begin(self, history: list[Generation], topic_id: str, starts: Offsets) -> list[Generation]:
        """Write down that bronze goes on with another topic, or begins with its first."""
        first_batch = snapshot(self._session, self._settings.bronze).version + 1 if history else 0
        longer = [*history, Generation(topic_id, first_batch, starts)]
        set_properties(self._session, self._settings.bronze, as_property(longer))
        if history:
            self._read = {}
        log.info("bronze reads topic %s from batch %d on", topic_id, first_batch)
        return longer


def generations(session: SparkSession, settings: Settings) -> list[Generation]:
    """Return the topics that bronze was read from, oldest first; without a Spark job."""
    return read_generations(properties(session, settings.bronze))


def last_records(
    session: SparkSession, settings: Settings, first_batch: int, end: int | None
) -> dict[int, tuple[int, int]]:
    """Return offset and append time (epoch ms) of the last record of each partition, of batches before ``end``."""
    rows = session.read.format("delta").load(settings.bronze).filter(F.col("batch") >= first_batch)
    if end is not None:
        rows = rows.filter(F.col("batch") < end)
    last = rows.groupBy("kafka_partition").agg(
        F.max("kafka_offset").alias("offset"), F.unix_millis(F.max("ingested_at")).alias("appended")
    )
    return {row["kafka_partition"]: (row["offset"], row["appended"]) for row in last.collect()}


def _after_losses(partition: int, offset: int, losses: Iterable[Loss]) -> int:
    for loss in losses:
        if loss.partition == partition and loss.first <= offset <= loss.last:
            offset = loss.last + 1
    return offset


def _rewound(offsets: Offsets, now: TopicState) -> str:
    """Return in words which partitions end before what bronze has read of them; empty if none does."""
    return "; ".join(
        f"partition {partition} ends at {now.ends[partition]}, bronze at {offset}"
        for partition, offset in offsets.items()
        if offset > now.ends[partition]
    )
