"""Log files that are rotated while they are followed, or while nobody follows: no line is lost, none has two ids."""

from __future__ import annotations

import bz2
import gzip
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from collected import imported, write
from following import Following
from rotations import (
    append,
    closed_files,
    copytruncate,
    create,
    following,
    impatient,
    line,
    log,
    pack,
    record,
    rest,
    text,
)

from ingest.following import tails

__all__ = ["closed_files", "following", "log", "record"]


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
