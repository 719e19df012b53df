"""The one Kafka producer of Weblake: idempotent, of bounded memory, and it always says what it waits for.

A record is sent once and for all: kafka-python retries it for as long as the process lives (``acks=all``, idempotent,
so a retry is never stored twice), and whoever sends faster than the broker takes waits in :meth:`Producer.wait`.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError, RecordListTooLargeError

from ingest.stored import StoredOffsets
from lake.errors import ServiceError, SpaceError

log = logging.getLogger(__name__)

MAX_VALUE_BYTES = 1024 * 1024 - 512
"""The broker's default limit of 1 MiB, less what a record and its header add."""
MAX_WAITING_RECORDS = 20_000
MAX_WAITING_BYTES = 32 * 1024 * 1024
RECORDS_PER_PARTITION = 64
"""Neighbours that share a partition before the next one's turn comes, so that batches fill."""
WARN_SECONDS = 5.0
POLL_SECONDS = 0.02
LOOK_SECONDS = 1.0
"""Between two looks at the disk."""
DISK_WARN_SECONDS = 30.0
TOPIC_SECONDS = 30.0
"""How long a broker that answers may be without the topic. It shows its topics seconds after its start."""


class TooLargeError(ServiceError):
    """A record is larger than the broker takes."""


class Producer:
    """Sends records to a topic and keeps account of them.

    Attributes:
        sent: records handed over; acknowledged: those that the broker has stored for good.
        stored: where in the topic these are, if somebody asks for it by setting this.
        refused: labels of records that the broker found too large.
    """

    def __init__(
        self,
        kafka: Any,
        topic: str,
        broker: str,
        patience_seconds: float | None,
        stop: threading.Event,
        shortage: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Take a producer of kafka-python; ``shortage`` says in a sentence why Kafka's disk can take no more now."""
        self._shortage = shortage
        self._look_at = 0.0
        self._kafka = kafka
        self._topic = topic
        self._broker = broker
        self._partitions = sorted(kafka.partitions_for(topic))
        self._patience_seconds = patience_seconds
        self._stop = stop
        self._waiting: deque[tuple[Any, int, str]] = deque()
        self._waiting_bytes = 0
        self._moved_at = self._warned_at = time.monotonic()
        self._lost_at: float | None = None
        self.sent = 0
        self.acknowledged = 0
        self.stored: StoredOffsets | None = None
        self.refused: list[str] = []

    @property
    def waiting(self) -> int:
        """Records that are sent and not yet acknowledged."""
        return len(self._waiting)

    @property
    def has_room(self) -> bool:
        """Whether :meth:`send` takes another record without waiting."""
        return len(self._waiting) < MAX_WAITING_RECORDS and self._waiting_bytes < MAX_WAITING_BYTES

    def send(self, value: bytes, headers: list[tuple[str, bytes]] | None = None, label: str = "") -> None:
        """Hand over a record; waits while too many are on their way. ``label`` names it in messages.

        Raises:
            TooLargeError: the value is larger than :data:`MAX_VALUE_BYTES`; it was not sent.
            ServiceError: the broker refused a record, or took nothing for ``patience_seconds``.
            SpaceError: its disk was short for as long.
        """
        if len(value) > MAX_VALUE_BYTES:
            raise TooLargeError(
                f"{label or 'a record'} has {len(value):,} bytes, more than the {MAX_VALUE_BYTES:,} that Kafka takes"
            )
        if not self.has_room:
            self.wait(lambda: self.has_room)
        if time.monotonic() >= self._look_at:
            self._wait_for_disk()
        partition = self._partitions[self.sent // RECORDS_PER_PARTITION % len(self._partitions)]
        future = self._hand_over(value, headers, partition)
        if not self._waiting:
            self._moved_at = time.monotonic()
        self._waiting.append((future, len(value), label))
        self._waiting_bytes += len(value)
        self.sent += 1

    def settle(self) -> None:
        """Count the new acknowledgements, and warn when they have stalled.

        Raises:
            ServiceError: the broker refused a record for another reason than its size, or patience is over.
        """
        waiting = self._waiting
        moved = False
        while waiting and waiting[0][0].is_done:
            future, size, label = waiting.popleft()
            moved = True
            self._waiting_bytes -= size
            if future.exception is None:
                self.acknowledged += 1
                if self.stored is not None:
                    self.stored.add(future.value.partition, future.value.offset, future.value.timestamp)
            else:
                self._take_failure(future.exception, label)
        now = time.monotonic()
        if moved or not waiting:
            self._moved_at = now
        elif now - self._moved_at > WARN_SECONDS:
            self._complain(now)

    def wait(self, is_reached: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until ``is_reached``, at most ``seconds``, or until the stop event where no seconds are given.

        Returns whether it was reached. Every :data:`WARN_SECONDS` without progress it logs what it waits for.

        Raises:
            ServiceError: as in :meth:`settle`.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            self.settle()
            if is_reached():
                return True
            if deadline is None:
                if self._stop.wait(POLL_SECONDS):
                    return False
            elif time.monotonic() > deadline:
                return False
            else:
                time.sleep(POLL_SECONDS)

    def flush(self, seconds: float | None = None) -> bool:
        """Wait until every record is acknowledged; return whether all were (``seconds`` as in :meth:`wait`)."""
        return self.wait(lambda: not self._waiting, seconds)

    def close(self) -> None:
        """Close the producer. It gives up records that are still waiting, so flush first."""
        if self._waiting:
            # close() of kafka-python 3.0.12 raises while batches are pending and leaves its thread running.
            self._kafka._sender.force_close()
            self._kafka._sender.join(timeout=5)
        try:
            self._kafka.close(timeout=5)
        except KafkaError as error:
            log.debug("Closing the producer: %s", error)

    def _hand_over(self, value: bytes, headers: list[tuple[str, bytes]] | None, partition: int) -> Any:
        """Give the record to kafka-python, which may have lost sight of the topic while the broker restarts."""
        while True:
            try:
                future = self._kafka.send(self._topic, value=value, headers=headers, partition=partition)
            except (KafkaTimeoutError, ValueError) as error:  # ValueError: topic or partition not in the metadata
                log.debug("Topic metadata: %s", error)
            else:
                self._lost_at = None
                return future
            self.settle()
            self._miss_topic(time.monotonic())
            if self._stop.wait(0.2):
                raise ServiceError(f"stopped while Kafka at {self._broker} did not show the topic {self._topic!r}")

    def _wait_for_disk(self) -> None:
        """Wait while Kafka's disk is short of room, and say so now and then; it is looked at once a second."""
        began, warned_at = time.monotonic(), -math.inf
        while short := self._shortage():
            self.settle()
            now = time.monotonic()
            account = f"{self.acknowledged:,} records acknowledged"
            if self._patience_seconds is not None and now - began > self._patience_seconds:
                raise SpaceError(f"{short}; gave up after {now - began:.0f} s with {account}; then run this again")
            if now - warned_at > DISK_WARN_SECONDS:
                warned_at = now
                log.warning("%s (%s)", short, account)
            if self._stop.wait(LOOK_SECONDS):
                break
        self._look_at = time.monotonic() + LOOK_SECONDS

    def _shows_topic(self) -> bool:
        try:
            return bool(self._kafka.partitions_for(self._topic))
        except KafkaError:
            return False

    def _miss_topic(self, now: float) -> None:
        """Take note that the topic is out of sight: it comes back soon, or there is an error."""
        self._lost_at = self._lost_at or now
        if now - self._lost_at > TOPIC_SECONDS:
            account = f"{self.acknowledged:,} of {self.sent:,} records were acknowledged"
            raise no_topic(self._broker, self._topic, now - self._lost_at, account)
        if now - self._warned_at > WARN_SECONDS:
            self._warned_at = now
            log.warning("Kafka at %s does not show the topic %r; waiting for it", self._broker, self._topic)

    def _take_failure(self, error: BaseException, label: str) -> None:
        if isinstance(error, (MessageSizeTooLargeError, RecordListTooLargeError)):
            self.refused.append(label)
            log.error("Kafka refused %s as too large; raise the topic's max.message.bytes", label or "a record")
            return
        raise ServiceError(
            f"Kafka at {self._broker} refused {label or 'a record'}: {error!r}; "
            f"{self.acknowledged:,} of {self.sent:,} records were acknowledged"
        ) from error

    def _complain(self, now: float) -> None:
        stalled = now - self._moved_at
        if self._patience_seconds is not None and stalled > self._patience_seconds:
            raise ServiceError(
                f"Kafka at {self._broker} has taken nothing for {stalled:.0f} s; gave up with {self.acknowledged:,} "
                f"records acknowledged and {self.waiting:,} more on their way; check that the broker runs, and run "
                "this again"
            )
        if now - self._warned_at <= WARN_SECONDS:
            return
        if self._shows_topic():
            self._lost_at = None
            self._warned_at = now
            log.warning(
                "Waiting for Kafka at %s: nothing acknowledged for %.0f s, %s records in memory",
                self._broker,
                stalled,
                f"{self.waiting:,}",
            )
        else:
            self._miss_topic(now)


def no_topic(servers: str, topic: str, seconds: float, sent: str) -> ServiceError:
    """Return the error for a broker that answers, but has no such topic, or does not show it to us."""
    return ServiceError(
        f"Kafka at {servers} has shown no topic {topic!r} for {seconds:.0f} s; {sent}; "
        "run `make up`, which makes a lost topic again, or correct KAFKA_TOPIC"
    )
