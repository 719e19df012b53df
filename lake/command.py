"""How one of our programs starts another: by the command line, with this Python."""

from __future__ import annotations

import sys


def weblake_command(*arguments: str) -> list[str]:
    """Return the command that runs ``weblake`` with these arguments; run it in the project's folder."""
    return [sys.executable, "-m", "weblake", *arguments]
