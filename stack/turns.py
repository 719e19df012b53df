"""Whose turn it is with the stack of a data folder: one command at a time starts or stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import psutil

from lake.errors import StoppedError
from lake.posts import Worker, leave, take, worker
from lake.settings import Settings
from stack.console import say
from stack.servers.waiting import TooLongError, wait_until

START = "up.lock"
STOP = "down.lock"
UP = "`make up`"
DOWN = "`make down`"
CLEAN = "`make clean`"
SAY_SECONDS = 30
END_SECONDS = 10
"""How long a `make up` that is told to stop may take for it."""


@contextmanager
def turn(settings: Settings, command: str) -> Iterator[None]:
    """Have the turn to change what runs: wait for another command that has it, and for one that stops the stack.

    Raises:
        StoppedError: somebody has stopped the stack while this one waited, or has deleted its data.
    """
    was_stopping = stopper(settings) is not None
    last_stop = _changed_at(settings.data / STOP)

    def has_leave() -> bool:
        if not was_stopping and _changed_at(settings.data / STOP) not in (0, last_stop):  # 0: it was deleted
            raise _stopped_by(stopper(settings) or DOWN)
        return True

    try:
        file = _wait_for(settings.data / START, command, has_leave)
    except FileNotFoundError as error:
        raise StoppedError(f"somebody deleted {settings.data} meanwhile; run {command} again") from error
    try:
        _wait(lambda: stopper(settings) is None, lambda: stopper(settings))
        yield
    finally:
        leave(file)


@contextmanager
def last_turn(settings: Settings) -> Iterator[None]:
    """Have the turn to stop all: a `make up` at work is told to end, and one that comes meanwhile waits."""
    if not (settings.data / START).exists():  # nothing was ever started here
        yield
        return
    file: TextIO | None = None
    with suppress(OSError):  # where nothing can be written any more, the stack can still be stopped
        file = _wait_for(settings.data / STOP, DOWN, lambda: True)
    try:
        _end_start(settings)
        yield
    finally:
        if file:
            leave(file)


def stopper(settings: Settings) -> Worker | None:
    """Return the `make down` that is at work; None where none is."""
    return worker(settings.data / STOP)


def require_no_stop(settings: Settings) -> None:
    """Raise StoppedError if a `make down` is at work: whoever starts something ends in its favour."""
    who = stopper(settings)
    if who:
        raise _stopped_by(who)


def _stopped_by(who: Worker | str) -> StoppedError:
    return StoppedError(f"{who} stopped the stack while it started; `make up` starts it again")


def _changed_at(path: Path) -> int:
    """Return when a post was last taken or left, in nanoseconds; 0 where it never was."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _end_start(settings: Settings) -> None:
    starter = worker(settings.data / START)
    if starter is None:
        return
    if starter.work != UP or not starter.pid:
        say(f"{starter} is at work on this stack, and ends with it")
        return
    say(f"another {starter} was starting this stack; it is told to stop")
    with suppress(psutil.Error):
        process = psutil.Process(starter.pid)
        process.terminate()
        try:
            wait_until(lambda: worker(settings.data / START) != starter, END_SECONDS, "it has ended")
        except TooLongError:
            say(f"  it has not ended within {END_SECONDS} s, and is killed")
            process.kill()


def _wait_for(path: Path, command: str, has_leave: Callable[[], bool]) -> TextIO:
    """Take a post, after waiting for who has it; ``has_leave`` is asked before each try."""
    files: list[TextIO] = []

    def is_taken() -> bool:
        file = take(path, command) if has_leave() else None
        if file:
            files.append(file)
        return file is not None

    _wait(is_taken, lambda: worker(path))
    return files[0]


def _wait(condition: Callable[[], bool], who: Callable[[], Worker | None]) -> None:
    with suppress(TooLongError):  # somebody who only looks holds the file for a moment
        return wait_until(condition, 0.5, "it is free")
    say(f"{who() or 'another command'} is at work on this stack; waiting until it has ended")
    wait_until(
        condition,
        None,
        "the other command has ended",
        0.2,
        lambda waited: say(f"  {waited:.0f} s: still waiting for {who() or 'another command'}"),
        SAY_SECONDS,
    )
