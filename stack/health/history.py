"""Notes the states of the stack: what ``weblake status`` finds, and what the lookout does."""

from __future__ import annotations

import logging

from lake.contracts.history import State, note_state
from lake.settings import Settings
from stack.health.state import problems, state_of, unknowns
from stack.status import Status
from stack.supervisor_config import config_file

log = logging.getLogger(__name__)


def note(settings: Settings, status: Status) -> None:
    """Note the state of a stack, if there has ever been one. No fault of the disk keeps anybody from seeing it."""
    state = state_of(status)
    first = next(iter([*problems(status), *unknowns(status)]), "")
    _note(settings, state, first, status.looked_at)


def note_down(settings: Settings, now: float) -> None:
    """Note that somebody has stopped the stack (epoch seconds ``now``)."""
    _note(settings, State.DOWN, "stopped by `make down`", now)


def _note(settings: Settings, state: State, problem: str, now: float) -> None:
    if not config_file(settings).exists():
        return
    try:
        note_state(settings.data / "history", state, problem, now)
    except (OSError, ValueError) as error:
        log.warning("the state of the stack cannot be noted: %s", error)
