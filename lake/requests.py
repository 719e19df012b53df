"""What the running stream is asked to do: one file per request in ``<data>/requests``, answered by another."""

from __future__ import annotations

import datetime as dt
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from lake.contracts.fields import fields_of
from lake.contracts.records import Change, ReplayRecord
from lake.errors import LakeError
from lake.files import write_whole

log = logging.getLogger(__name__)

ANSWER = ".answer"


@dataclass(frozen=True)
class ReplayRequest:
    """A replay of the windows from ``first`` up to, not including, ``end`` (epoch seconds), or the undoing of one."""

    id: str
    first: int
    end: int
    client: str | None = None
    dry_run: bool = False
    undo: str | None = None
    reason: str = ""

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> ReplayRequest:
        """Read it from a JSON object."""
        return cls(**fields_of(cls, content))


@dataclass(frozen=True)
class MaintenanceRequest:
    """Maintenance of all tables, now."""

    id: str

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> MaintenanceRequest:
        """Read it from a JSON object."""
        return cls(**fields_of(cls, content))


@dataclass(frozen=True)
class VerdictRequest:
    """Verdicts on some clients, by the ``marts`` or by ``hand``; a dry run only reports what they would move."""

    id: str
    by: str
    changes: tuple[Change, ...]
    dry_run: bool = False

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> VerdictRequest:
        """Read it from a JSON object."""
        changes = tuple(Change(**fields_of(Change, change)) for change in content["changes"])
        return cls(**{**fields_of(cls, content), "changes": changes})


@dataclass(frozen=True)
class ReplayAnswer:
    """How far a replay is: piece ``at`` of ``pieces``; in the end its record, or the error that it was refused with."""

    done: bool
    pieces: int = 0
    at: int = 0
    record: ReplayRecord | None = None
    error: str | None = None

    def outcome(self) -> ReplayRecord:
        """Return the record.

        Raises:
            LakeError: there is none; the message says why.
        """
        if self.record is None:
            raise LakeError(self.error or "the replay is not done yet; wait for its last answer")
        return self.record

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> ReplayAnswer:
        """Read it from a JSON object, in which the record's fields stand beside ``done``."""
        if content["done"] and "error" not in content:
            return cls(done=True, record=ReplayRecord.of(content))
        return cls(**fields_of(cls, content))

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        if self.record:
            return {"done": self.done, **self.record.as_json()}
        if self.error is not None:
            return {"done": self.done, "error": self.error}
        return {"done": self.done, "pieces": self.pieces, "at": self.at}


@dataclass(frozen=True)
class VerdictAnswer:
    """The outcome of verdicts: how many changed something, the addresses of those that have to wait, what they moved.

    ``moved`` is measure -> how much goes to the bots; ``number`` is that of the record, None where there is none.
    """

    done: bool
    changes: int = 0
    held: tuple[str, ...] = ()
    moved: dict[str, int] = field(default_factory=dict)
    number: int | None = None
    error: str | None = None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> VerdictAnswer:
        """Read it from a JSON object."""
        return cls(**{**fields_of(cls, content), "held": tuple(content.get("held", ()))})

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class TableSize:
    """The files and bytes that a table consists of, and those that its folder holds."""

    files: int
    bytes: int
    disk_files: int
    disk_bytes: int


Sizes: TypeAlias = dict[str, TableSize]
"""``bronze`` and ``ledger`` -> the size of the table."""


@dataclass(frozen=True)
class MaintenanceAnswer:
    """The piece of maintenance that was done last (``at``); in the end the tables' sizes, or what it failed with."""

    done: bool
    at: str = ""
    before: Sizes = field(default_factory=dict)
    after: Sizes = field(default_factory=dict)
    error: str | None = None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> MaintenanceAnswer:
        """Read it from a JSON object."""
        sizes = {
            side: {name: TableSize(**fields_of(TableSize, size)) for name, size in content.get(side, {}).items()}
            for side in ("before", "after")
        }
        return cls(**{**fields_of(cls, content), **sizes})

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {name: value for name, value in asdict(self).items() if value is not None}


Request: TypeAlias = ReplayRequest | MaintenanceRequest | VerdictRequest
Answer: TypeAlias = ReplayAnswer | MaintenanceAnswer | VerdictAnswer
KINDS: dict[str, type[ReplayRequest] | type[MaintenanceRequest] | type[VerdictRequest]] = {
    "replay": ReplayRequest,
    "maintenance": MaintenanceRequest,
    "verdict": VerdictRequest,
}

R = TypeVar("R", ReplayRequest, MaintenanceRequest, VerdictRequest)
A = TypeVar("A", ReplayAnswer, MaintenanceAnswer, VerdictAnswer)


def new_id() -> str:
    """Return an id for a request; ids sort by time."""
    return f"{dt.datetime.now(tz=dt.timezone.utc):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def ask(folder: Path, request: Request) -> None:
    """Leave a request."""
    name = next(name for name, kind in KINDS.items() if isinstance(request, kind))
    write_whole(folder / f"{request.id}.json", json.dumps({"kind": name, **asdict(request)}))


def waiting(folder: Path, kind: type[R]) -> list[R]:
    """Return the requests of a kind that have no final answer yet, the oldest first."""
    requests = map(_read, sorted(folder.glob("*.json")))
    return [request for request in requests if isinstance(request, kind)]


def answer(folder: Path, request_id: str, content: Answer) -> None:
    """Answer a request; an answer that is ``done`` is the last and ends it. A withdrawn request gets none."""
    request = folder / f"{request_id}.json"
    if not request.exists():
        return
    write_whole(folder / f"{request_id}{ANSWER}", json.dumps(content.as_json()))
    if content.done:
        request.unlink(missing_ok=True)


def read_answer(folder: Path, request_id: str, kind: type[A]) -> A | None:
    """Return the last answer to a request, or None; ``kind`` is that of the request's answers."""
    try:
        return kind.of(json.loads((folder / f"{request_id}{ANSWER}").read_text()))
    except FileNotFoundError:
        return None


def withdraw(folder: Path, request_id: str) -> None:
    """Take away a request and its answer."""
    for name in (f"{request_id}.json", f"{request_id}{ANSWER}"):
        (folder / name).unlink(missing_ok=True)


def _read(path: Path) -> Request | None:
    """Return a request; None where it has been answered or withdrawn meanwhile, or is none."""
    try:
        content = json.loads(path.read_text())
        return KINDS[content["kind"]].of(content)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _report(path, repr(error))
        return None


@cache
def _report(path: Path, reason: str) -> None:
    """Log, once for each file, that nobody will carry it out."""
    log.error("%s is no request (%s); delete it, and ask again", path, reason)
