"""The programs' logs: their ends, and following them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lake.errors import WeblakeError
from lake.settings import Settings
from stack.console import say
from stack.servers.processes import executable

TAIL_LINES = 25


def log_file(settings: Settings, name: str) -> Path:
    """Return the path of a program's log."""
    return settings.data / "logs" / f"{name}.log"


def tail(settings: Settings, name: str, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a program's log; empty where there is none."""
    try:
        text = log_file(settings, name).read_text(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def follow(settings: Settings, name: str) -> None:
    """Show what ``tail -F`` says of one log, or of all where ``name`` is empty, until somebody interrupts it.

    The servers' logs may hold what a client sent.

    Raises:
        WeblakeError: there is no such log.
    """
    files = [log_file(settings, name)] if name else sorted((settings.data / "logs").glob("*.log"))
    if not files or not all(file.exists() for file in files):
        names = ", ".join(file.stem for file in sorted((settings.data / "logs").glob("*.log"))) or "none yet"
        raise WeblakeError(f"there is no log {name!r} in {settings.data}/logs; the logs are: {names}")
    lines = str(TAIL_LINES if name else 5)
    command = [executable("tail"), "-n", lines, "-F", *(str(file) for file in files)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                say(line.decode(errors="replace").removesuffix("\n"))
        finally:
            process.terminate()
