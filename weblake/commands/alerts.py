"""Alerts: which are open, nobody told of some for a while, rules tried over the past."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from lake.errors import RulesError
from weblake.commands.options import Json
from weblake.console import activity, write, write_json
from weblake.process import FAILED, prepare

if TYPE_CHECKING:
    from lake.settings import Settings
    from watch.rules import Rule

PANEL = "Care"
RECENT_DAYS, MOST = 7, 100

app = typer.Typer()

RuleName = Annotated[
    str, typer.Option("--rule", metavar="NAME", help="The rule, by its name in lake/rules/alerts.yml.")
]


@app.command(rich_help_panel=PANEL, epilog="Example: weblake alerts --json")
def alerts(as_json: Json = False) -> int:
    """List the alerts that are open, and those of the last seven days."""
    from watch.journal import alerts_since, connect, failing_channels, silenced_rules
    from watch.readings import looking
    from weblake.show.alerts import show_alerts

    now = time.time()
    with closing(connect(prepare(quiet=True))) as connection, looking(connection) as cursor:
        found = alerts_since(cursor, now - RECENT_DAYS * 86_400, MOST)
        silent, failing = silenced_rules(cursor, now), failing_channels(cursor)
    if as_json:
        write_json([alert.as_json() for alert in found])
    else:
        show_alerts(found, silent, failing)
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake silence --rule bot_surge --for 2h")
def silence(
    rule: RuleName,
    for_: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 30min, 2h or 7d; 0h ends it.")],
) -> int:
    """Have nobody told of a rule's alerts for a while; --rule all silences every rule.

    The alerts are still on record. What is still open at the end is told of then.
    """
    from watch.alerts import iso
    from watch.journal import connect, recording
    from watch.journal import silence as keep_silent
    from watch.rules import ALL, find_rule, load_alert_rules
    from weblake.arguments import read_duration

    settings = prepare(quiet=True)
    seconds = read_duration("--for", for_)
    path = settings.outlook.alerts_file
    if rule != ALL:
        find_rule(load_alert_rules(path), rule, path)
    now = time.time()
    with closing(connect(settings)) as connection, recording(connection) as cursor:
        keep_silent(cursor, rule, now + seconds, now)
    write(f"nobody is told of {rule} until {iso(now + seconds)}" if seconds else f"{rule} is told of again")
    return 0


@app.command("alert-test", rich_help_panel=PANEL, epilog="Example: weblake alert-test --rule silence --from 7d")
def alert_test(
    rule: Annotated[str, typer.Option("--rule", metavar="NAME", help="The rule. Default: check all.")] = "",
    from_: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Start of the past: ISO 8601, UTC, or 7d ago.")
    ] = "1d",
    to: Annotated[str, typer.Option("--to", metavar="TIME", help="Its end. Default: now.")] = "",
) -> int:
    """Say when a rule's alerts would have opened and closed in the past.

    It goes by what the marts say today. Without --rule it only checks the file of rules, and asks each rule about the
    present. Nobody is told of anything.
    """
    from watch.journal import connect
    from watch.rules import find_rule, load_alert_rules
    from watch.trial import try_rule
    from weblake.arguments import read_since
    from weblake.show.alerts import show_trials

    settings = prepare(quiet=True)
    path = settings.outlook.alerts_file
    rules = load_alert_rules(path)
    now = time.time()
    if not rule:
        return _check_all(settings, rules, now)
    first, end = read_since("--from", from_, now), read_since("--to", to, now) if to else now
    with closing(connect(settings)) as connection, activity("Asking the marts about the past"):
        trials = try_rule(connection, find_rule(rules, rule, path), first, end)
    show_trials(rule, trials, first, end)
    return 0


def _check_all(settings: Settings, rules: Sequence[Rule], now: float) -> int:
    """Ask all rules about the present, and say which cannot be used."""
    from watch.journal import connect
    from watch.trial import check

    failures = []
    with closing(connect(settings)) as connection:
        for rule in rules:
            try:
                check(connection, rule, now)
            except RulesError as error:
                failures.append(str(error))
    for failure in failures:
        write(failure)
    write(f"{len(rules) - len(failures)} of {len(rules)} rules of {settings.outlook.alerts_file} can be used")
    return FAILED if failures else 0
