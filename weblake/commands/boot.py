"""The stack at boot: units for systemd, lines for cron, and who is told of failures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lake.errors import SettingsError
from weblake.console import note
from weblake.process import prepare

PANEL = "Stack"

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
    name: Annotated[
        str, typer.Option(help="What the units' names begin with, if there are several stacks.")
    ] = "weblake",
    is_print: Annotated[bool, typer.Option("--print", help="Show the units, and write nothing.")] = False,
    is_remove: Annotated[bool, typer.Option("--remove", help="Remove this stack's units.")] = False,
    is_cron: Annotated[bool, typer.Option("--cron", help="Print lines for cron, and write nothing.")] = False,
) -> int:
    """Write systemd's units: start the stack at boot, check it, and tell of failures.

    Without --system they are for your own systemd, in ~/.config/systemd/user. It says how to enable them.
    """
    from stack.boot.crontab import crontab
    from stack.boot.recipients import remember
    from stack.boot.service import how_to_end, how_to_go_on, plan_boot, remove, require_stack, unit_folder, write_units
    from stack.boot.units import units
    from stack.console import say

    if is_print + is_remove + is_cron > 1:
        raise SettingsError("--print, --remove and --cron exclude each other; give one of them")
    if is_cron and webhook:
        raise SettingsError("--webhook is for systemd; cron mails what it runs prints, to --mail or to you")
    settings = prepare(quiet=True, makes_data=False)
    folder = unit_folder(is_system, output)
    if is_cron:
        say("\n".join(crontab(settings, mail)))
    elif is_print:
        for file, text in units(plan_boot(settings, name, is_system, bool(webhook or mail))).items():
            say(f"# {folder / file}\n{text}")
    elif is_remove:
        boot = plan_boot(settings, name, is_system)
        gone = remove(boot, folder)
        lines = [*(f"removed {path}" for path in gone), *how_to_end(boot, gone)]
        say("\n".join(lines) if gone else f"{folder} has no units of the stack in {settings.data}")
    else:
        require_stack(settings)
        remember(settings, webhook, mail)
        boot = plan_boot(settings, name, is_system)
        for path in write_units(boot, folder):
            say(f"wrote {path}")
        say("\n".join(how_to_go_on(settings, boot)))
    return 0


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
