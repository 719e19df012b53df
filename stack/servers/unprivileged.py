"""How root runs PostgreSQL, which refuses to run as root.

Best: a user namespace in which root is called by another name, so that no file changes hands. Where the kernel
forbids that: a system user of our own, and folders that belong to it. Anybody but root runs it directly.
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
    namespace = _namespace_prefix()
    if namespace and _works(namespace, folder, program, 0, 0):
        return namespace
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServiceError(
            "PostgreSQL refuses to run as root, and `setpriv` is missing; install util-linux, or run as a user"
        )
    user = _system_user()
    _let_through(folder.parent, user.pw_gid)
    prefix = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
    if not _works(prefix, folder, program, user.pw_uid, user.pw_gid):
        raise ServiceError(
            f"PostgreSQL refuses to run as root, and user {SYSTEM_USER!r} cannot reach {folder} or {program}: a folder "
            "above it is closed to others. Open it (chmod o+x), set WEBLAKE_DATA to another folder, or run as a user"
        )
    return prefix


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


def _works(prefix: list[str], folder: Path, program: Path, uid: int, gid: int) -> bool:
    """Hand ``folder`` to the user and say whether a command behind ``prefix`` can write there and run ``program``."""
    for path in (folder, *folder.rglob("*")):  # we may have written a file there since
        if path.lstat().st_uid != uid:
            os.chown(path, uid, gid, follow_symlinks=False)
    probe = [*prefix, "sh", "-c", 'test -w "$1" && test -x "$2"', "sh", str(folder), str(program)]
    return subprocess.run(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = getattr(error, "stderr", "") or error
        raise ServiceError(
            f"PostgreSQL refuses to run as root, and user {SYSTEM_USER!r} cannot be made: {why}"
        ) from error
    return pwd.getpwnam(SYSTEM_USER)
