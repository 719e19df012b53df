"""What the running stream is asked to do: one file per request in ``<data>/requests``, answered by another."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

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


@dataclass(frozen=True)
class MaintenanceRequest:
    """Maintenance of all tables, now."""

    id: str


@dataclass(frozen=True)
class Change:
    """A verdict on a client: ``convicted``, ``pardoned``, or ``released`` to what its agent says."""

    ip_address: str
    verdict: str
    reason: str


@dataclass(frozen=True)
class VerdictRequest:
    """Verdicts on some clients, by the ``marts`` or by ``hand``; a dry run only tells what they would move."""

    id: str
    by: str
    changes: tuple[Change, ...]
    dry_run: bool = False

    def __post_init__(self) -> None:
        """Take the changes as they stand in a file, too."""
        changes = tuple(Change(**change) if isinstance(change, dict) else change for change in self.changes)
        object.__setattr__(self, "changes", changes)


Request: TypeAlias = ReplayRequest | MaintenanceRequest | VerdictRequest
KINDS: dict[str, type[ReplayRequest] | type[MaintenanceRequest] | type[VerdictRequest]] = {
    "replay": ReplayRequest,
    "maintenance": MaintenanceRequest,
    "verdict": VerdictRequest,
}

R = TypeVar("R", ReplayRequest, MaintenanceRequest, VerdictRequest)


def new_id() -> str:
    """Return an id for a request; ids sort by time."""
    return f"{dt.datetime.now(tz=dt.timezone.utc):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def ask(folder: Path, request: Request) -> None:
    """Leave a request."""
    kind = next(name for name, made in KINDS.items() if isinstance(request, made))
    _write(folder / f"{request.id}.json", {"kind": kind, **asdict(request)})


def waiting(folder: Path, kind: type[R]) -> list[R]:
    """Return the requests of a kind that have no final answer yet, the oldest first."""
    found = (json.loads(path.read_text()) for path in sorted(folder.glob("*.json")))
    return [kind(**fields) for fields in found if KINDS[fields.pop("kind")] is kind]


def answer(folder: Path, request_id: str, content: dict[str, Any]) -> None:
    """Answer a request; a content that is ``done`` is the last and ends it."""
    _write(folder / f"{request_id}{ANSWER}", content)
    if content.get("done"):
        (folder / f"{request_id}.json").unlink(missing_ok=True)


def read_answer(folder: Path, request_id: str) -> dict[str, Any] | None:
    """Return the last answer to a request, or None."""
    try:
        content: dict[str, Any] = json.loads((folder / f"{request_id}{ANSWER}").read_text())
    except FileNotFoundError:
        return None
    return content


def withdraw(folder: Path, request_id: str) -> None:
    """Take away a request and its answer."""
    for name in (f"{request_id}.json", f"{request_id}{ANSWER}"):
        (folder / name).unlink(missing_ok=True)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text(json.dumps(content))
    draft.replace(path)
