"""How root runs PostgreSQL, which refuses to run as root.

Best: as a system user of our own, to whom the server's folder then belongs. Whoever makes the server run a program of
theirs is that user, and reads nothing of root's. Where that user cannot reach the folder or the server's program: a
user namespace, in which root is called by another name. Outside of it the server still is root, without root's
privileges, but with all that belongs to root. Anybody but root runs it directly.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

from lake.errors import ServiceError

SYSTEM_USER = "weblake"
NOBODY = 65_534
"""The id of a user who owns nothing."""
NAMES_OF_ROOT = ("daemon", "nobody", "bin")
"""Users that practically every system knows: initdb wants a user id that has a name."""


def command_prefix(folder: Path, program: Path) -> list[str]:
    """Return what to put before a command so that PostgreSQL accepts its user, having made ``folder`` that user's.

    ``folder`` must exist. ``program`` is an executable that the user must reach.

    Raises:
        ServiceError: root has no way to run it; the message says why and what to do.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    why = "`setpriv` is missing: install util-linux"
    above = folder.parent.parent
    if setpriv and _reaches(_as_user(setpriv, NOBODY, NOBODY), above, program):
        user, why = _system_user()
        if user and _works(_as_user(setpriv, user.pw_uid, user.pw_gid), folder, user):
            return _as_user(setpriv, user.pw_uid, user.pw_gid)
    elif setpriv:
        why = f"other users cannot reach {above} or {program}: open what is above them with chmod o+x"
    namespace = _namespace_prefix()
    if namespace and _reaches(namespace, folder.parent, program) and _works(namespace, folder, pwd.getpwuid(0)):
        return namespace
    raise ServiceError(
        f"PostgreSQL refuses to run as root, and {why}. Or set WEBLAKE_DATA to another folder, or run as a user"
    )


def give_to_owner_of(folder: Path, path: Path) -> None:
    """Make a file that root has written the user's who owns a folder; only root can, and only root needs to."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _as_user(setpriv: str, uid: int, gid: int) -> list[str]:
    return [setpriv, f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--"]


def lets_server_through(folder: Path) -> bool:
    """Say whether nobody may look into the folder, and others may pass through it only to reach PostgreSQL's."""
    folder_status = folder.stat()
    with suppress(KeyError):
        group = pwd.getpwnam(SYSTEM_USER).pw_gid
        return (folder_status.st_mode & 0o077, folder_status.st_gid) == (stat.S_IXGRP, group)
    return False


def _let_through(folder: Path, group: int) -> None:
    """Let the system user's group, which nobody else is in, pass through a folder that is closed to others."""
    if not folder.stat().st_mode & stat.S_IXOTH:
        os.chown(folder, -1, group)
        folder.chmod(0o710)


def _namespace_prefix() -> list[str]:
    unshare = shutil.which("unshare")
    users = {user.pw_name: user for user in pwd.getpwall()}
    user = next((users[name] for name in NAMES_OF_ROOT if name in users), None)
    if unshare is None or user is None:
        return []
    return [unshare, "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}", "--"]


def _reaches(prefix: list[str], folder: Path, program: Path) -> bool:
    """Say whether a command behind ``prefix`` gets into a folder and can run a program."""
    return _holds([*prefix, "sh", "-c", 'test -x "$1" && test -x "$2"', "sh", str(folder), str(program)])


def _works(prefix: list[str], folder: Path, user: pwd.struct_passwd) -> bool:
    """Hand ``folder`` to the user and say whether a command behind ``prefix`` can write there."""
    if user.pw_uid:
        _let_through(folder.parent, user.pw_gid)
    if folder.stat().st_uid != user.pw_uid:
        # The folder itself last: until then that user cannot get in, and what was interrupted is done again.
        for path in sorted((folder, *folder.rglob("*")), reverse=True):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return _holds([*prefix, "test", "-w", str(folder)])


def _holds(command: list[str]) -> bool:
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _system_user() -> tuple[pwd.struct_passwd | None, str]:
    """Return our system user, which is made where there is none; or None, and why there is none."""
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        if SYSTEM_USER not in {user.pw_name for user in pwd.getpwall()}:
            subprocess.run(command, check=True, capture_output=True, text=True)
        return pwd.getpwnam(SYSTEM_USER), ""
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        return None, f"user {SYSTEM_USER!r} cannot be made ({getattr(error, 'stderr', '') or error})"
