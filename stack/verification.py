"""The stack verifies itself: ``weblake verify`` every ``VERIFY_HOURS``, deep once a week, while the machine idles."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TextIO

import psutil

from lake import posts
from lake.contracts.fields import fields_of
from lake.errors import first_line
from lake.files import write_whole
from lake.settings import Settings, child_environment
from stack.health.state import is_down
from stack.status import Status

LOOK_SECONDS = 60.0
SETTLE_SECONDS = 600.0
"""So long a stack that has just been started does what it was started for."""
HOUR, WEEK = 3_600.0, 7 * 86_400.0
END_SECONDS = 15.0
LOWEST_PRIORITY = 19
JUDGED = (0, 1)
"""How ``weblake verify`` ends when it has found that all holds, or what does not."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """When the stack verifies itself next, and when deep (epoch seconds)."""

    next_at: float
    deep_at: float


def keep_verifying(settings: Settings, stop: threading.Event, seen: Callable[[], Status | None]) -> None:
    """Verify whenever it is due, until ``stop`` is set; ``seen`` says what was last seen. No failure ends it."""
    if not settings.outlook.verify_hours:
        return
    stop.wait(SETTLE_SECONDS)
    while not stop.wait(LOOK_SECONDS):
        try:
            verify_if_due(settings, stop, seen(), time.time())
        except Exception as error:  # also what nobody thought of: it is tried again
            log.warning("the stack cannot verify itself: %s", first_line(error))
            log.debug("the trace", exc_info=error)


def verify_if_due(settings: Settings, stop: threading.Event, status: Status | None, now: float) -> None:
    """Verify if it is due (epoch seconds ``now``) and can be done; one that judged nothing is tried again in an hour.

    Raises:
        OSError: the plan cannot be read or written.
    """
    path, pause = settings.data / "verify-plan.json", settings.outlook.verify_hours * HOUR
    plan = _read(path)
    if plan is None:
        _write(path, Plan(now + HOUR, now + WEEK))
        return
    if now < plan.next_at or not _can_be_done(settings, status):
        return
    is_deep = now >= plan.deep_at
    _write(path, replace(plan, next_at=now + min(HOUR, pause)))
    if _run(settings, stop, is_deep) in JUDGED:
        _write(path, Plan(now + pause, now + WEEK if is_deep else plan.deep_at))


@contextmanager
def alone(settings: Settings, say: Callable[[str], None]) -> Iterator[None]:
    """Have no other verification of this stack beside this one: wait for its end, and say so.

    Who may not write to the data folder verifies all the same.
    """
    file = None
    with suppress(OSError):
        file = _taken(settings, say) if settings.lock_file.exists() else None
    try:
        yield
    finally:
        if file is not None:
            posts.leave(file)


def _taken(settings: Settings, say: Callable[[str], None]) -> TextIO:
    has_said = False
    while (file := posts.take(_post(settings), "weblake verify")) is None:
        if not has_said:
            say(f"waiting for the end of {posts.worker(_post(settings)) or 'another verification'}")
        has_said = True
        time.sleep(0.5)
    return file


def _can_be_done(settings: Settings, status: Status | None) -> bool:
    """Say whether the stack is up, something was counted, the disk has room, and nobody else verifies."""
    if status is None or is_down(status) or status.bookmark in (None, -1):
        return False
    has_room = status.room is not None and not status.room.waits
    return has_room and posts.worker(_post(settings)) is None


def _run(settings: Settings, stop: threading.Event, is_deep: bool) -> int:
    """Run ``weblake verify`` and return its exit code; when ``stop`` is set, it is ended."""
    command = [sys.executable, "-m", "weblake", "verify", *(["--deep"] if is_deep else [])]
    log.info("verifying%s", " deep" if is_deep else "")
    environment = child_environment(settings)
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        with suppress(psutil.Error, OSError):
            psutil.Process(process.pid).nice(LOWEST_PRIORITY)
            Path(f"/proc/{process.pid}/oom_score_adj").write_text("1000")  # where memory is short, it goes first
        while process.poll() is None and not stop.wait(1):
            pass
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
            process.kill()
    log.info("verify ended with %d; `make status` says what it found", process.returncode)
    return process.returncode


def _post(settings: Settings) -> Path:
    return settings.data / "verify.lock"


def _read(path: Path) -> Plan | None:
    try:
        return Plan(**fields_of(Plan, json.loads(path.read_text(encoding="utf-8"))))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _write(path: Path, plan: Plan) -> None:
    write_whole(path, json.dumps(asdict(plan)))
