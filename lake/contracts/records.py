"""What the lake keeps on record of replays, verdicts and erasures: one JSON file each, written once and read for ever.

A record of an older version has the defaults of what it lacks; of a later one, what is new is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from lake.contracts.fields import fields_of
from lake.contracts.vocabulary import BY_REPLAY
from lake.errors import LakeError, first_line

BY_MARTS, BY_HAND = "marts", "hand"
"""Who decides verdicts."""

HOLD_SECONDS = 3600
"""A verdict of the marts stands at least so long: clients at the threshold would go to and fro."""

Record = TypeVar("Record")


@dataclass(frozen=True)
class Correction:
    """What a replay adds to the measures of one key, over all windows; those to which it adds nothing are left out."""

    dimension: str
    key: str
    is_bot: bool
    measures: dict[str, int]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Correction:
        """Read it from a JSON object: the measures stand beside the key, and ``is_bot`` only where it is so."""
        measures = {name: value for name, value in content.items() if name not in ("dimension", "key", "is_bot")}
        return cls(content["dimension"], content["key"], bool(content.get("is_bot")), measures)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        is_bot = {"is_bot": True} if self.is_bot else {}
        return {"dimension": self.dimension, "key": self.key, **is_bot, **self.measures}


@dataclass(frozen=True)
class ReplayRecord:
    """A replay, or the undo of one: its range (epoch seconds, ``end`` excluded), and what it has corrected."""

    id: str
    first: int = 0
    end: int = 0
    client: str | None = None
    dry_run: bool = False
    undo: str | None = None
    reason: str = ""
    rules: dict[str, str] = field(default_factory=dict)
    """File of rules -> hash of what it said, as in the ledger's edition; empty for an undo and in old records."""
    cause: str = BY_REPLAY
    at: float = 0.0
    corrections: int = 0
    """Rows that were appended to the ledger."""
    moved: dict[str, int] = field(default_factory=dict)
    """Measure -> what was added to it, over all events."""
    keys: int = 0
    """Keys that were corrected, of which ``shown`` has the largest corrections."""
    shown: tuple[Correction, ...] = ()
    ledger_version: int | None = None
    """The version with the corrections; None where there were none."""

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> ReplayRecord:
        """Read it from a JSON object."""
        shown = tuple(Correction.of(row) for row in content.get("shown", ()))
        return cls(**{**fields_of(cls, content), "shown": shown})

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        content = {**asdict(self), "shown": [correction.as_json() for correction in self.shown]}
        if self.ledger_version is None:
            del content["ledger_version"]
        return content


@dataclass(frozen=True)
class Change:
    """A verdict on a client: ``convicted``, ``pardoned``, or ``released`` to what its agent says."""

    ip_address: str
    verdict: str
    reason: str = ""


@dataclass(frozen=True)
class VerdictRecord:
    """Verdicts that were reached together, with their number in the ledger ``ledger_id``, and what they moved."""

    number: int
    by: str
    at: float
    changes: tuple[Change, ...]
    moved: dict[str, int] = field(default_factory=dict)
    """Measure -> how much went to the bots; negative is what came back from them."""
    ledger_id: str = ""

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> VerdictRecord:
        """Read it from a JSON object."""
        changes = tuple(Change(**fields_of(Change, change)) for change in content["changes"])
        return cls(**{**fields_of(cls, content), "changes": changes})

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "number": self.number,
            "by": self.by,
            "at": self.at,
            "moved": self.moved,
            "ledger_id": self.ledger_id,
            "changes": [asdict(change) for change in self.changes],
        }


@dataclass(frozen=True)
class ErasureRecord:
    """The erasure of a client: when, why and how many rows. The counts are None until it is finished."""

    id: str
    at: float
    reason: str = ""
    finished: bool = False
    own: int | None = None
    """Rows of bronze that were the client's own."""
    others: int | None = None
    """Rows of bronze of others that named the client."""
    rejected: int | None = None
    """Rejected rows of bronze that named the client."""
    entries: int | None = None
    """Entries of the ledger."""
    horizon: str | None = None
    """The first day of which bronze had rows; None where it had all."""

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> ErasureRecord:
        """Read it from a JSON object."""
        return cls(**fields_of(cls, content))

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object; an unfinished one has no counts."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def as_replay(text: str) -> ReplayRecord:
    """Read the record of a replay; raises what :func:`as_verdict` raises."""
    return _read(text, ReplayRecord.of)


def as_verdict(text: str) -> VerdictRecord:
    """Read the record of verdicts.

    Raises:
        LakeError: it is no such record.
    """
    return _read(text, VerdictRecord.of)


def as_text(record: ReplayRecord | VerdictRecord | ErasureRecord) -> str:
    """Return a record as its file holds it."""
    return json.dumps(record.as_json())


def _read(text: str, of: Callable[[Mapping[str, Any]], Record]) -> Record:
    try:
        return of(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LakeError(
            f"the lake has a record that cannot be read ({first_line(error)}): {text[:200]!r}; restore it"
        ) from error
