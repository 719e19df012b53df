"""What an audit says, for people and for programs: one line per check, and one verdict over all."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from audit.check import Check, Verdict, number
from audit.scope import Scope
from lake.contracts.reports import VerifyReport

WORST_FIRST = (Verdict.FAILED, Verdict.CRASHED, Verdict.UNCHECKED)
HEADINGS = ("check", "one side", "the other side", "verdict")


@dataclass(frozen=True)
class Versions:
    """The versions of the tables that were compared; the ledger counts bronze up to ``batch``."""

    bronze: int
    ledger: int
    batch: int


@dataclass(frozen=True)
class Report:
    """All checks, and what was looked at; ``versions`` is None where the tables' logs could not be read."""

    lake: str
    scope: str
    seconds: float
    checks: list[Check]
    versions: Versions | None = None

    @property
    def verdict(self) -> Verdict:
        """One failure fails the whole; a check that crashed or was not made leaves it open."""
        verdicts = {check.verdict for check in self.checks}
        return next((verdict for verdict in WORST_FIRST if verdict in verdicts), Verdict.OK)

    @property
    def title(self) -> str:
        """What was looked at, in one line."""
        if self.versions is None:
            return f"Weblake: {self.lake}"
        return (
            f"Weblake, {self.scope}: bronze at version {self.versions.bronze}, the ledger at version "
            f"{self.versions.ledger} = bronze up to batch {self.versions.batch}, in {self.seconds:.1f} s"
        )

    @property
    def summary(self) -> str:
        """The verdict in one line, with the names of the checks that do not hold."""
        names = [check.name for check in self.checks if check.verdict is self.verdict]
        if self.verdict is Verdict.FAILED:
            return f"NOT WELL: {number(len(names), 'check')} failed: {', '.join(names)}"
        if self.verdict is Verdict.CRASHED:
            return f"What was checked holds. Crashed, so run `make verify` again: {', '.join(names)}"
        if self.verdict is Verdict.UNCHECKED:
            return f"What was checked holds. Not checked: {', '.join(names)}"
        return f"All {len(self.checks)} checks hold."

    def on_record(self, scope: Scope, is_deep: bool, now: float) -> VerifyReport:
        """Return what ``weblake status`` shows of it; ``now`` in epoch seconds."""
        names = {verdict: tuple(one.name for one in self.checks if one.verdict is verdict) for verdict in Verdict}
        return VerifyReport(
            at=now,
            seconds=round(self.seconds, 1),
            verdict=self.verdict.name.lower(),
            scope=self.scope,
            is_whole=scope.is_all,
            is_deep=is_deep,
            ok=len(names[Verdict.OK]),
            failed=names[Verdict.FAILED],
            unchecked=(*names[Verdict.CRASHED], *names[Verdict.UNCHECKED]),
        )

    def as_json(self) -> dict[str, object]:
        """Return the report for a program to read."""
        return {
            "verdict": self.verdict.name.lower(),
            "summary": self.summary,
            "lake": self.lake,
            "scope": self.scope,
            "seconds": round(self.seconds, 1),
            "versions": asdict(self.versions) if self.versions else None,
            "checks": [check.as_json() for check in self.checks],
        }


def as_lines(report: Report) -> list[str]:
    """Return the report as a table's lines; a check that failed or was not made has its reason on one of its own."""
    rows = [HEADINGS, *((check.name, check.left, check.right, check.verdict.value) for check in report.checks)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    lines = [report.title, ""]
    for row, check in zip(rows, [None, *report.checks], strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        is_fine = check is not None and check.verdict is Verdict.OK
        lines.append("  ".join([*cells, row[-1]]) + (f"  ({check.note})" if check and is_fine and check.note else ""))
        if check and check.note and not is_fine:
            lines.append(f"    {check.note}")
    return [*lines, "", report.summary]
