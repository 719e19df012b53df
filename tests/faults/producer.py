"""A producer that keeps every message that the broker has acknowledged, with its place in the topic."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from background import in_background
from faults.traffic import Message, Traffic
from kafka import KafkaProducer

from lake.settings import Settings

PATIENCE_SECONDS = 180
PER_SECOND_STEPS = 10


@dataclass(frozen=True)
class Sent:
    """A message that Kafka has for good. After a lost answer Kafka may not say where: then the offset is -1."""

    message: Message
    partition: int
    offset: int


class Producer:
    """Sends with ``acks=all``; a message counts as sent when the broker has said so."""

    def __init__(self, settings: Settings, patience_seconds: int = PATIENCE_SECONDS) -> None:
        """Connect; ``patience_seconds`` is how long an acknowledgement may take."""
        self._patience_seconds = patience_seconds
        self.sent: list[Sent] = []
        self._topic = settings.kafka_topic
        self._kafka = KafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            acks="all",
            enable_idempotence=True,
            delivery_timeout_ms=patience_seconds * 1000,
            max_request_size=4 << 20,
            max_block_ms=60_000,
            reconnect_backoff_max_ms=1_000,
            allow_auto_create_topics=False,
        )

    def close(self) -> None:
        """Disconnect."""
        self._kafka.close(timeout=10)

    def send(self, messages: Iterable[Message]) -> list[Sent]:
        """Send all, wait until the broker has acknowledged each, and return them as sent."""
        return self._keep([(message, self._begin(message)) for message in messages])

    @contextmanager
    def streaming(self, traffic: Traffic, per_second: int) -> Iterator[None]:
        """Send traffic in the background; at the end, wait until all of it is acknowledged."""
        begun: list[tuple[Message, Any]] = []
        failures: list[Exception] = []

        def run(stop: threading.Event) -> None:
            messages = iter(traffic)
            due = time.monotonic()
            try:
                while not stop.wait(max(0.0, due - time.monotonic())):
                    due += 1 / PER_SECOND_STEPS
                    some = islice(messages, max(1, per_second // PER_SECOND_STEPS))
                    begun.extend((message, self._begin(message)) for message in some)
            except Exception as error:  # for the test to raise
                failures.append(error)

        try:
            with in_background(run, "producer"):
                yield
        finally:
            self._keep(begun)
        assert not failures, f"the producer ended early: {failures[0]!r}"

    def _begin(self, message: Message) -> Any:
        key = b"" if message.value is None else None  # kafka-python wants one of the two
        return self._kafka.send(self._topic, message.value, key=key, headers=list(message.headers))

    def _keep(self, begun: list[tuple[Message, Any]]) -> list[Sent]:
        self._kafka.flush(timeout=self._patience_seconds)
        told = [(message, future.get(timeout=self._patience_seconds)) for message, future in begun]
        sent = [Sent(message, metadata.partition, metadata.offset) for message, metadata in told]
        self.sent += sent
        return sent
