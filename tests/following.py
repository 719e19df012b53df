"""Files that are followed without a broker: a producer that keeps what is sent, and acknowledges it when it is told."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import ClassVar

from collected import Collector

from ingest.following.follower import Follower
from ingest.following.progress import Progress
from ingest.following.tails import Tails
from lake.contracts.following import FollowReport, read_follow_report


class Kafka(Collector):
    """Acknowledges at once, unless it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.acknowledged = 0
        self.most = 1_000_000

    @property
    def sent(self) -> int:
        return len(self.records)

    @property
    def waiting(self) -> int:
        return self.sent - self.acknowledged

    @property
    def has_room(self) -> bool:
        return self.waiting < self.most

    def settle(self) -> None:
        if not self.is_away:
            self.acknowledged = self.sent

    def flush(self, seconds: float | None = None) -> bool:
        self.settle()
        return not self.waiting

    @property
    def lines(self) -> list[bytes]:
        return [value for value, _ in self.records]

    @property
    def ids(self) -> list[bytes]:
        return [headers["event_id"] for _, headers in self.records]


class Following:
    """A process that follows; :meth:`crashed` is the next one after it was killed."""

    all: ClassVar[list[Following]] = []
    """Those of a test, which closes them."""

    def __init__(self, record: Path, *words: Path | str, source: str = "", kafka: Kafka | None = None) -> None:
        self.all.append(self)
        self.kafka = kafka or Kafka()
        self.words = [str(word) for word in words]
        self.source = source
        self.record = record
        before = read_follow_report(record) or FollowReport(())
        self.tails = Tails(self.words, source, before.files, before.updated_at)
        self.progress = Progress(record, tuple(self.words), source)
        self.follower = Follower(self.tails, self.kafka, self.progress)

    def step(self, times: int = 3) -> list[bytes]:
        """Look and send a few times; return all lines that were sent so far."""
        for _ in range(times):
            self.tails.look()
            while self.follower.send_slices(threading.Event()) and self.kafka.has_room:
                pass
            self.follower.keep()
            self.progress.keep(self.tails)
        return self.kafka.lines

    def crashed(self) -> Following:
        """Return the process that goes on from what this one has written, to the same Kafka."""
        self.tails.close()
        return Following(self.record, *self.words, source=self.source, kafka=self.kafka)
