"""Log files that are followed: through rotations of every kind and restarts, no line is lost and none has two ids."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from collected import imported, write
from following import Following, Kafka

from ingest.files.source import LogFileError
from ingest.following import tails
from ingest.following.pipe import READER, follow_input
from lake.contracts.following import read_follow_report


def line(number: int) -> bytes:
    second = f"{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}"
    return b'203.0.113.9 - - [15/Jan/2026:%s +0000] "GET /product/%d HTTP/1.1" 200 5' % (second.encode(), number)


def text(*numbers: int) -> bytes:
    return b"".join(line(number) + b"\n" for number in numbers)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@pytest.fixture(autouse=True)
def _closed_files() -> Iterator[None]:
    yield
    while Following.all:
        Following.all.pop().tails.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return write(tmp_path / "logs" / "app.log", text(1, 2))


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "following" / "a.json"


@pytest.fixture
def following(log: Path, record: Path) -> Following:
    return Following(record, log)


def shift(log: Path) -> None:
    for number in range(60, 0, -1):
        for end in ("", ".gz"):
            if (old := Path(f"{log}.{number}{end}")).exists():
                old.rename(f"{log}.{number + 1}{end}")


def create(log: Path) -> Path:
    """Rotate as logrotate does with ``create``."""
    shift(log)
    rotated = log.rename(f"{log}.1")
    log.touch()
    return rotated


def copytruncate(log: Path) -> Path:
    shift(log)
    copy = Path(shutil.copy(log, f"{log}.1"))
    os.truncate(log, 0)
    return copy


def pack(path: Path, compress: Callable[[bytes], bytes] = gzip.compress, suffix: str = ".gz") -> Path:
    """Pack a file as gzip does: with the old file's time."""
    packed = path.with_name(path.name + suffix)
    packed.write_bytes(compress(path.read_bytes()))
    os.utime(packed, (path.stat().st_mtime, path.stat().st_mtime))
    path.unlink()
    return packed


def rest(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> None:
    monkeypatch.setattr(tails, "REST_SECONDS", seconds)


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "TRY_SECONDS", 0.0)
    monkeypatch.setattr(tails, "FIND_SECONDS", 0.0)


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


def test_a_renamed_file_is_read_to_its_end_while_its_server_still_writes_to_it(
    following: Following, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    following.step()
    rotated = create(log)
    append(log, text(10))
    following.step()
    append(rotated, text(3))
    assert following.step() == [line(number) for number in (1, 2, 10, 3)]
    rest(monkeypatch)
    following.step()
    assert [tail.path for tail in following.tails] == [str(log)], "the old one was left"
    append(log, text(11))
    assert following.step()[-1] == line(11)
    assert len(set(following.kafka.ids)) == 5


def test_a_renamed_file_is_kept_while_nothing_is_in_the_new_one(
    following: Following, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest(monkeypatch)
    following.step()
    rotated = create(log)
    following.step()
    append(rotated, text(3))
    assert following.step()[-1] == line(3)
    monkeypatch.setattr(tails, "LONG_REST_SECONDS", 0.0)
    following.step()
    assert [tail.path for tail in following.tails] == [str(log)]


def test_the_last_line_of_a_file_that_is_left_is_sent_without_its_end_if_it_is_whole(
    following: Following, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, line(3))
    assert following.step() == [line(1), line(2)]
    rotated = create(log)
    append(log, text(10) + line(11)[:-9])
    following.step()
    assert line(3) not in following.kafka.lines, "it is not at rest"
    rest(monkeypatch)
    assert sorted(following.step()) == sorted(line(number) for number in (1, 2, 3, 10))
    create(log)
    append(log, text(20))
    assert line(11)[:-9] not in following.step(), "half a line is none"
    old = Path(f"{log}.2").stat().st_mtime - 60
    os.utime(f"{log}.2", (old, old))
    assert {event_id for _, event_id in imported(f"{log}.2")[0]} <= set(following.kafka.ids)
    assert rotated.name == "app.log.1"


def test_a_truncated_file_is_read_from_its_beginning_and_its_copy_to_its_end(following: Following, log: Path) -> None:
    following.step()
    append(log, text(3))
    copytruncate(log)
    append(log, text(10))
    assert sorted(following.step()) == sorted(line(number) for number in (1, 2, 3, 10))
    assert len(set(following.kafka.ids)) == 4
    append(log, text(11))
    assert following.step()[-1] == line(11)


def test_a_truncated_file_that_is_as_long_again_is_noticed(following: Following, log: Path) -> None:
    following.step()
    copytruncate(log)
    append(log, text(10, 11, 12))
    assert sorted(following.step()) == sorted(line(number) for number in (1, 2, 10, 11, 12))


def test_nuls_that_a_server_leaves_after_a_truncation_are_no_lines(following: Following, log: Path) -> None:
    following.step()
    size = log.stat().st_size
    copytruncate(log)
    with log.open("r+b") as file:
        file.seek(size)
        file.write(text(10))
    following.step()
    assert following.kafka.lines == [line(1), line(2), line(10)]
    assert imported(log)[0][0][1] in following.kafka.ids


def test_a_file_that_was_truncated_and_copied_nowhere_is_given_up_in_words(
    following: Following, log: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    impatient(monkeypatch)
    following.step()
    log.write_bytes(text(10))
    assert following.step() == [line(1), line(2), line(10)]
    assert f"{log} was rotated away after line 2, and is not found beside it" in caplog.text
    assert len(list(following.tails)) == 1


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("rotate", [create, copytruncate])
def test_what_came_between_a_crash_and_the_restart_is_found_where_it_was_rotated_to(
    following: Following,
    log: Path,
    monkeypatch: pytest.MonkeyPatch,
    rotate: Callable[[Path], Path],
    is_packed: bool,
) -> None:
    monkeypatch.setattr(tails, "CLOCK_SECONDS", 0.0)
    following.step()
    append(log, text(3))
    rotated = rotate(log)
    append(log, text(10))
    if is_packed:
        pack(rotated)
    again = following.crashed()
    assert sorted(again.step()) == sorted(line(number) for number in (1, 2, 3, 10)), "each once"
    assert sorted(again.crashed().step()) == sorted(line(number) for number in (1, 2, 3, 10))


def test_files_that_came_and_went_between_a_crash_and_the_restart_are_read(following: Following, log: Path) -> None:
    following.step()
    append(log, text(3))
    create(log)
    append(log, text(10))
    create(log)
    append(log, text(20))
    pack(create(log), bz2.compress, ".bz2")
    append(log, text(30))
    write(log.with_name("app.log.old"), text(99))
    write(log.with_name("apple.log.1"), text(98))
    expected = sorted(line(number) for number in (1, 2, 3, 10, 20, 30))
    assert sorted(following.crashed().step(5)) == expected, "each once"
    assert len(set(following.kafka.ids)) == 6


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


def test_a_broken_packed_copy_is_tried_again(following: Following, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "TRY_SECONDS", 0.0)
    following.step()
    append(log, b"".join(os.urandom(40).hex().encode() + b"\n" for _ in range(4_000)) + text(3))
    packed = pack(create(log))
    whole = packed.read_bytes()
    packed.write_bytes(whole[: len(whole) // 2])
    again = following.crashed()
    again.step()
    assert line(3) not in again.kafka.lines
    packed.write_bytes(whole)
    assert line(3) in again.step()
    assert len(set(again.kafka.ids)) == 4_003


def test_a_packed_copy_that_was_read_in_part_and_unpacked_is_read_on_with_the_same_ids(
    following: Following, log: Path
) -> None:
    following.step()
    append(log, text(*range(3, 30)))
    packed = pack(create(log))
    again = following.crashed()
    again.kafka.most = 5
    assert 2 < len(again.step(1)) < 20
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    again = again.crashed()
    again.kafka.most = 1_000
    assert set(again.step()) == {line(number) for number in range(1, 30)}
    assert len(set(again.kafka.ids)) == 29


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_in_whatever_order_no_line_is_lost_and_none_has_two_ids(
    following: Following, log: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(tails, "TRY_SECONDS", 0.0)
    rest(monkeypatch, 0.01)
    dice, number, written, is_down = random.Random(seed), 3, {1, 2}, False
    following.step(1)
    for _ in range(60):
        deed = dice.choice(["write", "write", "write", "step", "step", "create", "copytruncate", "crash", "away"])
        if deed == "write":
            numbers = range(number, number + dice.randint(1, 4))
            append(log, text(*numbers))
            written |= set(numbers)
            number = numbers.stop
        elif deed in ("create", "copytruncate") and log.stat().st_size:
            if not is_down:
                following.step(1)  # it looks every second
            rotated = create(log) if deed == "create" else copytruncate(log)
            if dice.random() < 0.5:
                pack(rotated)
            if not is_down:
                following.step(1)
        elif deed == "crash":
            following, is_down = following.crashed(), True
        elif deed == "away":
            following.kafka.is_away = not following.kafka.is_away
        else:
            following.step(1)
            is_down = False
    following.kafka.is_away = False
    following.step(4)
    assert {line(one) for one in written} == set(following.kafka.lines)
    assert len(set(following.kafka.ids)) == len(written), "what was sent twice has the same ids"


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
