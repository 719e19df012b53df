"""One command line for all of Weblake: ``weblake COMMAND``, or ``make COMMAND``.

Rooms are imported inside the commands, so that ``weblake --help`` answers at once.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from lake.causes import cause
from lake.errors import SettingsError, StoppedError, WeblakeError
from lake.settings import take_make_variables
from lake.text import printable_lines
from weblake import __version__
from weblake.commands import access, alerts, boot, bots, care, data, health, marts, programs, rules, stack
from weblake.make import with_variables
from weblake.process import FAILED, INTERRUPTED, WRONG_USAGE

FULL = (errno.ENOSPC, errno.EDQUOT)
LIBRARIES = ("psycopg2", "sqlalchemy", "kafka", "pyspark", "py4j")
"""Libraries whose errors are shown in one line: the service or the lake behind them is not as it should be."""

app = typer.Typer(
    name="weblake",
    help="A web-log lakehouse that accounts for every line: Kafka, Spark, Delta, PostgreSQL, dbt, Matplotlib.",
    epilog="Examples: weblake up · weblake import access.log · weblake status · weblake verify",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _group in (
    stack.app,
    health.app,
    programs.app,
    boot.app,
    data.app,
    rules.app,
    marts.app,
    access.app,
    bots.app,
    alerts.app,
    care.app,
):
    app.add_typer(_group)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"weblake {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> int:
    """Run the command of this process; return its exit code."""
    return run(sys.argv[1:])


def run(arguments: Sequence[str]) -> int:
    """Run a command.

    Exit codes: 0 well, 1 failed, 2 wrong usage or setting, 3 not checked, 130 interrupted; and of ``status`` 4 down,
    5 waiting.
    """
    try:
        code = _run(list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:  # `weblake … | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _run(arguments: list[str]) -> int:
    command: Any = typer.main.get_command(app)
    try:
        arguments = with_variables(command, arguments, take_make_variables())
        code = int(command.main(args=arguments, prog_name="weblake", standalone_mode=False) or 0)
        return _fail("interrupted", code) if code == INTERRUPTED else code
    except TyperException as error:
        return _show(error)
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", INTERRUPTED)
    except Exception as error:
        message = _message(error)
        if message is None:
            raise
        return _fail(message, _code(error))


def _code(error: Exception) -> int:
    if isinstance(error, StoppedError):
        return INTERRUPTED
    return WRONG_USAGE if isinstance(error, SettingsError) else FAILED


def _message(error: Exception) -> str | None:
    """Return the message for an expected error; None for a mistake of ours, which gets a traceback."""
    if isinstance(error, WeblakeError):
        return str(error)
    if isinstance(error, OSError) and error.errno in FULL:
        return f"{error.filename or 'a file'}: the disk is full; `make status` says what may be freed"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    roots = (kind.__module__.split(".")[0] for kind in type(error).__mro__)
    library = next((root for root in roots if root in LIBRARIES), None)
    return f"{library}: {cause(error)}; `make status` says what is down" if library else None


def _show(error: TyperException) -> int:
    from typer import rich_utils

    rich_utils.rich_format_error(error)  # type: ignore[arg-type]
    return int(getattr(error, "exit_code", FAILED))


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"weblake: {printable_lines(message.strip())}\n")
    return code
