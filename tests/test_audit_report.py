"""What an audit says: to people as a table, to programs as JSON."""

from __future__ import annotations

import json

import pytest

from audit.check import Check, Verdict, compared, failed, unchecked
from audit.report import Report, Versions, as_lines

GOOD = compared("ledger: all", "2 events", "2 events", note="30 measures")
BAD = compared("marts: traffic", "2 events", "3 events", "first: row 1")
VERSIONS = Versions(7, 8, 6)
OPEN = unchecked("Kafka: offsets", "Kafka does not answer")


def report(*checks: Check, versions: Versions | None = VERSIONS) -> Report:
    return Report("/data/lake", "all time", 1.26, list(checks), versions)


@pytest.mark.parametrize(
    ("checks", "verdict", "summary"),
    [
        ([GOOD], Verdict.OK, "All 1 checks hold."),
        ([GOOD, OPEN], Verdict.UNCHECKED, "What was checked holds. Not checked: Kafka: offsets"),
        ([OPEN, BAD, GOOD], Verdict.FAILED, "NOT WELL: 1 check failed: marts: traffic"),
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


def test_a_lake_that_cannot_be_read_has_no_versions() -> None:
    damaged = report(failed("lake", "the log cannot be read"), versions=None)
    assert damaged.title == "Weblake: /data/lake"
    assert damaged.as_json()["versions"] is None
