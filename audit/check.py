"""One line of the audit: two sides that should agree, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How a check came out."""

    OK = "ok"
    FAILED = "FAILED"
    UNCHECKED = "not checked"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Check:
    """What was compared, what each side says, the verdict, and a note."""

    name: str
    left: str
    right: str
    verdict: Verdict
    note: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the check for a program to read; its verdict is ``ok``, ``failed``, ``unchecked`` or ``crashed``."""
        return {
            "name": self.name,
            "verdict": self.verdict.name.lower(),
            "left": self.left,
            "right": self.right,
            "note": self.note,
        }


def compared(name: str, left: str, right: str, problem: str = "", note: str = "") -> Check:
    """Return a check that failed if there is a problem, and holds if there is none."""
    return Check(name, left, right, Verdict.FAILED if problem else Verdict.OK, problem or note)


def failed(name: str, problem: str) -> Check:
    """Return a check that failed because damage made it impossible."""
    return Check(name, "", "", Verdict.FAILED, problem)


def unchecked(name: str, reason: str) -> Check:
    """Return a check that was not made, for a reason outside of what it checks."""
    return Check(name, "", "", Verdict.UNCHECKED, reason)


def crashed(name: str, reason: str) -> Check:
    """Return a check that broke off, for a reason that says nothing of what it checks."""
    return Check(name, "", "", Verdict.CRASHED, reason)


def number(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 row``, ``2,000 rows``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def difference(names: Sequence[str], left: Sequence[object], right: Sequence[object], sides: tuple[str, str]) -> str:
    """Say in which of the named values two sides differ: ``views 3 in bronze, 2 in the ledger``."""
    values: Mapping[str, tuple[object, object]] = dict(zip(names, zip(left, right, strict=True), strict=True))
    return "; ".join(
        f"{name} {ours} in {sides[0]}, {theirs} in {sides[1]}"
        for name, (ours, theirs) in values.items()
        if ours != theirs
    )
