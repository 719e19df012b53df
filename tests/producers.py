"""A producer without a broker: the test decides when a record is acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from kafka.errors import KafkaTimeoutError

from ingest.producer import Producer
from lake.contracts import TOPIC_PARTITIONS


class Future:
    """What kafka-python returns for a record."""

    def __init__(self) -> None:
        self.is_done = False
        self.exception: Exception | None = None
        self.value = SimpleNamespace(partition=0, offset=0, timestamp=0)

    def end(self, exception: Exception | None = None) -> None:
        self.exception, self.is_done = exception, True


class FakeKafka:
    """A KafkaProducer without a broker: the test decides when a record is acknowledged."""

    def __init__(self) -> None:
        self.futures: list[Future] = []
        self.partitions: list[int] = []
        self.fails_first = 0

    def partitions_for(self, _topic: str) -> set[int]:
        return set(range(TOPIC_PARTITIONS))

    def send(self, _topic: str, value: bytes, headers: object, partition: int) -> Future:
        if self.fails_first:
            self.fails_first -= 1
            raise KafkaTimeoutError("no metadata")
        self.futures.append(Future())
        self.partitions.append(partition)
        return self.futures[-1]


def producer(
    kafka: Any, patience_seconds: float | None = None, shortage: Callable[[], str | None] = lambda: None
) -> Producer:
    return Producer(kafka, "web_logs", "broker:1", patience_seconds, threading.Event(), shortage)
