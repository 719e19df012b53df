"""Reports for other processes: how far each stage of the stream has come, and how the loops beside it are."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from lake.contracts.fields import fields_of
from lake.contracts.refusals import Refusal
from lake.contracts.work import Work
from lake.files import write_whole

log = logging.getLogger(__name__)


UNLISTED_SECONDS = 3600.0
RECENT_SECONDS = 600
SLOT_SECONDS = 30


@dataclass(frozen=True)
class Intake:
    """What bronze took in within some time: when that ended (epoch seconds), how many records, how many rejected."""

    at: float
    records: int
    rejected: int


@dataclass(frozen=True)
class BronzeReport:
    """How far bronze has come, and what it waits for."""

    version: int = -1
    """Delta version of the table; -1 before the first."""
    rows: int = 0
    rejected: int = 0
    next_offsets: dict[int, int] = field(default_factory=dict)
    """Offset of the next record of each partition; partitions without records are not in it."""
    ends: dict[int, int] = field(default_factory=dict)
    """The same of the topic, when bronze last looked."""
    as_of: float = 0.0
    """When Kafka got the newest row (epoch seconds)."""
    clock_ahead_seconds: float = 0.0
    """By how much the clock of a sender was ahead, of the last whose records were rejected for that."""
    clock_ahead_at: float = 0.0
    """When Kafka got the newest row beside them (epoch seconds)."""
    refusal: Refusal | None = None
    error: str | None = None
    recent: tuple[Intake, ...] = ()
    """What came in ``RECENT_SECONDS``, oldest first, about one for each ``SLOT_SECONDS``."""

    def with_intake(self, now: float, records: int, rejected: int) -> BronzeReport:
        """Add what bronze has just taken in (epoch seconds ``now``)."""
        recent = [one for one in self.recent if one.at > now - RECENT_SECONDS]
        last = recent.pop() if recent and recent[-1].at // SLOT_SECONDS == now // SLOT_SECONDS else Intake(now, 0, 0)
        return replace(self, recent=(*recent, Intake(now, last.records + records, last.rejected + rejected)))

    def taken_in(self, now: float) -> Intake:
        """Return what came in the last ``RECENT_SECONDS``, altogether."""
        recent = [one for one in self.recent if one.at > now - RECENT_SECONDS]
        return Intake(now, sum(one.records for one in recent), sum(one.rejected for one in recent))

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> BronzeReport:
        """Read it from a JSON object."""
        refusal = content.get("refusal")
        return cls(
            **{
                **fields_of(cls, content),
                "next_offsets": _offsets_of(content.get("next_offsets", {})),
                "ends": _offsets_of(content.get("ends", {})),
                "refusal": Refusal.of(refusal) if refusal else None,
                "recent": tuple(Intake(**fields_of(Intake, one)) for one in content.get("recent", ())),
            }
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            **asdict(self),
            "next_offsets": {str(partition): offset for partition, offset in self.next_offsets.items()},
            "ends": {str(partition): offset for partition, offset in self.ends.items()},
            "refusal": self.refusal.as_json() if self.refusal else None,
        }


@dataclass(frozen=True)
class SilverReport:
    """How far the ledger has come: its version, the rows of bronze that it counts, and how new they are."""

    version: int = -1
    rows: int = 0
    as_of: float = 0.0
    error: str | None = None
    advice: str | None = None
    """What to run, where the past was counted by another edition than today's."""
    named: int = 0
    """Events that said themselves what was done, of batches in which some named an action that nobody listed."""
    unlisted: int = 0
    """How many of them did so, and count as ``other``."""
    unlisted_at: float = 0.0
    """When Kafka got the newest row of those batches (epoch seconds); an hour without one begins anew."""

    def with_unlisted(self, named: int, unlisted: int, at: float) -> SilverReport:
        """Add a batch in which some events named an action that nobody listed."""
        is_recent = at - self.unlisted_at <= UNLISTED_SECONDS
        return replace(
            self,
            named=named + (self.named if is_recent else 0),
            unlisted=unlisted + (self.unlisted if is_recent else 0),
            unlisted_at=at,
        )


@dataclass(frozen=True)
class MirrorReport:
    """How far PostgreSQL has come: its bookmark, the rows of bronze that it counts, and how new they are."""

    bookmark: int = -1
    rows: int = 0
    as_of: float = 0.0
    error: str | None = None


@dataclass(frozen=True)
class StreamReport:
    """What the stream last wrote of itself; ``updated_at`` in epoch seconds."""

    pid: int = 0
    updated_at: float = 0.0
    bronze: BronzeReport = BronzeReport()
    silver: SilverReport = SilverReport()
    mirror: MirrorReport = MirrorReport()
    batch_since: dict[str, float] = field(default_factory=dict)
    """Stage -> when it began its present batch (epoch seconds); only the stages that are at one."""
    running_since: float = 0.0
    """When it was started (epoch seconds); one that is started again within two minutes goes on running."""
    waiting_since: dict[str, float] = field(default_factory=dict)
    """Stage -> when the oldest rows came that wait for it (epoch seconds). Bronze's rows wait in Kafka, which knows."""
    moved_at: dict[str, float] = field(default_factory=dict)
    """Stage -> when it last dealt with rows (epoch seconds)."""
    reads_by: dict[str, str] = field(default_factory=dict)
    """What changes how lines are read: the setting or the file of rules -> its value, or the hash of what it says."""
    work: Work = field(default_factory=Work)

    def has_living_writer(self) -> bool:
        """Return whether the process runs that wrote it: a later one may have its number."""
        with suppress(psutil.Error):
            return self.pid > 0 and psutil.Process(self.pid).create_time() <= self.updated_at
        return False

    @property
    def errors(self) -> dict[str, str]:
        """Stage -> what keeps it from going on; only the stages that something keeps."""
        errors = {"bronze": self.bronze.error, "silver": self.silver.error, "mirror": self.mirror.error}
        return {stage: error for stage, error in errors.items() if error}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> StreamReport:
        """Read it from a JSON object; what an older version did not write has its default."""
        stages = {
            "bronze": BronzeReport.of(content.get("bronze", {})),
            "silver": SilverReport(**fields_of(SilverReport, content.get("silver", {}))),
            "mirror": MirrorReport(**fields_of(MirrorReport, content.get("mirror", {}))),
            "work": Work.of(content.get("work", {})),
        }
        return cls(**{**fields_of(cls, content), **stages})

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {**asdict(self), "bronze": self.bronze.as_json()}


@dataclass(frozen=True)
class VerifyReport:
    """What ``weblake verify`` last found, without the values that differ: they may be somebody's address."""

    at: float = 0.0
    """When it ended (epoch seconds)."""
    seconds: float = 0.0
    verdict: str = ""
    """``ok``, ``failed``, ``unchecked`` or ``crashed``."""
    scope: str = ""
    is_whole: bool = True
    """Whether it looked at all windows, and not at a range."""
    is_deep: bool = False
    ok: int = 0
    failed: tuple[str, ...] = ()
    """The names of the checks that failed."""
    unchecked: tuple[str, ...] = ()
    """The names of the checks that were not made."""

    def covers(self, other: VerifyReport) -> bool:
        """Return whether it looked at all that the other one looked at."""
        return (self.is_whole or self.scope == other.scope) and (self.is_deep or not other.is_deep)

    def joined(self, other: VerifyReport) -> VerifyReport:
        """Return this failure with an earlier one added, so that only a look at all of both takes it back."""
        scopes = {one.scope for one in (self, other) if one.is_whole} or {self.scope, other.scope}
        return replace(
            self,
            scope=scopes.pop() if len(scopes) == 1 else "several ranges",
            is_whole=self.is_whole or other.is_whole,
            is_deep=self.is_deep or other.is_deep,
            failed=tuple(dict.fromkeys((*other.failed, *self.failed))),
        )


@dataclass(frozen=True)
class LoopReport:
    """What a loop beside the stream last wrote of itself: that of the marts, the charts or the guard."""

    updated_at: float = 0.0
    """When its last round ended, well or not (epoch seconds)."""
    error: str | None = None
    """Why that round failed; None where it did not."""
    failing_since: float = 0.0
    """When the first round after the last good one failed (epoch seconds); 0 where the last round was good."""


def read_stream_report(path: Path) -> StreamReport | None:
    """Return the stream's report; None where it has written none, or none that can be read."""
    content = _content(path)
    return None if content is None else StreamReport.of(content)


def read_loop_report(path: Path) -> LoopReport | None:
    """Return a loop's report; None where it has written none, or none that can be read."""
    content = _content(path)
    return None if content is None else LoopReport(**fields_of(LoopReport, content))


def read_verify_report(path: Path) -> VerifyReport | None:
    """Return what ``verify`` last found; None where it has never run, or has left nothing that can be read."""
    content = _content(path)
    if content is None:
        return None
    names = {name: tuple(content.get(name, ())) for name in ("failed", "unchecked")}
    return VerifyReport(**{**fields_of(VerifyReport, content), **names})


def write_verify_report(path: Path, report: VerifyReport) -> None:
    """Write what ``verify`` found, unless a failure is on record and this look was too small to take it back.

    A failure that was found by a smaller look is added to the one on record.

    Raises:
        OSError: the disk is full, or the folder is not ours.
    """
    before = read_verify_report(path)
    if before is not None and before.verdict == "failed":
        is_as_large = report.covers(before)
        if report.verdict == "failed":
            report = report if is_as_large else report.joined(before)
        elif report.verdict != "ok" or not is_as_large:
            return
    write_whole(path, json.dumps(asdict(report)))


def report_round(path: Path, error: str | None) -> None:
    """Report that a round of a loop has ended, and why it failed, if it did. No fault of the disk ends it."""
    now = time.time()
    try:
        before = read_loop_report(path) if error else None
        failing_since = (before.failing_since if before else 0.0) or now
        report = LoopReport(now, error, failing_since if error else 0.0)
        write_whole(path, json.dumps(asdict(report)))
    except OSError as failure:
        log.warning("%s cannot be read or written: %s", path, failure)


def _offsets_of(content: Mapping[str, int]) -> dict[int, int]:
    return {int(partition): offset for partition, offset in content.items()}


def _content(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_stream_report(path: Path, report: StreamReport) -> None:
    """Write the stream's report, whole.

    Raises:
        OSError: the disk is full, or the folder is not ours.
    """
    write_whole(path, json.dumps(report.as_json()))
