"""The end of an import on the real services: what became of its lines, and what is refused before it begins."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from background import in_background
from collected import write
from pyspark.sql import SparkSession
from streaming import cells, send, settings

from lake.settings import Settings
from spark.pipeline import Pipeline
from stack.servers.waiting import wait_until
from weblake.main import run

pytestmark = pytest.mark.stack
__all__ = ["settings"]


def line(second: int, product: str, address: str = "203.0.113.9") -> bytes:
    when = f"01/Mar/2026:12:{second // 60:02d}:{second % 60:02d} +0000"
    return f'{address} - - [{when}] "GET /product/{product} HTTP/1.1" 200 512 "-" "Mozilla/5.0 Firefox/125.0"'.encode()


def log(*lines: bytes) -> bytes:
    return b"".join(one + b"\n" for one in lines)


Import = Callable[..., tuple[int, str, str]]


@pytest.fixture
def importer(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Import:
    """Runs the command, and returns its exit code and what it said."""
    monkeypatch.setattr("weblake.process.load_settings", lambda *_, **__: settings)

    def run_import(*arguments: object) -> tuple[int, str, str]:
        code = run(["import", *map(str, arguments)])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_import


@pytest.fixture
def stream(session: SparkSession, settings: Settings) -> Iterator[None]:
    pipeline = Pipeline(session, settings)

    def follow(stop: threading.Event) -> None:
        while not stop.wait(0.5):
            pipeline.drain()

    pipeline.drain()
    with in_background(follow, "stream"):
        yield


def views(settings: Settings) -> dict[str, int]:
    """Return the events of each product."""
    found: dict[str, int] = {}
    for (dimension, _, key), events in cells(settings).items():
        if dimension == "product" and key:
            found[key] = found.get(key, 0) + events
    return found


def test_where_no_stream_runs_the_import_says_so_and_ends(importer: Import, tmp_path: Path) -> None:
    code, out, err = importer(write(tmp_path / "a.log", log(line(0, "a"))))
    assert code == 0
    assert out.startswith("1 lines read, 1 sent, ")
    assert "no stream runs here, so nothing is counted yet: `make up` starts it" in err
    assert importer("--wait", "0", tmp_path / "a.log")[2] == ""


@pytest.mark.usefixtures("stream")
def test_an_import_ends_with_what_became_of_its_lines(importer: Import, tmp_path: Path) -> None:
    good = [line(second, "a") for second in range(30)]
    path = write(tmp_path / "a.log", log(*good, b"words \x1b[31m and", b"more words", good[0]))
    code, out, err = importer(path)
    assert (code, out.splitlines()[1]) == (1, "31 counted, 0 duplicate, 2 rejected")
    assert "  2 not_a_log_line: it is neither a JSON event nor a line in a format that Weblake reads" in out
    assert f"    {path}: line 31: words \\x1b[31m and" in out
    assert "6% of the lines were rejected, more than REJECT_SHARE=0.05" in err
    code, out, err = importer("--reject-share", "0.1", path)
    assert (code, out.splitlines()[1]) == (0, "0 counted, 31 duplicate, 2 rejected")
    grown = write(tmp_path / "a.log.1.gz", gzip.compress(path.read_bytes() + log(line(99, "a"))))
    code, out, err = importer("--reject-share", "0.1", grown)
    assert (code, out.splitlines()[1]) == (0, "1 counted, 31 duplicate, 2 rejected")
    foreign = write(tmp_path / "foreign.log", log(*(b"word %d" % number for number in range(9))))
    code, out, err = importer(foreign)
    assert (code, out) == (2, "")
    assert "none of the first 9 lines" in err
    code, out, err = importer("--unread", foreign)
    assert (code, out.splitlines()[1]) == (1, "0 counted, 0 duplicate, 9 rejected")
    assert "100% of the lines were rejected" in err


@pytest.mark.usefixtures("stream")
def test_twins_of_two_servers_are_two_and_copies_are_refused(
    importer: Import, settings: Settings, tmp_path: Path
) -> None:
    one = write(tmp_path / "web1.log", log(line(0, "a"), line(5, "a", "192.0.2.1"), line(9, "b")))
    other = write(tmp_path / "web2.log", log(line(5, "a", "192.0.2.1"), line(7, "a")))
    assert importer(one)[:2][0] == 0
    assert importer(other)[1].splitlines()[1] == "2 counted, 0 duplicate, 0 rejected"
    wait_until(lambda: views(settings) == {"a": 4, "b": 1}, 60, "PostgreSQL has them")
    copy = write(tmp_path / "copy.log", log(line(9, "b"), line(7, "a")))
    code, out, err = importer(copy)
    assert (code, out) == (1, "")
    assert "copy.log: 2 of 2 lines that were looked up are in the lake already under other ids; they came" in err
    code, out, _ = importer("--again", copy)
    assert (code, out.splitlines()[1]) == (0, "2 counted, 0 duplicate, 0 rejected")


@pytest.mark.usefixtures("stream")
def test_a_log_of_which_a_shipper_sent_lines_is_refused(
    importer: Import, settings: Settings, session: SparkSession, tmp_path: Path
) -> None:
    lines = [line(second, "a") for second in (0, 2, 4)]
    send(settings, [(lines[0], None), (lines[2], None)])
    importer(write(tmp_path / "other.log", log(line(50, "b"))))  # ends when the stream has come so far
    code, _, err = importer(write(tmp_path / "access.log", log(*lines)))
    assert code == 1
    assert "access.log: 2 of 3 lines that were looked up are in the lake already" in err
    wait_until(lambda: views(settings) == {"a": 2, "b": 1}, 60, "PostgreSQL has what was sent")
