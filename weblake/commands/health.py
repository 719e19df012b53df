"""How the stack is, and how it was."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from lake.contracts import FORMER_REASONS, REJECT_REASONS
from lake.errors import SettingsError
from lake.settings import Settings
from weblake.commands.options import Json
from weblake.commands.stack import PANEL, Stack, Where, run_compose
from weblake.console import activity, write_json
from weblake.process import DOWN, FAILED, UNCHECKED, WAITING, prepare

MOST_REJECTED = 10_000

app = typer.Typer()


@app.command(rich_help_panel=PANEL, epilog="Example: weblake status --since 2h")
def status(
    stack: Where = Stack.EMBEDDED,
    as_json: Json = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="List the states since then: 30min, 2h, 7d, or a time."),
    ] = None,
) -> int:
    """Show processes, lags, versions, ages and sizes, within ten seconds.

    Exit codes: 0 when all is well; 1 when something is wrong; 2 for wrong usage; 3 when nothing is known to be wrong
    but something could not be looked up; 4 when the stack is down; 5 when nothing is wrong but rows have been on their
    way to the marts for longer than usual.
    """
    if stack is Stack.DOCKER:
        if since:
            raise typer.BadParameter("--since is for the embedded stack; of Docker's nobody keeps a history")
        return run_compose("status", *(["--format", "json"] if as_json else []))
    settings = prepare(quiet=True)
    if since:
        _list_states(settings, since, as_json)
        return 0
    from lake.contracts.history import State
    from stack.health.history import note
    from stack.health.state import as_dict, state_of
    from stack.status import gather
    from weblake.show.status import show_status

    with activity("Asking every service"):
        report = gather(settings)
    note(settings, report)
    if as_json:
        write_json(as_dict(report))
    else:
        show_status(report)
    codes = {State.UNWELL: FAILED, State.UNKNOWN: UNCHECKED, State.DOWN: DOWN, State.WAITING: WAITING}
    return codes.get(state_of(report), 0)


@app.command(rich_help_panel=PANEL, epilog="Example: weblake rejected --limit 50 --reason not_a_log_line")
def rejected(
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST_REJECTED, help="How many at most.")] = 20,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Only those that were rejected for this reason.")
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Show long records whole.")] = False,
    as_json: Json = False,
) -> int:
    """List the newest records that count nowhere, and why.

    The reason is that of their arrival; a replay may have counted some of them since. What does not print in a record
    is shown as an escape.
    """
    from lake.rejected_rows import newest_rejected
    from weblake.show.rejected import as_dicts, show_rejected

    settings = prepare(quiet=True)
    _require_reason(reason)
    rows = newest_rejected(settings, limit, reason)
    if as_json:
        write_json(as_dicts(rows))
    else:
        show_rejected(rows, whole)
    return 0


def _require_reason(reason: str | None) -> None:
    """Raise SettingsError where no record can have been rejected for that reason."""
    known = dict.fromkeys((*REJECT_REASONS, *FORMER_REASONS))
    if reason is not None and reason not in known:
        raise SettingsError(f"--reason {reason!r} is none; the reasons are {', '.join(known)}")


def _list_states(settings: Settings, since: str, as_json: bool) -> None:
    from dataclasses import asdict

    from lake.contracts.history import read_states
    from weblake.arguments import read_since
    from weblake.show.status import show_states

    now = time.time()
    begin = read_since("--since", since, now)
    states = read_states(settings.data / "history", begin, now)
    if as_json:
        write_json([asdict(state) for state in states])
    else:
        show_states(states, begin, now)
