"""What an audit prints: one line a check, and a verdict over all."""

from __future__ import annotations

from audit.check import Check, Verdict, number
from audit.verify import Result

HEADINGS = ("check", "one side", "the other side", "verdict")


def as_text(result: Result) -> str:
    """Return the audit as a table; a failure or what was not checked has its reason on a line of its own."""
    rows = [HEADINGS, *((check.name, check.left, check.right, check.verdict.value) for check in result.checks)]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    lines = [result.title, ""]
    for row, check in zip(rows, [None, *result.checks], strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        is_fine = check is not None and check.verdict is Verdict.OK
        lines.append("  ".join([*cells, row[3]]) + (f"  ({check.note})" if check and is_fine and check.note else ""))
        if check and check.note and not is_fine:
            lines.append(f"    {check.note}")
    return "\n".join([*lines, "", _summary(result.checks)])


def _summary(checks: list[Check]) -> str:
    wrong = [check.name for check in checks if check.verdict is Verdict.FAILED]
    open_ = [check.name for check in checks if check.verdict is Verdict.UNCHECKED]
    if wrong:
        return f"NOT WELL: {number(len(wrong), 'check')} failed: {', '.join(wrong)}"
    if open_:
        return f"What was checked holds. Not checked: {', '.join(open_)}"
    return f"All {len(checks)} checks hold."
