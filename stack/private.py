"""The folders that hold clients' addresses are private: no other user of the machine may look into them.

What our programs make is private from the start, by their umask. This is for folders that were there before.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lake.contracts.following import FOLDER as FOLLOWING
from lake.errors import SettingsError
from lake.settings import PROJECT, STACK_FILE, Settings
from stack.servers.unprivileged import lets_server_through

OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
MARKS = {STACK_FILE, "lake.lock", "marts.lock", "up.lock", "down.lock"}
"""Files that no other folder has than a data folder of Weblake's."""
FOLDERS = {"dbt", FOLLOWING, "history", "imports", "kafka", "lake", "logs", "postgres", "requests", "scratch", "truth"}
"""What commands may make in it before ``make up``. Folders of others have such names, too, beside other things."""
OF_THE_DISK = "lost+found"
LAKE = ("bronze", "checkpoints", "erasures", "replays", "silver", "verdicts")
"""What Weblake puts into the lake; a folder that ``LAKE_ROOT`` names may hold other things."""


def claim(settings: Settings) -> None:
    """Make the data folder if it is missing, and see that it is nobody else's before anything is changed in it.

    Raises:
        SettingsError: the folder is shared with other users, or holds other things.
    """
    folder = settings.data
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {path.name for path in folder.iterdir()} - {OF_THE_DISK}
    if _is_shared(folder) or not (names & MARKS or names <= FOLDERS):
        others = min(names - FOLDERS, default="")
        why = "is for all users of this machine" if _is_shared(folder) else f"holds other things, such as {others}"
        raise SettingsError(
            f"WEBLAKE_DATA={folder} {why}; set it to a folder for Weblake alone, such as {folder}/weblake"
        )


def is_ours(settings: Settings) -> bool:
    """Say whether the data folder is there and in use, and this user's; nothing is changed in it."""
    with suppress(OSError):
        names = {path.name for path in settings.data.iterdir()}
        return bool(names & MARKS) and _is_of_user(settings.data) and not _is_shared(settings.data)
    return False


def close(settings: Settings) -> int:
    """Take from other users what rights they have in our folders that are open; return the number of files and folders.

    A folder that was closed already is not looked through: nobody can reach what is in it.
    """
    return sum(_close(path) for door in _open_doors(settings) for path in (door, *_below(door)))


def complaints(settings: Settings) -> list[str]:
    """Return a sentence for each of our folders that other users may look into."""
    return [
        f"other users may look into {door} (mode {_mode(door):o}); run `make up`, or `chmod -R go= {door}`"
        for door in _open_doors(settings)
    ]


def _open_doors(settings: Settings) -> list[Path]:
    """Return our folders that others may look into: all state, and charts, unless somebody chose a place for them."""
    elsewhere = [Path(settings.lake_root, name) for name in LAKE]
    elsewhere += [settings.charts] if settings.charts == PROJECT / "charts" else []
    doors = (settings.data, *(folder for folder in elsewhere if not folder.is_relative_to(settings.data)))
    return [door for door in doors if door.is_dir() and _mode(door) & OF_OTHERS and not lets_server_through(door)]


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        yield from (Path(root, name) for name in (*folders, *files))
        # Not into the server's own folder: who has taken it over might put links where files were.
        folders[:] = [name for name in folders if _is_of_user(Path(root, name))]


def _is_shared(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_ISVTX)


def _is_of_user(folder: Path) -> bool:
    with suppress(FileNotFoundError):
        return folder.lstat().st_uid == os.geteuid()
    return False


def _close(path: Path) -> bool:
    with suppress(FileNotFoundError, PermissionError):  # it is gone, or is not ours; the folder above it is closed
        mode = path.lstat().st_mode
        if mode & OF_OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~OF_OTHERS)
            return True
    return False


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
