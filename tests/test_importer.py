"""The log importer: lines as they are, identities that every copy of a file gives again, clear words when it fails."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ingest.import_logs import LINES_PER_PROGRESS, Outcome, Tally, import_file
from ingest.log_file import LineIds, LogFile, LogFileError
from ingest.producer import MAX_VALUE_BYTES
from lake.errors import ServiceError
from weblake.main import run

LINE = b'203.0.113.9 - - [15/Jan/2026:07:00:00 +0000] "GET /product/1 HTTP/1.1" 200 5 "-" "x \\xe9 \xff"'
OTHER = LINE.replace(b"/product/1 ", b"/product/2 ")
LOG = b"\n".join([LINE, OTHER, LINE, b"", LINE, b"  ", OTHER]) + b"\n"


class Collector:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes]] = []

    def send(self, value: bytes, headers: list[tuple[str, bytes]] | None = None, label: str = "") -> None:
        assert headers is not None
        assert headers[0][0] == "event_id"
        self.records.append((value, headers[0][1]))

    def settle(self) -> None:
        pass


def imported(path: Path) -> tuple[list[tuple[bytes, bytes]], Tally]:
    collector, tally = Collector(), Tally()
    with LogFile(str(path)) as file:
        import_file(file, collector, tally, lambda _bytes: None)
    return collector.records, tally


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_lines_go_as_they_are_and_blank_ones_not_at_all(tmp_path: Path) -> None:
    records, tally = imported(write(tmp_path / "a.log", LOG))
    assert [value for value, _ in records] == [LINE, OTHER, LINE, LINE, OTHER]
    assert (tally.read, tally.sent, tally.blank, tally.problems) == (7, 5, 2, [])


def test_identical_lines_are_told_apart_by_their_ordinal(tmp_path: Path) -> None:
    ids = [line_id.decode() for _, line_id in imported(write(tmp_path / "a.log", LOG))[0]]
    assert [line_id[-2:] for line_id in ids] == ["-0", "-0", "-1", "-2", "-1"]
    assert len(set(ids)) == 5
    assert len(ids[0]) == 32 + 2


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(gzip.compress(LOG), id="gzipped"),
        pytest.param(gzip.compress(LOG[:100]) + gzip.compress(LOG[100:]), id="two gzip members"),
        pytest.param(LOG.replace(b"\n", b"\r\n"), id="carriage returns"),
        pytest.param(LOG.rstrip(b"\n"), id="no last line end"),
        pytest.param(LOG.replace(b"\n\n", b"\n"), id="no blank line"),
    ],
)
def test_every_copy_of_a_file_gives_the_same_ids(tmp_path: Path, copy: bytes) -> None:
    original, _ = imported(write(tmp_path / "a.log", LOG))
    assert imported(write(tmp_path / "a.log.1", copy))[0] == original


def test_a_file_that_grew_keeps_the_ids_of_its_old_lines(tmp_path: Path) -> None:
    before, _ = imported(write(tmp_path / "a.log", LOG))
    after, _ = imported(write(tmp_path / "a.log", LOG + LINE + b"\n"))
    assert after[:5] == before
    assert after[5][1].endswith(b"-3")


def test_memory_for_ordinals_is_bounded() -> None:
    ids = LineIds(remembered=10)
    assert ids.take(b"same").endswith(b"-0")
    for number in range(4):
        ids.take(b"%d" % number)
    assert ids.take(b"same").endswith(b"-1"), "the last half of the limit is always remembered"
    for number in range(100):
        ids.take(b"%d" % number)
        assert len(ids._young) + len(ids._old) <= 10
    assert ids.take(b"same").endswith(b"-0"), "what is forgotten starts again"


def test_standard_input_may_be_gzipped(monkeypatch: pytest.MonkeyPatch) -> None:
    source = io.BufferedReader(io.BytesIO(gzip.compress(LOG)))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=source))
    with LogFile("-") as file:
        assert [line.value for line in file.lines()][:2] == [LINE, OTHER]
    assert not source.closed


def test_a_line_too_large_for_kafka_is_reported_by_number_and_the_rest_goes_on(tmp_path: Path) -> None:
    fits, huge = b"y" * MAX_VALUE_BYTES, b"x" * (MAX_VALUE_BYTES + 1)
    path = write(tmp_path / "a.log", LINE + b"\n" + huge + b"\n" + fits + b"\r\n" + b"z" * 3_000_000 + b"\n" + OTHER)
    records, tally = imported(path)
    assert [value for value, _ in records] == [LINE, fits, OTHER]
    assert [problem.split(": ")[1] for problem in tally.problems] == ["line 2 was not sent", "line 4 was not sent"]
    assert "3,000,001 bytes" in tally.problems[1]


def test_a_gzip_that_is_cut_short_sends_what_it_has_and_says_so(tmp_path: Path) -> None:
    log = b"".join(b"%s %d\n" % (LINE, number) for number in range(5_000))
    path = write(tmp_path / "a.log.gz", gzip.compress(log)[:-2_000])
    records, tally = imported(path)
    assert 0 < len(records) < 5_000
    assert [value for value, _ in records] == log.splitlines()[: len(records)]
    assert f"{path} is broken after line {len(records):,}" in tally.problems[0]
    assert f"({len(records):,} lines sent so far)" in tally.problems[0]


def test_damaged_gzip_data_is_named(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(LOG * 1000))
    data[40] ^= 0xFF
    _, tally = imported(write(tmp_path / "a.gz", bytes(data)))
    assert "a.gz is broken after line" in tally.problems[0]


def test_progress_adds_up_to_the_size_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", gzip.compress(LOG * 3000))
    steps: list[int] = []
    with LogFile(str(path)) as file:
        import_file(file, Collector(), Tally(), steps.append)
        assert sum(steps) == file.size


def test_a_missing_file_or_a_folder_stops_the_import_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(tmp_path / "good.log", LOG)
    assert run(["import", str(good), str(tmp_path / "none.log")]) == 2
    assert f"{tmp_path / 'none.log'} does not exist" in capsys.readouterr().err
    assert run(["import", str(good), str(tmp_path)]) == 2
    assert f"{tmp_path} is a directory" in capsys.readouterr().err


def test_a_file_without_read_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "a.log", LOG)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(LogFileError, match=r"a\.log cannot be read: Permission denied"):
        LogFile(str(path))


def test_an_interrupt_while_kafka_is_down_still_sums_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stuck(Collector):
        acknowledged = 0
        refused: tuple[str, ...] = ()

        def settle(self) -> None:
            raise KeyboardInterrupt

        def flush(self, _seconds: float) -> None:
            raise ServiceError("Kafka has taken nothing for 121 s")

        def close(self) -> None:
            pass

    monkeypatch.setattr("ingest.import_logs.connect", lambda *_: Stuck())
    path = write(tmp_path / "a.log", LOG * LINES_PER_PROGRESS)
    assert run(["import", str(path)]) == 130
    output = capsys.readouterr()
    assert f"{LINES_PER_PROGRESS} lines read" in output.out
    assert "Kafka has taken nothing for 121 s" in output.err
    assert "import the same files again" in output.err


@pytest.mark.parametrize(("problems", "code"), [([], 0), (["Kafka has taken nothing for 121 s"], 1)])
def test_nobody_is_asked_who_stopped_an_import_that_came_to_its_end(
    problems: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.import_logs.import_files", lambda *_: Outcome("2 lines read", problems, False))
    monkeypatch.setattr("stack.turns.stopper", lambda _: pytest.fail("somebody asked"))
    assert run(["import", "a.log"]) == code


def test_an_empty_file_has_no_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    records, tally = imported(write(tmp_path / "a.log", b""))
    assert (records, tally.read) == ([], 0)
    assert f"{tmp_path / 'a.log'} is empty" in caplog.text


def test_the_summary_gives_lines_read_and_sent_and_seconds() -> None:
    tally = Tally(read=1_002, sent=1_000, blank=2)
    assert tally.summary(acknowledged=990).startswith("1,002 lines read, 1,000 sent, 990 acknowledged, 2 blank")
    assert tally.summary(acknowledged=1_000).endswith("0.0 seconds")
