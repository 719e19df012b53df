"""The processes of the stack: what supervisor says of them, and what the system does, which also knows without it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

from lake.settings import Settings
from stack import supervision
from stack.leftovers import SUPERVISOR, named_processes
from stack.programs import PROGRAMS, programs
from stack.supervision import ProgramState

RUNNING, STOPPED, FROZEN = "RUNNING", "STOPPED", "FROZEN"
SILENT = "SILENT"
"""Supervisor is there, and does not answer."""
UNSUPERVISED = "UNSUPERVISED"
"""A program goes on without its supervisor."""
UNKNOWN = "UNKNOWN"
"""Neither supervisor nor the system has said anything."""


@dataclass(frozen=True)
class Process:
    """One process; ``uptime_seconds`` is 0 where it does not run."""

    name: str
    state: str
    pid: int
    uptime_seconds: float
    frozen: tuple[int, ...] = ()
    """Which of its processes, itself and its children, a signal has stopped."""
    pids: tuple[int, ...] = ()
    """All of them that the system shows."""


@dataclass(frozen=True)
class Marked:
    """A process that the system shows, and that belongs to the stack; ``name`` is that of its program."""

    name: str
    pid: int
    parent: int
    started_at: float
    is_frozen: bool


def marked(settings: Settings) -> list[Marked]:
    """Return what the system shows of all processes of the stack."""
    found = []
    for process, name in named_processes(settings).items():
        with suppress(psutil.Error, OSError):
            is_frozen = process.status() == psutil.STATUS_STOPPED
            found.append(Marked(name, process.pid, process.ppid(), process.create_time(), is_frozen))
    return found


def processes(
    settings: Settings,
    supervisor: int,
    states: Mapping[str, ProgramState],
    ours: Iterable[Marked] | None,
    now: float,
) -> list[Process]:
    """Return supervisor and its programs.

    Args:
        settings: They say which programs there should be, where supervisor does not.
        supervisor: Its process id by its own answer; 0 where it gives none.
        states: What it says of its programs.
        ours: What the system shows; None where that is not known.
        now: Epoch seconds.
    """
    by_name: dict[str, list[Marked]] = defaultdict(list)
    for one in ours or ():
        by_name[one.name].append(one)
    absent = STOPPED if ours is not None else UNKNOWN
    top = _top(by_name[SUPERVISOR])
    supervisor = supervisor or (top.pid if top else 0)
    frozen = _frozen(by_name[SUPERVISOR])
    state = FROZEN if frozen else RUNNING if states else SILENT if supervisor else absent
    rows = [Process(SUPERVISOR, state, supervisor, 0.0, frozen, _pids(by_name[SUPERVISOR]))]
    names = {*(states or [program.name for program in programs(settings)]), *by_name}
    for name in sorted(names, key=_order):
        if name != SUPERVISOR:
            shown = by_name[name]
            untold = absent if not shown else RUNNING if supervisor else UNSUPERVISED
            rows.append(_process(name, states.get(name), shown, untold, now))
    return rows


def _order(name: str) -> tuple[int, str]:
    """Return a program's place in the order of their start; what is none of ours comes last."""
    return next((program.priority for program in PROGRAMS if program.name == name), 100), name


def _process(name: str, told: ProgramState | None, ours: list[Marked], untold: str, now: float) -> Process:
    """Return a program; ``untold`` is its state where supervisor says nothing of it."""
    top, frozen, pids = _top(ours), _frozen(ours), _pids(ours)
    if told is not None:
        uptime = now - told.started_at if told.pid else 0.0
        return Process(name, FROZEN if frozen else told.state, told.pid, uptime, frozen, pids)
    if top is None:
        return Process(name, untold, 0, 0.0)
    return Process(name, FROZEN if frozen else untold, top.pid, now - top.started_at, frozen, pids)


def _top(ours: list[Marked]) -> Marked | None:
    """Return the process of a program that is no other's child."""
    pids = {one.pid for one in ours}
    return min((one for one in ours if one.parent not in pids), key=lambda one: one.started_at, default=None)


def _frozen(ours: list[Marked]) -> tuple[int, ...]:
    return tuple(sorted(one.pid for one in ours if one.is_frozen))


def _pids(ours: list[Marked]) -> tuple[int, ...]:
    return tuple(sorted(one.pid for one in ours))


def ask_supervisor(settings: Settings) -> tuple[int, dict[str, ProgramState]]:
    """Return supervisor's process id and what it says of its programs; 0 and nothing where it does not answer."""
    states = supervision.states(settings)
    return supervision.pid(settings) if states else 0, states
