"""The traffic generator: sends the records of :mod:`ingest.shop.traffic` to Kafka as they fall due."""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass

from ingest.headers import ID
from ingest.producer import Producer
from ingest.shop.traffic import Traffic
from ingest.shop.truth import Truth

log = logging.getLogger(__name__)

SLICE_SECONDS = 0.05
REPORT_SECONDS = 10.0
LONGEST_SLICE_SECONDS = 0.2
BEHIND_SECONDS = 1.0
SKIP_BEHIND_SECONDS = 10.0
FLUSH_SECONDS = 8.0


@dataclass(frozen=True)
class Bounds:
    """When to end: after so many seconds of traffic, or so many records. Infinity is never."""

    seconds: float = math.inf
    records: float = math.inf

    def is_reached(self, traffic: Traffic) -> bool:
        """Whether the traffic has no further record within the bounds."""
        return traffic.next_due >= self.seconds or traffic.sent >= self.records


class Clock:
    """Seconds since the start, by the monotonic clock. Time that is skipped never comes due."""

    def __init__(self, epoch: float | None) -> None:
        self._fixed_epoch = epoch
        self._began = time.monotonic()

    @property
    def offset(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    @property
    def epoch(self) -> float:
        """The start in seconds since 1970: as given, or so that a record due now happens now.

        Read for every slice, so that neither a skip nor a laptop's sleep makes records look old.
        """
        return time.time() - self.offset if self._fixed_epoch is None else self._fixed_epoch

    def skip(self, seconds: float) -> None:
        """Stop the clock for so many seconds that have already passed."""
        self._began += seconds


def generate(
    traffic: Traffic, producer: Producer, truth: Truth, bounds: Bounds, epoch: float | None, stop: threading.Event
) -> bool:
    """Send traffic until its bounds or until ``stop`` is set, then flush; return whether all was acknowledged.

    Args:
        traffic: what to send.
        producer: where to.
        truth: notes the clients.
        bounds: when to end.
        epoch: start of event time, seconds since 1970; None is the wall clock.
        stop: set by a signal.

    Raises:
        ServiceError: Kafka refused a record.
    """
    clock = Clock(epoch)
    report = Report(producer)
    while not stop.is_set() and not bounds.is_reached(traffic):
        if not producer.wait(lambda: producer.has_room):
            break
        behind = clock.offset - traffic.next_due
        if behind > SKIP_BEHIND_SECONDS:
            log.warning(
                "Behind by %.0f s (Kafka was away, or this machine is too slow): skipping ahead; no record is lost",
                behind,
            )
            clock.skip(behind)
        _send_slice(traffic, producer, truth, bounds, clock)
        if report.is_due:
            report.write(behind=clock.offset - traffic.next_due)
            truth.write()
        stop.wait(max(0.0, min(max(SLICE_SECONDS, traffic.next_due - clock.offset), 0.5)))
    truth.write()
    is_flushed = producer.flush(FLUSH_SECONDS)
    report.write_total()
    return is_flushed and not producer.refused


def _send_slice(traffic: Traffic, producer: Producer, truth: Truth, bounds: Bounds, clock: Clock) -> None:
    """Send what is due, but at most :data:`LONGEST_SLICE_SECONDS` of it, so that signals and reports are never late."""
    until = min(clock.offset, traffic.next_due + LONGEST_SLICE_SECONDS, math.nextafter(bounds.seconds, 0.0))
    for record in traffic.until(until, clock.epoch, bounds.records):
        headers = None if record.header is None else [(ID, record.header)]
        producer.send(record.value, headers, "a generated record")
        if record.client is not None:
            truth.add(record.client)


class Report:
    """Logs every :data:`REPORT_SECONDS` how much was sent and acknowledged, and at which rate."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._began = self._at = time.monotonic()
        self._sent = 0

    @property
    def is_due(self) -> bool:
        """Whether it is time for another report."""
        return time.monotonic() - self._at >= REPORT_SECONDS

    def write(self, behind: float) -> None:
        """Write a report; ``behind`` is how many seconds ago the next record was due."""
        self._producer.settle()
        now = time.monotonic()
        self._log(self._producer.sent - self._sent, now - self._at)
        if BEHIND_SECONDS < behind <= SKIP_BEHIND_SECONDS:
            log.warning("cannot keep the rate: %.1f s behind; lower --rate, or give it a free core", behind)
        self._at, self._sent = now, self._producer.sent

    def write_total(self) -> None:
        """Write the last report, over the whole run."""
        self._log(self._producer.sent, time.monotonic() - self._began)

    def _log(self, records: int, seconds: float) -> None:
        sent, acknowledged = f"{self._producer.sent:,}", f"{self._producer.acknowledged:,}"
        log.info("sent %s, acknowledged %s, %.0f per second", sent, acknowledged, records / max(seconds, 0.001))
