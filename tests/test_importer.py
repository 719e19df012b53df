"""The log importer: lines as they are, identities that every copy of a file gives again, clear words when it fails."""

from __future__ import annotations

import gzip
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from collected import Collector, imported, write
from commands import GROUP

from ingest.files import ending
from ingest.files.identity import LineIds, place_of
from ingest.files.log_file import LogFile
from ingest.import_logs import LINES_PER_PROGRESS, Importing, Outcome, Progress, Tally
from ingest.producer import MAX_VALUE_BYTES
from lake.errors import ServiceError
from weblake.main import run
from weblake.make import with_variables

LINE = b'203.0.113.9 - - [15/Jan/2026:07:00:00 +0000] "GET /product/1 HTTP/1.1" 200 5 "-" "x \\xe9 \xff"'
OTHER = LINE.replace(b"/product/1 ", b"/product/2 ")
LOG = b"\n".join([LINE, OTHER, LINE, b"", LINE, b"  ", OTHER]) + b"\n"
STUMP = LINE[: LINE.index(b' "-"')]


def ids_of(path: Path, source: str = "") -> list[str]:
    return [line_id.decode() for _, line_id in imported(path, source)[0]]


def test_lines_go_as_they_are_and_blank_ones_not_at_all(tmp_path: Path) -> None:
    records, tally = imported(write(tmp_path / "a.log", LOG))
    assert [value for value, _ in records] == [LINE, OTHER, LINE, LINE, OTHER]
    assert (tally.read, tally.sent, tally.blank, tally.problems) == (7, 5, 2, [])


def test_an_id_says_which_line_of_which_file_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", LOG)
    ids = ids_of(path)
    assert [place_of(line_id)[1] for line_id in ids] == [1, 2, 3, 5, 7]
    assert len({place_of(line_id)[0] for line_id in ids}) == 1
    assert len(set(ids)) == 5, "equal lines are told apart"
    assert imported(path)[1].logs == {place_of(ids[0])[0]: str(path)}


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(gzip.compress(LOG), id="gzipped"),
        pytest.param(gzip.compress(LOG[:100]) + gzip.compress(LOG[100:]), id="two gzip members"),
        pytest.param(LOG.replace(b"\n", b"\r\n"), id="carriage returns"),
        pytest.param(b"\xef\xbb\xbf" + LOG, id="a BOM"),
        pytest.param(gzip.compress(LOG.rstrip(b"\n")), id="no last line end"),
    ],
)
def test_every_copy_of_a_file_gives_the_same_ids(tmp_path: Path, copy: bytes) -> None:
    original, _ = imported(write(tmp_path / "a.log", LOG))
    assert imported(write(tmp_path / "a.log.1", copy))[0] == original


def test_a_file_that_grew_keeps_the_ids_of_its_old_lines(tmp_path: Path) -> None:
    before = ids_of(write(tmp_path / "a.log", LOG))
    after = ids_of(write(tmp_path / "a.log", LOG + LINE + b"\n"))
    assert after[:5] == before
    assert len(set(after)) == 6


def test_equal_lines_of_two_files_stay_two_wherever_they_stand(tmp_path: Path) -> None:
    one = ids_of(write(tmp_path / "one.log", LINE + b"\n" + OTHER + b"\n"))
    other = ids_of(write(tmp_path / "other.log", OTHER + b"\n" + LINE + b"\n"))
    assert not set(one) & set(other)
    rotated = ids_of(write(tmp_path / "rotated.log", OTHER + b"\n"))
    assert not set(one) & set(rotated), "the last line of a log and the first of the next"


def test_a_file_of_one_line_is_known_by_it_until_it_has_more(tmp_path: Path) -> None:
    one = ids_of(write(tmp_path / "a.log", LINE + b"\n"))
    assert ids_of(write(tmp_path / "renamed.log", LINE + b"\n")) == one
    assert ids_of(write(tmp_path / "a.log", LINE + b"\n" + OTHER + b"\n"))[:1] == one


def test_comments_are_skipped_and_name_no_file(tmp_path: Path) -> None:
    records, tally = imported(write(tmp_path / "a.log", b"#Version: 1.0\n#Date: 2026-03-01\n"))
    assert (records, tally.read, tally.comments) == ([], 2, 2)
    head = b"#Version: 1.0\n"
    one, other = (ids_of(write(tmp_path / "b.log", head + line + b"\n")) for line in (LINE, OTHER))
    assert place_of(one[0])[0] != place_of(other[0])[0]
    assert place_of(one[0])[1] == 2


def test_a_source_is_sent_along_and_keeps_servers_apart_whose_logs_begin_alike(tmp_path: Path) -> None:
    path, collector = write(tmp_path / "a.log", LOG), Collector()
    with LogFile(str(path)) as file:
        Importing(collector, "web1").send_file(file, file.logs())
    assert {headers["source"] for _, headers in collector.records} == {b"web1"}
    assert ids_of(path, "web1") == [headers["event_id"].decode() for _, headers in collector.records]
    assert len({*ids_of(path), *ids_of(path, "web1"), *ids_of(path, "web2")}) == 15


def test_a_line_that_is_not_finished_is_held_back_and_comes_when_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "REST_SECONDS", 0.1)
    path = write(tmp_path / "a.log", LOG + STUMP)
    records, tally = imported(path)
    assert len(records) == 5
    assert f"{path}: line 8 has no end and may be half of one, so it was held back" in tally.notes[0]
    assert (tally.held_back, tally.problems) == (1, [])
    packed, tally = imported(write(tmp_path / "a.log.gz", gzip.compress(LOG + STUMP)))
    assert (len(packed), tally.held_back) == (5, 1)
    assert imported(write(path, LOG + LINE + b"\n"))[0][:5] == records


def test_a_whole_line_without_an_end_is_sent_when_nobody_writes_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.log", LOG + OTHER)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    at_rest, tally = imported(path)
    assert (len(at_rest), tally.held_back) == (6, 0)
    assert imported(write(path, LOG + OTHER + b"\n"))[0] == at_rest
    monkeypatch.setattr(ending, "REST_SECONDS", 60.0)
    monkeypatch.setattr("ingest.files.ending.time.sleep", lambda _: path.write_bytes(LOG + OTHER + b"\nmore"))
    assert imported(write(path, LOG + OTHER))[1].held_back == 1, "somebody writes it"


def test_a_line_too_large_for_kafka_is_reported_by_number_and_the_rest_goes_on(tmp_path: Path) -> None:
    fits, huge = b"y" * MAX_VALUE_BYTES, b"x" * (MAX_VALUE_BYTES + 1)
    text = LINE + b"\n" + huge + b"\n" + fits + b"\r\n" + b"z" * 3_000_000 + b"\n" + OTHER + b"\n"
    records, tally = imported(write(tmp_path / "a.log", text))
    assert [value for value, _ in records] == [LINE, fits, OTHER]
    assert [problem.split(": ")[1] for problem in tally.problems] == ["line 2 was not sent", "line 4 was not sent"]
    assert "3,000,001 bytes" in tally.problems[1]


def test_progress_adds_up_to_the_size_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", gzip.compress(LOG * 3000))
    steps: list[int] = []
    imported(path, progress=Progress(advance=steps.append))
    assert sum(steps) == path.stat().st_size


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.log", None, "none.log does not exist"),
        ("", None, "is a directory"),
        (
            "error.log",
            b"2026/03/01 03:00:00 [error] 8#8: *1 open() failed\n",
            "is nginx's error log, and no access log",
        ),
        ("logs.7z", b"7z\xbc\xaf\x27\x1c" + bytes(range(256)), "is a 7-Zip archive; unpack it first"),
    ],
)
def test_what_cannot_be_imported_stops_the_import_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, message: str
) -> None:
    good = write(tmp_path / "good.log", LOG)
    if content:
        write(tmp_path / name, content)
    assert run(["import", str(good), str(tmp_path / name)]) == 2
    assert message in capsys.readouterr().err


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


def test_patterns_are_filled_in_once_and_alike_for_the_import_and_its_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "older" / "oldest").mkdir(parents=True)
    paths = [str(write(tmp_path / name, LOG)) for name in ("a.log", "older/b.log", "older/oldest/c.log")]
    named: list[list[str]] = []

    def import_files(names: list[str], *_: object) -> Outcome:
        named.append(names)
        return Outcome("", [], False)

    def progress_bar(names: list[str]) -> AbstractContextManager[None]:
        named.append(names)
        return nullcontext()

    monkeypatch.setattr("ingest.import_logs.import_files", import_files)
    monkeypatch.setattr("weblake.show.bars.progress_bar", progress_bar)
    monkeypatch.chdir(tmp_path)
    command = with_variables(GROUP, ["import"], {"FILE": f"{tmp_path}/**/*.log"})
    assert run(command) == 0
    assert named == [paths, paths]


def test_an_empty_file_has_no_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    records, tally = imported(write(tmp_path / "a.log", b""))
    assert (records, tally.read) == ([], 0)
    assert f"{tmp_path / 'a.log'} is empty" in caplog.text


def test_ids_need_no_memory() -> None:
    ids = LineIds()
    assert ids.take(LINE, 1) != ids.take(LINE, 1_000_000_000)
    assert len(ids.take(LINE, 1_000_000_000)) == 16 + 1 + 10 + 1 + 16


def test_the_summary_gives_lines_read_and_sent_and_seconds() -> None:
    tally = Tally(read=1_005, sent=1_000, blank=2, comments=3)
    assert tally.summary(acknowledged=990).startswith(
        "1,005 lines read, 1,000 sent, 990 acknowledged, 2 blank ones skipped, 3 comments skipped"
    )
    assert tally.summary(acknowledged=1_000).endswith("0.0 seconds")
