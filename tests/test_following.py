"""Log files that are followed, and the standard input: lines as they come, ids of an import, positions Kafka has."""

from __future__ import annotations

import gzip
import io
import os
import threading
import time
from pathlib import Path

import pytest
from collected import imported, write
from following import Following, Kafka
from rotations import append, closed_files, copytruncate, create, following, line, log, pack, record, rest, text

from ingest.files.source import LogFileError
from ingest.following.pipe import READER, follow_input
from lake.contracts.following import read_follow_report

__all__ = ["closed_files", "following", "log", "record"]


def test_lines_are_sent_as_they_come_and_only_with_their_ends(following: Following, log: Path) -> None:
    assert following.step() == [line(1), line(2)]
    append(log, text(3) + line(4)[:20])
    assert following.step() == [line(number) for number in (1, 2, 3)]
    append(log, line(4)[20:] + b"\r\n\n# a comment\n" + text(5))
    assert following.step() == [line(number) for number in (1, 2, 3, 4, 5)]


def test_ids_are_those_that_an_import_of_the_file_or_its_packed_copy_gives(tmp_path: Path, record: Path) -> None:
    log = write(tmp_path / "iis.log", b"\xef\xbb\xbf#Version: 1.0\n\n")
    following = Following(record, log, source="web1")
    following.step()
    for part in (text(1), b"\0\0" + text(2), b"# again\n", b"x" * 1_100_000 + b"\n", text(3, 1)):
        append(log, part)
        following.step(1)
        following = following.crashed()
    expected = list(zip(following.kafka.lines, following.kafka.ids, strict=True))
    assert [value for value, _ in expected] == [line(1), line(2), line(3), line(1)]
    assert imported(log, "web1")[0] == expected
    assert imported(write(tmp_path / "iis.log.1.gz", gzip.compress(log.read_bytes())), "web1")[0] == expected
    assert {headers["source"] for _, headers in following.kafka.records} == {b"web1"}


def test_a_restart_goes_on_where_kafka_was(following: Following, log: Path) -> None:
    following.step()
    following.kafka.is_away = True
    append(log, text(3))
    following.step()
    append(log, text(4))
    again = following.crashed()
    again.kafka.is_away = False
    assert again.step() == [line(number) for number in (1, 2, 3, 3, 4)]
    assert len(set(again.kafka.ids)) == 4, "what was sent again has the same ids"
    assert len(again.crashed().step()) == 5


def test_nothing_is_kept_that_kafka_has_not(following: Following, log: Path, record: Path) -> None:
    following.kafka.is_away = True
    following.step()
    report = read_follow_report(record)
    assert report is not None
    assert [position.offset for position in report.files] == [0]
    assert report.bytes_behind == log.stat().st_size
    following.kafka.is_away = False
    following.step()
    report = read_follow_report(record)
    assert report is not None
    assert [(position.offset, position.number) for position in report.files] == [(log.stat().st_size, 2)]
    assert report.bytes_behind == 0


def test_while_kafka_takes_nothing_no_more_is_read_than_may_wait(following: Following, log: Path) -> None:
    following.kafka.is_away, following.kafka.most = True, 10
    append(log, text(*range(3, 5_000)))
    assert len(following.step()) == 10
    following.kafka.is_away, following.kafka.most = False, 1_000_000
    assert following.step() == [line(number) for number in range(1, 5_000)]


def test_a_pattern_picks_up_new_files_and_takes_no_renamed_or_packed_one_for_new(
    log: Path, record: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rest(monkeypatch)
    following = Following(record, log.parent / "*.log*")
    following.step()
    other = write(log.with_name("other.log"), text(50))
    assert following.step() == [line(1), line(2), line(50)]
    create(log)
    append(log, text(10))
    append(other, text(51))
    assert sorted(following.step()) == sorted(line(number) for number in (1, 2, 10, 50, 51))
    pack(log.with_name("app.log.1"))
    following.step()
    following = following.crashed()
    copytruncate(other)
    append(other, text(60))
    assert sorted(following.step()) == sorted(line(number) for number in (1, 2, 10, 50, 51, 60))
    assert len(set(following.kafka.ids)) == 6
    assert caplog.text.count("app.log.1.gz is left out: it is packed") <= 2, "once each time"


def test_a_file_that_is_yet_to_come_is_waited_for_and_a_foreign_one_left_out(
    tmp_path: Path, record: Path, caplog: pytest.LogCaptureFixture
) -> None:
    following = Following(record, tmp_path / "later.log", tmp_path / "err*.log")
    write(tmp_path / "error.log", b"2026/03/01 03:00:00 [error] 8#8: *1 open() failed\n")
    assert following.step() == []
    write(tmp_path / "later.log", text(1))
    assert following.step() == [line(1)]
    assert caplog.text.count("later.log is not there yet; waiting for it") == 1
    assert "error.log is left out: it is nginx's error log" in caplog.text


def test_a_pipe_is_sent_as_it_comes_until_its_end() -> None:
    reader, writer = os.pipe()
    kafka, sent = Kafka(), []
    stream = os.fdopen(reader, "rb")
    thread = threading.Thread(target=lambda: sent.append(follow_input(kafka, "", threading.Event(), stream)))
    thread.start()
    os.write(writer, text(1) + line(2)[:9])
    deadline = time.monotonic() + 20
    while not kafka.lines and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kafka.lines == [line(1)]
    os.write(writer, line(2)[9:] + b"\n# a comment\n" + line(3))
    os.close(writer)
    thread.join(20)
    stream.close()
    assert (kafka.lines, sent) == ([line(1), line(2), line(3)], [3])


def test_a_pipe_is_left_when_it_is_told_to_stop_and_refused_when_it_is_no_log() -> None:
    reader, writer = os.pipe()
    os.write(writer, text(1))
    stop, kafka = threading.Event(), Kafka()
    stop.set()
    stream = os.fdopen(reader, "rb")
    assert follow_input(kafka, "", stop, stream) == 1
    os.close(writer)
    for reading in [one for one in threading.enumerate() if one.name == READER]:
        reading.join(20)
    stream.close()
    errors = io.BufferedReader(io.BytesIO(b"2026/03/01 03:00:00 [error] 8#8: *1 open() failed\n"))
    with pytest.raises(LogFileError, match="standard input is nginx's error log"):
        follow_input(kafka, "", threading.Event(), errors)
