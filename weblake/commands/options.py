"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would change, and change nothing.")]
Ip = Annotated[str, typer.Option("--ip", metavar="ADDRESS", help="The client's address, in any spelling.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
