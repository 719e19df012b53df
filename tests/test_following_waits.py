"""What following waits for: a broker that refuses a line, and a disk that is full."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from collected import write
from following import Following, Kafka
from rotations import text
from settings_in import settings_in

from ingest.following.follower import Follower
from ingest.following.run import FollowOptions, follow_files
from lake.contracts.following import read_follow_report, report_file
from lake.errors import ServiceError


class Broker(Kafka):
    """Takes some lines and then refuses all; or sets ``stop`` when it has as many as are to come."""

    def __init__(self, stop: threading.Event, takes: int, refuses: bool = False) -> None:
        super().__init__()
        self._stop, self._takes, self._refuses = stop, takes, refuses

    def settle(self) -> None:
        self.acknowledged = min(self.sent, self._takes)
        if self.sent > self._takes and self._refuses:
            raise ServiceError("it refused a line")
        if self.sent == self._takes and not self._refuses:
            self._stop.set()

    def close(self) -> None:
        pass


def test_a_broker_that_refuses_a_line_is_tried_again_from_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ingest.following.run.AGAIN_SECONDS", 0.0)
    monkeypatch.setattr("ingest.following.follower.SLICE_LINES", 2)
    monkeypatch.setattr("ingest.following.follower.POLL_SECONDS", 0.01)
    log, stop = write(tmp_path / "a.log", text(1, 2, 3, 4, 5)), threading.Event()
    brokers = [Broker(stop, 2, refuses=True), Broker(stop, 3)]
    given = iter(brokers)
    monkeypatch.setattr("ingest.following.run.connect", lambda *_: next(given))
    settings = settings_in(tmp_path / "data")
    follow_files([str(log)], settings, FollowOptions(looks_up=False), stop)
    assert [len(broker.lines) for broker in brokers] == [4, 3]
    assert brokers[1].lines == text(3, 4, 5).splitlines()
    assert "it refused a line; it is tried again from what Kafka has" in caplog.text
    report = read_follow_report(report_file(settings.data, [str(log)], ""))
    assert report is not None
    assert (report.has_ended, report.files[0].number) == (True, 5)


def test_nothing_is_sent_while_the_disk_of_kafka_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.following.follower.POLL_SECONDS", 0.01)
    monkeypatch.setattr("ingest.following.progress.KEEP_SECONDS", 0.0)
    stop, record = threading.Event(), tmp_path / "a.json"
    kafka = Broker(stop, 2)
    following = Following(record, write(tmp_path / "a.log", text(1, 2)), kafka=kafka)
    said: list[tuple[int, str]] = []

    def shortage() -> str | None:
        report = read_follow_report(record)
        said.append((kafka.sent, report.waits if report else ""))
        return "the disk is short" if len(said) < 3 else None

    Follower(following.tails, kafka, following.progress, shortage=shortage).run(stop)
    following.tails.close()
    assert said == [(0, ""), (0, "the disk is short"), (0, "the disk is short")]
    assert kafka.sent == 2
