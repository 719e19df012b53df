"""Copies of what is in the lake: a cut, joined or filtered log, one that a shipper sent, and what is no copy."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest
from bronze_tables import EPOCH, Row, append
from settings_in import settings_in

from ingest.copies import CopyError, require_new
from ingest.files.identity import LineIds
from ingest.sample import RUN, RUNS, Numbered, Sample, Sampled
from ingest.times import CERTAIN_SECONDS, ZONELESS_SECONDS, Span, span_of
from lake.bronze_rows import open_bronze

NOON = int(EPOCH.timestamp())


def line(second: int, name: str = "") -> bytes:
    at = EPOCH + dt.timedelta(seconds=second)
    return f'203.0.113.9 - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /product/{second}{name} HTTP/1.1" 200 5'.encode()


LOG = [line(second) for second in range(0, 40_000, 10)]


def sample_of(lines: list[bytes], source: str = "") -> list[Sampled]:
    sample = Sample()
    for number, one in enumerate(lines, 1):
        sample.take(Numbered(one, number))
    return sample.lines(source)


def send(folder: Path, lines: list[bytes], source: str = "", *, by_shipper: bool = False) -> None:
    ids = LineIds(source)
    rows = []
    for number, one in enumerate(lines, 1):
        second = int(one.split(b"/product/")[1].split(b" ")[0].rstrip(b"x"))
        event_id = None if by_shipper else ids.take(one, number).decode()
        rows.append(Row(one, 0, number, second, event_id, source=source or None))
    append(folder / "bronze" / "web_logs", 1, *rows)


def refusal(folder: Path, lines: list[bytes], source: str = "") -> str:
    """Return in which words the log is refused; empty where it is new."""
    rows = open_bronze(settings_in(folder, LAKE_ROOT=str(folder)))
    assert rows is not None
    try:
        require_new("access.log", sample_of(lines, source), source, rows)
    except CopyError as error:
        return str(error)
    return ""


def is_new(folder: Path, lines: list[bytes], source: str = "") -> bool:
    words = refusal(folder, lines, source)
    assert not words or "are in the lake already under other ids; they came at 2026-03-02 12:00 UTC" in words
    assert not words or "AGAIN=1" in words
    return not words


def test_the_same_log_is_no_copy_also_when_it_has_grown_or_was_interrupted(tmp_path: Path) -> None:
    send(tmp_path, LOG[:3000])
    assert is_new(tmp_path, LOG[:3000])
    assert is_new(tmp_path, LOG)
    assert is_new(tmp_path, LOG[:20])


def test_a_cut_joined_or_filtered_log_is_a_copy(tmp_path: Path) -> None:
    send(tmp_path, LOG)
    assert not is_new(tmp_path, LOG[1:])
    assert not is_new(tmp_path, LOG[-1:])
    assert not is_new(tmp_path, [line(50_000), *LOG])
    assert is_new(tmp_path, [*LOG, line(50_000)])
    assert not is_new(tmp_path, [line(second, "x") for second in range(4_000)] + LOG)
    assert not is_new(tmp_path, [LOG[0], *LOG[2::3]]), "its first line and some others"


def test_what_a_shipper_sent_is_there_also_where_it_left_gaps(tmp_path: Path) -> None:
    send(tmp_path, [LOG[0], LOG[2]], by_shipper=True)
    assert not is_new(tmp_path, LOG[:3])


def test_what_an_earlier_version_imported_is_there(tmp_path: Path) -> None:
    rows = [Row(one, 0, number, number * 10, f"{number:032x}-0") for number, one in enumerate(LOG[:100])]
    append(tmp_path / "bronze" / "web_logs", 1, *rows)
    assert not is_new(tmp_path, LOG[:100])


def test_a_few_equal_lines_make_no_copy(tmp_path: Path) -> None:
    send(tmp_path, LOG[:1000])
    other = [line(second, "x") for second in range(5, 10_000, 10)]
    assert is_new(tmp_path, [other[0], LOG[0]]), "of two servers, or of two sides of a rotation"
    assert is_new(tmp_path, [LOG[999], *other])
    assert is_new(tmp_path, other)


def test_a_copy_that_begins_as_another_log_does_is_one(tmp_path: Path) -> None:
    send(tmp_path, LOG[:3])
    send(tmp_path, [LOG[1], line(7, "x")])
    assert not is_new(tmp_path, LOG[1:3])
    assert not is_new(tmp_path, [*LOG[:3], line(7, "x")]), "joined of the two, but for a line"


def test_the_log_of_another_server_is_no_copy_if_both_are_named(tmp_path: Path) -> None:
    send(tmp_path, LOG[:50], "web1")
    assert is_new(tmp_path, LOG[:50], "web1")
    assert is_new(tmp_path, LOG[:50], "web2")
    assert not is_new(tmp_path, LOG[:50])


def test_a_name_is_advised_only_where_it_helps(tmp_path: Path) -> None:
    send(tmp_path, LOG[:50])
    assert "SOURCE=" not in refusal(tmp_path, LOG[1:50], "web1")
    assert "SOURCE=" not in refusal(tmp_path, LOG[1:50])
    send(tmp_path, LOG[100:150], "web1")
    assert "say so with SOURCE=; AGAIN=1" in refusal(tmp_path, LOG[100:150])
    assert "SOURCE=" not in refusal(tmp_path, LOG[101:150], "web1")
    assert "as of web1. " in (words := refusal(tmp_path, LOG[1:50] + LOG[101:150]))
    assert "SOURCE=" not in words, "of some it is not known whose they are"


def test_a_line_of_no_possible_year_is_not_looked_up(tmp_path: Path) -> None:
    send(tmp_path, LOG[:2])
    odd = [b"0001-01-01T00:00:00Z a", b"9999-12-31T23:59:59Z b", b"01/Jan/0001:00:00:00 +0000 c"]
    assert is_new(tmp_path, [*odd, LOG[50]])


def test_lines_without_a_time_are_not_looked_up(tmp_path: Path) -> None:
    send(tmp_path, LOG[:2])
    assert is_new(tmp_path, [b"some", b"words"])
    assert is_new(tmp_path, [])


def test_a_sample_is_small_and_has_beginning_end_and_runs_of_neighbours() -> None:
    lines = [b"%d" % number for number in range(10_000)]
    numbers = [int(one.value) for one in sample_of(lines)]
    assert numbers[:RUN] == list(range(RUN))
    assert numbers[-RUN:] == list(range(10_000 - RUN, 10_000))
    assert len(numbers) == RUN * (RUNS + 2)
    assert len(sample_of(lines[:50])) == 50
    assert random.Random(1).sample(numbers, 5) == random.Random(1).sample([int(o.value) for o in sample_of(lines)], 5)


@pytest.mark.parametrize(
    ("text", "shift", "width"),
    [
        (b'x [01/Mar/2026:12:00:00 +0000] "GET /"', 0, CERTAIN_SECONDS),
        (b"x [01/Mar/2026:13:30:00 +0130]", 0, CERTAIN_SECONDS),
        (b'{"timestamp": "2026-03-01T10:00:00.123-02:00"}', 0, CERTAIN_SECONDS),
        (b"2026-03-01T12:00:00Z", 0, CERTAIN_SECONDS),
        (b"x [Sun, 01 Mar 2026 12:00:00 GMT]", 0, CERTAIN_SECONDS),
        (b'192.0.2.1 [%d.250] "GET /" 200 1234567' % NOON, 0, CERTAIN_SECONDS),
        (b'{"timestamp": %d123}' % NOON, 0, CERTAIN_SECONDS),
        (b"2026-03-01 12:00:00,5 words", 0, ZONELESS_SECONDS),
    ],
)
def test_a_line_says_when_it_happened(text: bytes, shift: int, width: int) -> None:
    assert span_of(text) == Span(NOON + shift - width, NOON + shift + width)


@pytest.mark.parametrize(
    "text", [b"", b"words", b"a 12345 b 17723664001", b"[41/Mar/2026:12:00:00 +0000]", b"[01/Mrz/2026:12:00:00 +0000]"]
)
def test_a_line_that_does_not_say_so_has_no_time(text: bytes) -> None:
    assert span_of(text) is None
