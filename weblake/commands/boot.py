"""The stack at boot: units for systemd, lines for cron, and who is told of failures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from lake.errors import SettingsError
from weblake.console import note
from weblake.process import prepare

PANEL = "Stack"
NAME = "weblake"
EXCLUSIONS = {
    "--print": ("--remove", "--cron"),
    "--remove": ("--cron", "--webhook", "--mail"),
    "--cron": ("--system", "--output", "--name", "--webhook"),
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
    }
    _require_no_contradiction(given)
    settings = prepare(quiet=True, makes_data=False)
    folder = unit_folder(is_system, output)
    if is_cron:
        say("\n".join(crontab(settings, recipients(settings, mail=mail).mail)))
    elif is_print:
        for file, text in units(plan_boot(settings, name, is_system, webhook, mail)).items():
            say(f"# {folder / file}\n{text}")
    elif is_remove:
        boot = plan_boot(settings, name, is_system)
        gone = remove(boot, folder)
        lines = [*(f"removed {path}" for path in gone), *how_to_end(boot, gone)]
        say("\n".join(lines) if gone else f"{folder} has no units of the stack in {settings.data}")
    else:
        require_stack(settings)
        boot = plan_boot(settings, name, is_system, webhook, mail)
        files = write_units(boot, folder)
        remember(settings, webhook, mail)
        for path in files:
            say(f"wrote {path}")
        say("\n".join(how_to_go_on(settings, boot)))
    return 0


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
