"""How far Kafka's topic has got, and since when records in it wait for bronze."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from lake.errors import ServiceError
from lake.kafka_access import client_options, login_hint
from lake.settings import Settings
from stack.servers import kafka

PATIENCE_SECONDS = 4.0
"""For all that Kafka is asked, less than a look has: what it has said by then is told."""
POLL_MS = 200
FETCH_BYTES = 4_096
"""Of each partition: only the first record is looked at, and Kafka gives at least one batch."""


@dataclass(frozen=True)
class Topic:
    """The next offset of each partition, when Kafka got the oldest record that bronze has not (epoch seconds), and the
    oldest offset that is still there.
    """

    ends: dict[int, int]
    unread_since: float | None = None
    starts: dict[int, int] = field(default_factory=dict)


def look_at_topic(settings: Settings, next_offsets: Mapping[int, int]) -> Topic:
    """Return how far the topic has got, given the next offset of each partition for bronze.

    Raises:
        ServiceError: Kafka does not listen, does not answer, or has no such topic.
    """
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError

    due = time.monotonic() + PATIENCE_SECONDS

    def left_ms() -> int:
        return max(int((due - time.monotonic()) * 1000), 1)

    if not kafka.is_listening(settings):
        raise ServiceError(f"Kafka does not listen at {settings.kafka_servers}; run `make up`")
    options = {
        "auto_offset_reset": "earliest",  # of records that Kafka has removed already, the first one after them
        "bootstrap_timeout_ms": left_ms(),
        "enable_auto_commit": False,
        "max_partition_fetch_bytes": FETCH_BYTES,
        "isolation_level": "read_committed",  # as bronze reads: a transaction that is open has no records yet
        "request_timeout_ms": int(PATIENCE_SECONDS * 1000),
    }
    try:
        with closing(KafkaConsumer(**client_options(settings), **options)) as consumer:
            numbers = consumer.partitions_for_topic(settings.kafka_topic) or set()
            partitions = [TopicPartition(settings.kafka_topic, number) for number in sorted(numbers)]
            if not partitions:
                raise ServiceError(f"Kafka has no topic {settings.kafka_topic!r}; run `make up`")
            starts = _by_number(consumer.beginning_offsets(partitions, timeout_ms=left_ms()))
            ends = _by_number(consumer.end_offsets(partitions, timeout_ms=left_ms()))
            waiting = [one for one in partitions if ends[one.partition] > next_offsets.get(one.partition, 0)]
            if not waiting:
                return Topic(ends, None, starts)
            consumer.assign(waiting)
            for one in waiting:
                consumer.seek(one, next_offsets.get(one.partition, 0))
            times: dict[int, float] = {}
            while waiting and time.monotonic() < due:
                for one, records in consumer.poll(timeout_ms=POLL_MS).items():
                    times.setdefault(one.partition, records[0].timestamp / 1000)
                    consumer.pause(one)
                waiting = [one for one in waiting if not _is_seen(consumer, one, ends, times)]
    except KafkaError as error:
        why = f"{error}{login_hint(settings)}"
        raise ServiceError(
            f"Kafka at {settings.kafka_servers} does not answer: {why}; see `make logs NAME=kafka`"
        ) from error
    return Topic(ends, min(times.values(), default=None), starts)


def _by_number(offsets: Mapping[Any, int]) -> dict[int, int]:
    return {partition.partition: int(offset) for partition, offset in sorted(offsets.items())}


def _is_seen(consumer: Any, one: Any, ends: Mapping[int, int], times: Mapping[int, float]) -> bool:
    """Return whether a partition has shown its first record, or, up to its end, only what is no record."""
    return one.partition in times or consumer.position(one) >= ends[one.partition]
