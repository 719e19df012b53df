"""What comes out of somebody's log is shown as it is, and does nothing to the terminal that shows it."""

from __future__ import annotations

import datetime as dt
import io
import logging
import subprocess
from pathlib import Path

import pytest
from settings_in import settings_in
from statuses import a_status

from audit.check import Check, Verdict
from audit.explain import Explanation, RawRecords, Ruling
from audit.report import Report
from ingest.account import Account, Rejection
from ingest.import_logs import Outcome
from lake.command import weblake_command
from lake.contracts.records import Change, ReplayRecord, VerdictRecord
from lake.errors import LakeError
from lake.settings import PROJECT, child_environment
from lake.text import printable, printable_lines
from weblake import console
from weblake.main import _fail as fail
from weblake.main import run
from weblake.process import set_up_log
from weblake.show.errands import show_replays, show_verdicts
from weblake.show.imports import show_account, show_outcome
from weblake.show.status import show_status
from weblake.show.verify import show_report

pytestmark = pytest.mark.usefixtures("log_as_it_was")

HOSTILE = "\x1b[31mA\x9b2J\x00\x7f\u202eB\u2066\u2028\ud800\r\nC\t[red]D[/red] :warning: $x_1$"
SHOWN = r"\x1b[31mA\x9b2J\x00\x7f\u202eB\u2066\u2028\ud800\r\nC\t[red]D[/red] :warning: $x_1$"
AT = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def is_tame(text: str) -> bool:
    """Whether nothing in it acts on a terminal, and all of the hostile text is there."""
    return SHOWN in text and all(char.isprintable() or char == "\n" for char in text)


def test_what_prints_stays_and_what_does_not_becomes_an_escape() -> None:
    assert printable("Größe 5 € 日本 \\x22 [a]") == "Größe 5 € 日本 \\x22 [a]"
    assert printable(HOSTILE) == SHOWN
    assert printable_lines("a\x1b\nb\r\n") == "a\\x1b\nb\\r\n"


def test_tables_and_lists_are_tame(capsys: pytest.CaptureFixture[str]) -> None:
    show_verdicts([VerdictRecord(1, at=0.0, by="hand", changes=(Change("192.0.2.1", "convicted", HOSTILE),))])
    assert is_tame(capsys.readouterr().out)
    show_replays([ReplayRecord("r", 0, 10, reason=HOSTILE)])
    assert is_tame(capsys.readouterr().out)
    show_status(a_status(errors=[HOSTILE]))
    assert is_tame(capsys.readouterr().out)
    show_report(Report("lake", "all", 1.0, [Check("rows", HOSTILE, "1", Verdict.FAILED, HOSTILE)]))
    assert is_tame(capsys.readouterr().out)
    show_outcome(Outcome(HOSTILE, [HOSTILE], was_interrupted=False, notes=[HOSTILE]))
    rejection = Rejection(HOSTILE, 1, HOSTILE, HOSTILE.encode(errors="surrogatepass"), HOSTILE)
    show_account(Account(rejections=[rejection], note=HOSTILE), most_rejected=0.05)
    captured = capsys.readouterr()
    assert is_tame(captured.out)
    assert is_tame(captured.err)


def test_an_explanation_is_tame(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    explanation = Explanation("203.0.113.7", Ruling("convicted", "hand", AT, HOSTILE), None)
    monkeypatch.setattr("audit.explain.explain", lambda *_: explanation)
    monkeypatch.setattr("audit.explain.raw_records", lambda *_: RawRecords(1, 1, (HOSTILE,), (HOSTILE,)))
    assert run(["explain", "--ip", "203.0.113.7"]) == 0
    out = capsys.readouterr().out
    assert is_tame(out)
    assert out.count(SHOWN) == 3


def test_agents_stay_one_to_a_line_with_four_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "agents.txt").write_bytes(b"\x1b[31m\tx\xc2\x9b\xe2\x80\xae\xff\x00 y\rz\r\n")
    assert run(["classify", str(tmp_path / "agents.txt")]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split("\t")[3:] == ["\\x1b[31m\\tx\\x9b\\u202e\N{REPLACEMENT CHARACTER}\\x00 y\\rz"]


def test_errors_are_tame_and_keep_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    fail(f"first {HOSTILE}", 1)
    assert SHOWN.partition(r"\n")[0] in capsys.readouterr().err
    assert run(["import", "no\x1b[31m\x9b.log"]) == 2
    assert "no\\x1b[31m\\x9b.log does not exist" in capsys.readouterr().err


def test_the_log_is_tame_and_a_message_has_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log("INFO")
    try:
        raise LakeError(HOSTILE)
    except LakeError:
        logging.getLogger("spark.bronze").exception("%s is empty", HOSTILE)
    line, *traceback = capsys.readouterr().err.split("\n")
    assert is_tame(line)
    assert traceback[0].startswith("Traceback")
    assert all(text.isprintable() for text in traceback)


def test_a_terminal_shows_no_markup_and_no_code_of_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    console.write_table(("agent",), [(HOSTILE,), (console.Cell(HOSTILE, console.BAD),)], "Agents")
    console.write(HOSTILE, console.GOOD)
    shown = terminal.getvalue()
    assert shown.count(SHOWN) == 3
    assert not any(char in shown for char in "\x9b\u202e\x00\x7f\r\t")
    assert "\x1b[31mA" not in shown


def test_logs_are_followed_tamely(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "postgres.log").write_bytes(b"a\x1b[31m\xc2\x9b\xff\rb\n")
    with subprocess.Popen(
        weblake_command("logs", "postgres"), cwd=PROJECT, env=child_environment(settings), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
    assert line.decode() == "a\\x1b[31m\\x9b\N{REPLACEMENT CHARACTER}\\rb\n"
