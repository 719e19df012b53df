"""Kafka's log files: the batches that bronze holds are taken out, all others stay byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.servers.kafka_log import BEFORE_LENGTH, HEADER, batches, drop_records


def batch(first: int, records: int) -> bytes:
    """A batch as the broker writes it, but for what only readers of records look at."""
    body = f"records {first} to {first + records - 1}".encode()
    return HEADER.pack(first, HEADER.size - BEFORE_LENGTH + len(body), 0, 2, 0, 0, records - 1) + body


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two files of two batches each: offsets 0 to 4, 5; 6, 7 to 9. The newest ends in half a batch."""
    folder = tmp_path / "logs-3"
    folder.mkdir()
    for first, content in ((0, batch(0, 5) + batch(5, 1)), (6, batch(6, 1) + batch(7, 3) + batch(10, 1)[:20])):
        for suffix, data in ((".log", content), (".index", b""), (".timeindex", b"")):
            (folder / f"{first:020d}{suffix}").write_bytes(data)
    return tmp_path


def files(log: Path) -> dict[str, bytes]:
    return {path.name.lstrip("0"): path.read_bytes() for path in (log / "logs-3").iterdir()}


def test_batches_are_read_up_to_the_half_written_one(log: Path) -> None:
    found = [(one.first, one.last) for path in sorted(log.rglob("*.log")) for one in batches(path)]
    assert found == [(0, 4), (5, 5), (6, 6), (7, 9)]


def test_a_file_is_left_alone_where_bronze_has_not_its_first_batch(log: Path) -> None:
    before = files(log)
    assert drop_records(log, "logs", {3: 4, 7: 100}) == 0
    assert files(log) == before


def test_what_bronze_holds_goes_and_what_it_has_not_yet_stays(log: Path) -> None:
    tail = batch(7, 3) + batch(10, 1)[:20]
    assert drop_records(log, "logs", {3: 8}) == sum(map(len, (batch(0, 5), batch(5, 1), batch(6, 1))))
    assert files(log) == {"7.log": tail}


def test_where_bronze_holds_all_an_empty_file_keeps_the_place(log: Path) -> None:
    (log / "logs-3" / "00000000000000000000.log.deleted").write_bytes(b"old")
    drop_records(log, "logs", {3: 10})
    assert files(log) == {"10.log": b""}
