"""The processes of a stack, whether supervisor knows of them or not, and how they are ended."""

from __future__ import annotations

from contextlib import suppress

import psutil

from lake.settings import Settings
from stack.programs import SUPERVISED
from stack.servers import postgres

SUPERVISOR = "supervisor"
POSTGRES = "postgres"
PROGRAM_NAME = "SUPERVISOR_PROCESS_NAME"
"""Set by supervisor for each program, and so for the program's children."""
ROUNDS = 3
END_SECONDS = 15


def named_processes(settings: Settings) -> dict[psutil.Process, str]:
    """Return every process of the stack with the name of its program, with or without its supervisor.

    They are known by a mark in their environment, so the orphans of a killed supervisor are found too. PostgreSQL's
    children write over theirs, and are known by their folder.
    """
    found = dict.fromkeys(postgres.server_processes(settings), POSTGRES)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            environment = process.environ()
            if environment.get(SUPERVISED) == str(settings.data) and process.status() != psutil.STATUS_ZOMBIE:
                found.setdefault(process, environment.get(PROGRAM_NAME, SUPERVISOR))
    return found


def leftovers(settings: Settings) -> list[psutil.Process]:
    """Return every process of the stack, with or without its supervisor."""
    return list(named_processes(settings))


def end_leftovers(settings: Settings) -> None:
    """End every process of the stack, and what one of them has started meanwhile."""
    for _ in range(ROUNDS):
        rest = leftovers(settings)
        if rest:
            end_processes(rest)


def end_processes(processes: list[psutil.Process]) -> None:
    """Ask processes to end, and kill those that have not after a while."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=END_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=END_SECONDS)
