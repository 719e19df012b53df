"""How this process becomes another program."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import NoReturn

from lake.errors import ServiceError


def executable(name: str) -> str:
    """Return the path of a program.

    Raises:
        ServiceError: there is no such program on the PATH.
    """
    path = shutil.which(name)
    if path is None:
        raise ServiceError(f"there is no `{name}` on the PATH; install it")
    return path


def become(command: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Run a program in place of this one, with the same process id.

    Raises:
        ServiceError: there is no such program.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(executable(command[0]), command, dict(environment))  # noqa: S606
