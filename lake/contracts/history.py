"""The states of the stack over time: a file a month, a line for each change. Several processes may write it."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path

from lake.contracts.fields import fields_of
from lake.files import write_whole

UNSEEN_SECONDS = 600
"""When nobody has looked for so long, nobody knows how the stack was."""
MONTHS = 12
MOST_BYTES = 1 << 20
"""Of a month. When a file is larger, its older half goes: something changes all the time."""
LOOKED = "looked"
"""The file that is the lock of the folder; it was changed when somebody last looked."""


class State(str, Enum):
    """How the stack is, the worst first."""

    DOWN = "down"
    """Nothing runs."""
    UNWELL = "unwell"
    """Something is wrong."""
    UNKNOWN = "unknown"
    """Nothing is known to be wrong, but not everything could be looked up."""
    WAITING = "waiting"
    """Nothing is wrong, but rows have been on their way to the marts for longer than usual."""
    WELL = "well"
    UNSEEN = "unseen"
    """Nobody looked."""


@dataclass(frozen=True)
class StateChange:
    """From when on (epoch seconds) the stack was in a state, and what was wrong first."""

    at: float
    state: State
    problem: str = ""


def note_state(folder: Path, state: State, problem: str, now: float) -> None:
    """Note a state of ``now`` (epoch seconds) if it is another than the last one, and that somebody has looked.

    Raises:
        OSError: the disk is full, or the folder is not ours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        changes = next((changes for path in reversed(_files(folder)) if (changes := _changes(path))), [])
        news = _unseen(folder, changes, now)
        last = [*changes, *news][-1:]
        if not last or last[0].state != state:
            news.append(StateChange(now, state, problem))
        for change in news:
            _append(folder, change)
        os.utime(folder / LOOKED, (now, now))


def read_states(folder: Path, since: float, now: float) -> list[StateChange]:
    """Return the states between two times (epoch seconds), oldest first; the first one is that which held at ``since``.

    Raises:
        OSError: the folder is not ours.
    """
    changes = [change for path in _files(folder) for change in _changes(path)]
    changes += _unseen(folder, changes, now)
    begin = max((number for number, change in enumerate(changes) if change.at <= since), default=0)
    return changes[begin:]


def _unseen(folder: Path, changes: list[StateChange], now: float) -> list[StateChange]:
    """Return that nobody knows how the stack has been since somebody last looked, if that is long ago."""
    if not changes or changes[-1].state in (State.UNSEEN, State.DOWN):
        return []
    looked = folder / LOOKED
    seen_at = max(changes[-1].at, looked.stat().st_mtime if looked.exists() else now)
    return [StateChange(seen_at, State.UNSEEN, "nobody looked")] if now - seen_at > UNSEEN_SECONDS else []


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder."""
    with os.fdopen(os.open(folder / LOOKED, os.O_RDWR | os.O_CREAT, 0o600)) as looked:
        fcntl.flock(looked, fcntl.LOCK_EX)
        yield


def _append(folder: Path, change: StateChange) -> None:
    path = folder / f"{dt.datetime.fromtimestamp(change.at, dt.timezone.utc):%Y-%m}.jsonl"
    if not path.exists():
        for old in _files(folder)[: 1 - MONTHS]:
            old.unlink()
    elif path.stat().st_size > MOST_BYTES:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        write_whole(path, "".join(lines[len(lines) // 2 :]))
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(change)) + "\n")


def _changes(path: Path) -> list[StateChange]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [change for line in lines if (change := _change(line))]


def _change(line: str) -> StateChange | None:
    """Return a line's change; None where a full disk or a crash has cut the line."""
    try:
        change = StateChange(**fields_of(StateChange, json.loads(line)))
        return replace(change, state=State(change.state))
    except (ValueError, TypeError, AttributeError):
        return None


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("????-??.jsonl"))
