"""What ``weblake verify`` prints."""

from __future__ import annotations

import sys

from audit.check import Check, Verdict
from audit.report import HEADINGS, Report, as_lines
from weblake.console import BAD, DIM, GOOD, STRONG, Cell, write, write_table

STYLES = {Verdict.OK: GOOD, Verdict.FAILED: BAD, Verdict.UNCHECKED: "yellow", Verdict.CRASHED: "yellow"}
SIGNS = {Verdict.OK: "✓", Verdict.FAILED: "✗", Verdict.UNCHECKED: "?", Verdict.CRASHED: "?"}


def show_report(report: Report) -> None:
    """Write the checks as a table, the reasons of what does not hold, and the verdict over all."""
    if not sys.stdout.isatty():
        for line in as_lines(report):
            write(line)
        return
    write(report.title, STRONG)
    write_table((*HEADINGS, "note"), [_row(check) for check in report.checks])
    for check in report.checks:
        if check.note and check.verdict is not Verdict.OK:
            write(f"{check.name}: {check.note}", STYLES[check.verdict])
    write(report.summary, f"bold {STYLES[report.verdict]}")


def _row(check: Check) -> tuple[Cell | str, ...]:
    verdict = Cell(f"{SIGNS[check.verdict]} {check.verdict.value}", STYLES[check.verdict])
    note = check.note if check.verdict is Verdict.OK else "see below"
    return (Cell(check.name, STRONG), check.left, check.right, verdict, Cell(note if check.note else "", DIM))
