"""Care for the lake: check it, count again, tidy up, erase, and go on after losses."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from lake.errors import SettingsError, SpaceError
from lake.settings import Settings
from lake.space import AT_WORK, require_space
from weblake.commands.options import DryRun, Ip, Json
from weblake.console import activity, note, write, write_json
from weblake.process import FAILED, UNCHECKED, on_stop, prepare

if TYPE_CHECKING:
    from audit.report import Report
    from lake.contracts.reports import VerifyReport
    from lake.requests import MaintenanceAnswer, ReplayRequest

PANEL = "Care"

app = typer.Typer()


@app.command(rich_help_panel=PANEL, epilog="Example: weblake verify --from 2026-03-01 --to 2026-03-02 --deep")
def verify(
    first: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Only windows from this time on.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Only windows before this time.")] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every raw record again, in plain Python (slow).")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="End with 0 even when a check was not made because a server is down.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Compare every stage with the one before it.

    It changes nothing, and leaves its result for status. Exit codes: 0 when all holds; 1 when a check failed; 2 for
    wrong usage; 3 when nothing failed but something could not be checked, such as with Kafka down, or crashed.
    """
    from weblake.arguments import read_instant

    bounds = [
        None if text is None else read_instant(option, text) for option, text in (("--from", first), ("--to", last))
    ]
    if bounds[0] is not None and bounds[1] is not None and bounds[0] >= bounds[1]:
        raise SettingsError(f"--to {last!r} is not after --from {first!r}; give a later one")
    try:
        report = _audit(bounds[0], bounds[1], deep)
    except SpaceError as error:
        note(f"weblake: {error}")
        return UNCHECKED
    if as_json:
        write_json(report.as_json())
    else:
        from weblake.show.verify import show_report

        show_report(report)
    codes = {"FAILED": FAILED, "CRASHED": UNCHECKED, "UNCHECKED": 0 if offline else UNCHECKED}
    return codes.get(report.verdict.name, 0)


@app.command(rich_help_panel=PANEL, epilog="Example: weblake replay --from 2026-03-01 --to 2026-03-02 --dry-run")
def replay(
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Start of the range, ISO 8601, UTC unless it has an offset."),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="End of the range, not included.")] = None,
    client: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Only the hours in which this address was seen.")
    ] = None,
    dry_run: DryRun = False,
    undo: Annotated[str | None, typer.Option(metavar="ID", help="Undo the replay with this id.")] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why. It stays on record.")] = "",
) -> int:
    """Count a range again, and append the difference.

    It reads records from bronze and counts them under today's rules. The corrections are entries of the ledger.
    """
    from spark.commands.replay import replay as do_replay
    from weblake.show.errands import show_replay

    settings = prepare(quiet=True)
    request = replace(_replay_request(settings, first, end, client, dry_run, undo), reason=reason)
    with activity("Waiting for the stream") as say:
        outcome = do_replay(settings, request, lambda answer: say(f"Piece {answer.at} of {answer.pieces}"))
    show_replay(outcome)
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake replays --json")
def replays(as_json: Json = False) -> int:
    """List the replays, oldest first."""
    from spark.commands.replay import replay_records
    from weblake.show.errands import show_replays

    records = replay_records(prepare(quiet=True))
    if as_json:
        write_json([record.as_json() for record in records])
    else:
        show_replays(records)
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake maintain")
def maintain() -> int:
    """Merge small files, squash old days, and delete what nobody needs.

    It shows the sizes before and after.
    """
    from spark.commands.maintain import maintain as do_maintain
    from stack.servers.reserve import give_up
    from weblake.show.errands import show_maintenance

    settings = prepare(quiet=True)
    give_up(settings)  # on a full disk, to make room takes a little of it
    steps: list[str] = []
    with activity("Waiting for the stream") as say:

        def show(answer: MaintenanceAnswer) -> None:
            if answer.at not in steps:
                steps.append(answer.at)
                if sys.stderr.isatty():
                    say(answer.at)
                else:
                    note(f"  {answer.at}")

        outcome = do_maintain(settings, show)
    show_maintenance(outcome.before, outcome.after)
    return 0


@app.command(rich_help_panel=PANEL, epilog='Example: weblake erase --ip 203.0.113.7 --reason "asked for on 2 March"')
def erase(
    ip: Ip,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="The reason. It stays on record.")] = "",
    lake_only: Annotated[
        bool,
        typer.Option(
            "--lake-only",
            help="For servers of your own: erase the client from the lake and from PostgreSQL's counts only, while no "
            "stream runs, and print the record as JSON.",
        ),
    ] = False,
) -> int:
    """Erase a client from everything under the data folder.

    The stack must be up. Its programs pause for about a minute.
    """
    from weblake.clients import client_meant

    settings = prepare(quiet=True)
    client = client_meant(settings, ip)
    if lake_only:
        from spark.commands.erase import erase_from_lake

        write_json(erase_from_lake(settings, client, reason).as_json())
        return 0
    from stack.erase import erase as erase_everywhere

    erase_everywhere(settings, client, reason)
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake down, then weblake rebuild")
def rebuild(
    from_horizon: Annotated[
        bool,
        typer.Option(
            "--from-horizon",
            help="Do without the days that bronze no longer has (KEEP_BRONZE_DAYS): their counts are lost.",
        ),
    ] = False,
) -> int:
    """Count a deleted ledger again from bronze.

    PostgreSQL follows. The stream must not run. Where bronze does not have all days any more, it is refused.
    """
    from spark.commands.stream import run_stream

    run_stream(prepare(), "rebuild", on_stop, from_horizon)
    return 0


@app.command("accept-loss", rich_help_panel=PANEL, epilog="Example: weblake accept-loss")
def accept_loss() -> int:
    """Go on without records that Kafka removed too early.

    Bronze never had them. The loss stays on record, and `weblake verify` takes it into account.
    """
    return _accept("loss")


@app.command("accept-topic", rich_help_panel=PANEL, epilog="Example: weblake accept-topic")
def accept_topic() -> int:
    """Go on with a topic that was deleted and made again.

    What bronze has stays, and the records of the new topic are appended.
    """
    return _accept("topic")


def _accept(what: str) -> int:
    from spark.commands.accept import accept

    write(accept(prepare(quiet=True), what))
    return 0


def _audit(first: float | None, last: float | None, deep: bool) -> Report:
    from lake.url_rules import load_rules
    from stack.verification import alone

    settings = prepare(quiet=True)
    require_space(settings, "nothing is verified", layer=AT_WORK)  # Spark needs some even to read
    rules = load_rules(settings)
    with alone(settings, note), activity("Starting Spark") as say:
        from audit.check import crashed
        from audit.report import Report
        from audit.scope import Scope
        from audit.session import CrashError, quiet_session
        from audit.verify import verify as check

        scope, started = Scope(first, last), time.time()
        try:
            with quiet_session(settings, "verify") as session:
                report = check(session, settings, rules, scope, deep, say)
        except (CrashError, OSError) as error:  # with no room for a temporary file, too
            report = Report(settings.lake_root, str(scope), time.time() - started, [crashed("lake", str(error))])
    _leave(settings, report.on_record(scope, deep, time.time()))
    return report


def _leave(settings: Settings, report: VerifyReport) -> None:
    """Leave the result for ``weblake status``, where there is a stack. It is shown here in any case."""
    from lake.contracts.reports import write_verify_report

    if settings.lock_file.exists():
        try:
            write_verify_report(settings.loop_file("verify"), report)
        except OSError as error:
            note(f"the result could not be kept for `make status`: {error}")


def _replay_request(
    settings: Settings, first: str | None, end: str | None, client: str | None, dry_run: bool, undo: str | None
) -> ReplayRequest:
    from spark.commands.replay import replay_range, undo_replay
    from weblake.arguments import read_instant
    from weblake.clients import client_meant

    if undo:
        if first or end or client:
            raise SettingsError("--undo takes back the whole of a replay; leave out --from, --to and --client")
        return undo_replay(undo, dry_run)
    if not (first and end):
        raise SettingsError("a replay needs --from and --to, for example --from=2026-01-01 --to=2026-01-02")
    begin, stop = read_instant("--from", first), read_instant("--to", end)
    if stop <= begin:
        raise SettingsError(f"--to {end!r} is not after --from {first!r}; give a later one")
    return replay_range(begin, stop, client_meant(settings, client) if client else None, dry_run)
