"""The table that ``make faults`` ends with. A plugin, for the process that prints it collects no tests itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Row:
    """One case in the table."""

    case: str
    seed: int
    events: int
    faults: str
    lost: int
    doubled: int
    verdict: str


ROW = "row of the fault table"
"""The property of a test's report that holds its row, as a dictionary."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ended = [report for reports in terminalreporter.stats.values() for report in reports if _is_teardown(report)]
    rows = [Row(**value) for report in ended for name, value in report.user_properties if name == ROW]
    if not rows:
        return
    terminalreporter.section("faults")
    width = max(len(row.case) for row in rows)
    terminalreporter.line(
        f"{'case':<{width}}  {'seed':>6}  {'events':>7}  {'lost':>4}  {'doubled':>7}  verdict  faults"
    )
    for row in rows:
        numbers = f"{row.seed:>6}  {row.events:>7,}  {_known(row.lost):>4}  {_known(row.doubled):>7}"
        terminalreporter.line(f"{row.case:<{width}}  {numbers}  {row.verdict:<7}  {row.faults}")
    terminalreporter.line(f"again with the same seed: make faults SEED={rows[0].seed}")


def _is_teardown(report: object) -> bool:
    return isinstance(report, pytest.TestReport) and report.when == "teardown"


def _known(number: int) -> str:
    return "?" if number < 0 else str(number)
