"""The reserve: room kept back on the disk of the data folder, which PostgreSQL gets when there is no other.

PostgreSQL needs room to start after a full disk has stopped it: to recover, it writes log and tables. So a file of
zeros is given up then, and made again when there is room enough for it.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from lake.settings import Settings
from lake.space import MEGABYTE, SENDERS, free_mb
from stack.servers import postgres
from stack.servers.waiting import wait_until

RESERVE_MB = 64
ROOM_TO_START_MB = {"postgres": 48, "kafka": 128, "stream": 128}
"""What a program may need to start. PostgreSQL recovers: files of its log have 16 MB each, and a start makes up to two.
The others have to leave it the reserve that was given up for it."""
SAY_SECONDS = 30

log = logging.getLogger(__name__)


def path(settings: Settings) -> Path:
    """Return the path of the reserve."""
    return settings.data / "reserve"


def keep(settings: Settings) -> None:
    """Make the reserve if it is missing, PostgreSQL is ours, and the disk is far from full with it; never fails."""
    if path(settings).exists() or not postgres.is_initialised(settings):
        return
    try:
        if free_mb(settings.data) >= RESERVE_MB + max(RESERVE_MB, SENDERS.limit_mb(settings)):
            _make(path(settings))
    except OSError as error:
        log.warning("the reserve %s could not be made: %s", path(settings), error)
        with suppress(OSError):
            path(settings).unlink()


def give_up(settings: Settings) -> None:
    """Give the reserve up if PostgreSQL, or what makes room, may need it."""
    if free_mb(settings.data) < ROOM_TO_START_MB["postgres"]:
        with suppress(FileNotFoundError):
            path(settings).unlink()
            log.warning("the disk of %s is full; %d MB that were kept back are given up", settings.data, RESERVE_MB)


def wait_for_room(settings: Settings, name: str) -> None:
    """Wait until a program has the room to start; for ``postgres`` the reserve is given up, or made."""
    if name == "postgres":
        give_up(settings)
    short = lacking(settings, name)
    if short:
        log.warning("%s", short)
        wait_until(
            lambda: lacking(settings, name) is None,
            None,
            f"there is room for {name}",
            pause_seconds=1,
            say=lambda _: log.warning("%s", lacking(settings, name) or short),
            say_seconds=SAY_SECONDS,
        )
    if name == "postgres":
        keep(settings)


def lacking(settings: Settings, name: str) -> str | None:
    """Return why ``kafka``, ``postgres`` or ``stream`` had better not start on this disk; None where it may."""
    free, least = free_mb(settings.data), min(ROOM_TO_START_MB[name], settings.min_free_mb)
    if free >= least:
        return None
    return (
        f"the disk of {settings.data} has {free} MB free, less than the {least} MB that {name} may need to start: it "
        "waits until there is room; `make status` says what may be freed"
    )


def _make(file: Path) -> None:
    """Make a file that takes the reserve's megabytes on the disk: allocated, or written where that is not possible."""
    with file.open("wb") as reserve:
        try:
            os.posix_fallocate(reserve.fileno(), 0, RESERVE_MB * MEGABYTE)
        except (AttributeError, OSError):  # not on macOS, and not on every file system
            for _ in range(RESERVE_MB):
                reserve.write(bytes(MEGABYTE))
