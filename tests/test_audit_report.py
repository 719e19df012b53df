"""What an audit says: to people as a table, to programs as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from audit.check import Check, Verdict, compared, crashed, failed, unchecked
from audit.report import Report, Versions, as_lines
from audit.scope import Scope
from lake.contracts.reports import VerifyReport, read_verify_report, write_verify_report
from weblake.main import run

GOOD = compared("ledger: all", "2 events", "2 events", note="30 measures")
BAD = compared("marts: traffic", "2 events", "3 events", "first: row 1")
VERSIONS = Versions(7, 8, 6)
OPEN = unchecked("Kafka: offsets", "Kafka does not answer")
BROKEN = crashed("deep", "Spark's Java process was killed")


def report(*checks: Check, versions: Versions | None = VERSIONS) -> Report:
    return Report("/data/lake", "all time", 1.26, list(checks), versions)


@pytest.mark.parametrize(
    ("checks", "verdict", "summary"),
    [
        ([GOOD], Verdict.OK, "All 1 checks hold."),
        ([GOOD, OPEN], Verdict.UNCHECKED, "What was checked holds. Not checked: Kafka: offsets"),
        ([OPEN, BROKEN], Verdict.CRASHED, "What was checked holds. Crashed, so run `make verify` again: deep"),
        ([OPEN, BROKEN, BAD, GOOD], Verdict.FAILED, "NOT WELL: 1 check failed: marts: traffic"),
    ],
)
def test_one_failure_fails_the_whole(checks: list[Check], verdict: Verdict, summary: str) -> None:
    assert (report(*checks).verdict, report(*checks).summary) == (verdict, summary)


def test_the_reason_of_a_failure_has_a_line_of_its_own() -> None:
    lines = as_lines(report(GOOD, BAD))
    assert (
        lines[0] == "Weblake, all time: bronze at version 7, the ledger at version 8 = bronze up to batch 6, in 1.3 s"
    )
    assert lines[3] == "ledger: all     2 events  2 events        ok  (30 measures)"
    assert lines[4:6] == ["marts: traffic  2 events  3 events        FAILED", "    first: row 1"]


def test_a_program_reads_the_verdict_and_every_check() -> None:
    parsed = json.loads(json.dumps(report(GOOD, BAD).as_json()))
    assert parsed["verdict"] == "failed"
    assert parsed["versions"] == {"bronze": 7, "ledger": 8, "batch": 6}
    assert parsed["checks"][1] == {
        "name": "marts: traffic",
        "verdict": "failed",
        "left": "2 events",
        "right": "3 events",
        "note": "first: row 1",
    }


@pytest.mark.parametrize(("check", "code", "offline"), [(GOOD, 0, 0), (OPEN, 3, 0), (BROKEN, 3, 3), (BAD, 1, 1)])
def test_the_exit_code_tells_lost_data_from_a_check_that_was_not_made(
    check: Check, code: int, offline: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weblake.commands.care._audit", lambda *_: report(GOOD, check))
    assert (run(["verify"]), run(["verify", "--offline"])) == (code, offline)


def test_what_stays_on_record_names_the_checks_and_no_value() -> None:
    record = report(GOOD, BAD, OPEN, BROKEN).on_record(Scope(), is_deep=True, now=5.0)
    assert record == VerifyReport(
        at=5.0,
        seconds=1.3,
        verdict="failed",
        scope="all time",
        is_whole=True,
        is_deep=True,
        ok=1,
        failed=("marts: traffic",),
        unchecked=("deep", "Kafka: offsets"),
    )


def test_a_failure_stays_on_record_until_a_look_at_as_much_is_good(tmp_path: Path) -> None:
    path = tmp_path / "verify.json"
    bad = VerifyReport(verdict="failed", scope="all time", is_deep=True, failed=("deep: ledger: all",))
    good = replace(bad, verdict="ok", failed=())
    assert read_verify_report(path) is None
    write_verify_report(path, bad)
    assert read_verify_report(path) == bad
    for smaller in (
        replace(good, is_deep=False),
        replace(good, is_whole=False, scope="a day"),
        replace(good, verdict="crashed"),
    ):
        write_verify_report(path, smaller)
        assert read_verify_report(path) == bad
    write_verify_report(path, good)
    write_verify_report(path, replace(good, is_deep=False))
    assert read_verify_report(path) == replace(good, is_deep=False)
    of_a_day = replace(bad, is_whole=False, scope="a day", is_deep=False)
    write_verify_report(path, of_a_day)
    write_verify_report(path, replace(of_a_day, verdict="ok"))
    assert read_verify_report(path) == replace(of_a_day, verdict="ok")


def test_a_failure_that_a_smaller_look_finds_is_added_to_the_one_on_record(tmp_path: Path) -> None:
    path = tmp_path / "verify.json"
    lost = VerifyReport(verdict="failed", scope="all time", is_deep=True, failed=("deep: ledger: all",))
    of_a_day = VerifyReport(2.0, verdict="failed", scope="a day", is_whole=False, failed=("marts: traffic",))
    write_verify_report(path, lost)
    write_verify_report(path, of_a_day)
    both = replace(lost, at=2.0, failed=("deep: ledger: all", "marts: traffic"))
    assert read_verify_report(path) == both
    write_verify_report(path, replace(of_a_day, verdict="ok", failed=()))
    write_verify_report(path, replace(lost, verdict="ok", is_deep=False, failed=()))
    assert read_verify_report(path) == both
    smaller = replace(lost, failed=("ledger: all",))
    write_verify_report(path, smaller)
    assert read_verify_report(path) == smaller, "what looks at as much knows all that still fails"


def test_failures_of_two_ranges_are_taken_back_together(tmp_path: Path) -> None:
    path = tmp_path / "verify.json"
    first = VerifyReport(verdict="failed", scope="a day", is_whole=False, failed=("marts: traffic",))
    second = replace(first, scope="another day")
    for report in (first, second, first):
        write_verify_report(path, report)
    both = replace(first, scope="several ranges")
    for day in (first, second):
        write_verify_report(path, replace(day, verdict="ok", failed=()))
    assert read_verify_report(path) == both
    write_verify_report(path, replace(first, scope="all time", is_whole=True, verdict="ok", failed=()))
    assert read_verify_report(path) != both


def test_a_lake_that_cannot_be_read_has_no_versions() -> None:
    damaged = report(failed("lake", "the log cannot be read"), versions=None)
    assert damaged.title == "Weblake: /data/lake"
    assert damaged.as_json()["versions"] is None
