"""Bots: who is one and why, verdicts by hand, and the blocklist."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from weblake.commands.options import DryRun, Ip, Json
from weblake.console import activity, note, write, write_fields, write_json
from weblake.process import prepare

PANEL = "Bots"

app = typer.Typer()

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason. It stays on record.")]


@app.command(rich_help_panel=PANEL, epilog="Example: cut -d '\"' -f 6 access.log | weblake classify -")
def classify(
    file: Annotated[str, typer.Argument(metavar="FILE", help="User agents, one per line; - reads standard input.")],
) -> int:
    """Say what user agents are: crawlers, tools or people.

    It prints kind, name, operator and agent, separated by tabs.
    """
    from spark.commands.classify import agents_of, row_of

    prepare(quiet=True)
    for agent in agents_of(file):
        write_fields(*row_of(agent))
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake explain --ip 203.0.113.7 --lines 5")
def explain(
    ip: Ip,
    lines: Annotated[int, typer.Option(min=0, help="How many of the client's newest records to show.")] = 20,
    as_json: Json = False,
) -> int:
    """Say why a client counts as a bot, or why not.

    It shows the verdict, each reason with its figure, and the client's newest records.
    """
    from audit.explain import explain as explanation_of
    from audit.explain import raw_records
    from weblake.clients import client_meant

    settings = prepare(quiet=True)
    client = client_meant(settings, ip)
    explanation = explanation_of(settings, client, ip)
    if not as_json:
        for line in explanation.as_lines():
            write(line)
        sys.stdout.flush()
    with activity("Reading the client's records"):
        records = raw_records(settings, client, lines)
    if as_json:
        bronze = asdict(records)
        write_json({**explanation.as_json(), "bronze": bronze})
    else:
        for line in records.as_lines():
            write(f"  {line}")
    return 0


@app.command(rich_help_panel=PANEL, epilog='Example: weblake convict --ip 203.0.113.7 --reason "scraper" --dry-run')
def convict(ip: Ip, reason: Reason, dry_run: DryRun = False) -> int:
    """Count a client among the bots, past and future."""
    return _decide(ip, "convict", reason, dry_run)


@app.command(rich_help_panel=PANEL, epilog='Example: weblake pardon --ip 203.0.113.7 --reason "our own monitor"')
def pardon(ip: Ip, reason: Reason, dry_run: DryRun = False) -> int:
    """Count a client among people, whatever the evidence."""
    return _decide(ip, "pardon", reason, dry_run)


@app.command(rich_help_panel=PANEL, epilog='Example: weblake release --ip 203.0.113.7 --reason "left to its evidence"')
def release(ip: Ip, reason: Reason, dry_run: DryRun = False) -> int:
    """Take back a verdict by hand: agent and evidence decide again."""
    return _decide(ip, "release", reason, dry_run)


@app.command(rich_help_panel=PANEL, epilog="Example: weblake verdicts --json")
def verdicts(as_json: Json = False) -> int:
    """List the verdicts, oldest first."""
    from spark.commands.decide import verdict_records
    from weblake.show.errands import show_verdicts

    records = verdict_records(prepare(quiet=True))
    if as_json:
        write_json([record.as_json() for record in records])
    else:
        show_verdicts(records)
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake blocklist --format ipset | ipset restore")
def blocklist(
    form: Annotated[
        Literal["nginx", "ipset", "csv"], typer.Option("--format", help="The format of the list.")
    ] = "nginx",
) -> int:
    """Print the addresses of convicted clients, for a server to block.

    It leaves out genuine crawlers, pardoned clients, everyone who has bought something, addresses that are not public,
    this machine's own, and those in lake/rules/allow.txt. It says on the standard error how many of the last three.
    """
    from marts.blocklist import blocklist as list_blocked
    from marts.blocklist import write_blocklist

    listed = list_blocked(prepare(quiet=True))
    write_blocklist(listed.entries, form, sys.stdout)
    for reason, number in sorted(listed.left_out.items()):
        note(f"weblake: left out: {number:,} ({reason})")
    return 0


def _decide(ip: str, deed: Literal["convict", "pardon", "release"], reason: str, dry_run: bool) -> int:
    from lake.contracts import CONVICTED, PARDONED, RELEASED
    from spark.commands.decide import decide
    from weblake.clients import address_meant
    from weblake.show.errands import verdict_text

    settings = prepare(quiet=True)
    address = address_meant(settings, ip)
    verdict = {"convict": CONVICTED, "pardon": PARDONED, "release": RELEASED}[deed]
    with activity("Working out what would move" if dry_run else "Moving the client's entries"):
        outcome = decide(settings, address, verdict, reason, dry_run)
    write(verdict_text(address, verdict, outcome, dry_run))
    return 0
