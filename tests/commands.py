"""The commands that `weblake` has."""

from __future__ import annotations

from typing import Any

import typer

from weblake.main import app

GROUP: Any = typer.main.get_command(app)
COMMANDS = sorted(name for name, command in GROUP.commands.items() if not command.hidden)
