"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would change, and change nothing.")]
Ip = Annotated[
    str, typer.Option("--ip", metavar="ADDRESS", help="The client's address, in any spelling, or its pseudonym.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
LogFormatOption = Annotated[
    str,
    typer.Option(
        "--log-format",
        metavar="STRING",
        help="How the lines are written: paste log_format of nginx, LogFormat of Apache, pattern of Tomcat.",
    ),
]


def read_log_format(pasted: str) -> str:
    """Return the log string in our own names that a pasted one means; an empty text for none.

    Raises:
        FormatError: no lines could be read by it.
    """
    from lake.formats.strings.dialects import log_string

    return log_string(pasted) if pasted else ""
