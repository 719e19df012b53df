"""The stack at boot: units for systemd, lines for cron, and who is told of failures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from lake.errors import SettingsError
from weblake.commands.options import LogFormatOption, read_log_format
from weblake.console import note
from weblake.make import split_words
from weblake.process import prepare

PANEL = "Stack"
NAME = "weblake"
EXCLUSIONS = {
    "--print": ("--remove", "--cron"),
    "--remove": ("--cron", "--webhook", "--mail", "--follow"),
    "--cron": ("--system", "--output", "--name", "--webhook", "--follow"),
}
"""Options of ``service`` that contradict each other, or of which one would be overlooked."""

app = typer.Typer()


@app.command(rich_help_panel=PANEL, epilog="Example: weblake service --webhook https://hooks.example.org/T0/B0")
def service(
    is_system: Annotated[
        bool, typer.Option("--system", help="Units of the machine, which run as the owner of the data folder.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the units there. Default: where systemd looks for them."),
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Post failures there, as JSON; none: no longer.")
    ] = None,
    mail: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Mail failures; none: no longer.")] = None,
    follow: Annotated[
        str,
        typer.Option(metavar="FILES", help="Follow these logs, as import --follow does; give it again at each change."),
    ] = "",
    source: Annotated[str, typer.Option(metavar="NAME", help="With --follow: the server whose logs these are.")] = "",
    log_format: LogFormatOption = "",
    name: Annotated[str, typer.Option(help="What the units' names begin with, if there are several stacks.")] = NAME,
    is_print: Annotated[bool, typer.Option("--print", help="Show the units, and write nothing.")] = False,
    is_remove: Annotated[bool, typer.Option("--remove", help="Remove this stack's units.")] = False,
    is_cron: Annotated[
        bool, typer.Option("--cron", help="Print lines for cron, and write nothing; cron mails, to --mail or to you.")
    ] = False,
) -> int:
    """Write systemd's units: start the stack at boot, check it, and tell of failures.

    Without --system they are for your own systemd, in ~/.config/systemd/user. It says how to enable them.
    """
    from stack.boot.crontab import crontab
    from stack.boot.recipients import recipients, remember
    from stack.boot.service import how_to_end, how_to_go_on, plan_boot, remove, require_stack, unit_folder, write_units
    from stack.boot.units import units
    from stack.console import say

    given = {
        "--system": is_system,
        "--print": is_print,
        "--remove": is_remove,
        "--cron": is_cron,
        "--name": name != NAME,
        "--output": output is not None,
        "--webhook": webhook is not None,
        "--mail": mail is not None,
        "--follow": bool(follow),
    }
    _require_no_contradiction(given)
    words = _words_of_follow(follow, source, log_format)
    settings = prepare(quiet=True, makes_data=False)
    folder = unit_folder(is_system, output)
    if is_cron:
        say("\n".join(crontab(settings, recipients(settings, mail=mail).mail)))
    elif is_print:
        for file, text in units(plan_boot(settings, name, is_system, webhook, mail, words)).items():
            say(f"# {folder / file}\n{text}")
    elif is_remove:
        boot = plan_boot(settings, name, is_system)
        gone = remove(boot, folder)
        lines = [*(f"removed {path}" for path in gone), *how_to_end(boot, gone)]
        say("\n".join(lines) if gone else f"{folder} has no units of the stack in {settings.data}")
    else:
        require_stack(settings)
        boot = plan_boot(settings, name, is_system, webhook, mail, words)
        files = write_units(boot, folder)
        remember(settings, webhook, mail)
        for path in files:
            say(f"wrote {path}")
        say("\n".join(how_to_go_on(settings, boot)))
    return 0


def _words_of_follow(files: str, source: str, log_format: str) -> list[str]:
    """Return the words of ``weblake import --follow`` for logs that a unit is to follow; none where there are none.

    Raises:
        SettingsError: an option says something of logs that nobody follows, or there is no such log format.
    """
    if not files:
        if source or log_format:
            raise SettingsError("--source and --log-format are about logs that are followed; give --follow FILES, too")
        return []
    options = [f"--source={source}"] if source else []
    options += [f"--log-format={read_log_format(log_format)}"] if log_format else []
    return [*options, "--", *(str(Path(word).expanduser().absolute()) for word in split_words("--follow", files))]


def _require_no_contradiction(given: Mapping[str, bool]) -> None:
    for option, others in EXCLUSIONS.items():
        for other in others:
            if given[option] and given[other]:
                raise SettingsError(f"{option} and {other} do not go together; leave one of them out")


@app.command(hidden=True, epilog="Example: weblake notify --user weblake-status.service")
def notify(
    unit: Annotated[str, typer.Argument(help="The unit that has failed.")],
    of_user: Annotated[bool, typer.Option("--user", help="It is one of the user's own systemd.")] = False,
) -> int:
    """Tell of a unit's failure (what systemd runs; `weblake service` says to whom)."""
    from stack.boot.notice import notify as tell

    is_told = tell(prepare(), unit, of_user)
    note(f"told that {unit} failed" if is_told else f"it was told within the last hour that {unit} fails")
    return 0
