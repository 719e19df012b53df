"""Verdicts by hand: ``python -m spark.commands.decide convict --ip 203.0.113.7 --reason "..."`` (``make convict``).

The running stream is asked to carry it out between two batches; where none runs, it is done here, under the lock.
"""

from __future__ import annotations

import argparse
import datetime as dt
import ipaddress
import logging
import sys

from lake.contracts import CONVICTED, PARDONED, RELEASED
from lake.contracts.records import BY_HAND, Change, as_verdict
from lake.errors import SettingsError, WeblakeError
from lake.requests import VerdictAnswer, VerdictRequest, new_id
from lake.settings import Settings, load_settings
from spark.commands.ask import carry_out, read_records

VERDICTS = {"convict": CONVICTED, "pardon": PARDONED, "release": RELEASED}


def main() -> int:
    """Parse the command line and do it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m spark.commands.decide", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command", metavar="convict|pardon|release|list")
    said = {
        "convict": "count the client among the bots, past and future",
        "pardon": "count the client among people, whatever its agent or its evidence says",
        "release": "leave the client to its agent and its evidence again",
    }
    for name, text in said.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--ip", default="", help="the client's address, as the marts write it")
        command.add_argument("--reason", default="", help="why; it stays on record")
        command.add_argument("--dry-run", action="store_true", help="tell what it would move, and move nothing")
    commands.add_parser("list", help="list the verdicts")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        settings = load_settings()
        if arguments.command == "list":
            return _list(settings)
        outcome = carry_out(settings, _request(arguments), VerdictAnswer, lambda answer: None)
    except WeblakeError as error:
        sys.stderr.write(f"weblake: {error}\n")
        return 1
    sys.stdout.write(as_text(arguments.ip, VERDICTS[arguments.command], outcome, arguments.dry_run) + "\n")
    return 0


def _request(arguments: argparse.Namespace) -> VerdictRequest:
    try:
        ipaddress.ip_address(arguments.ip)
    except ValueError as error:
        raise SettingsError(f"IP={arguments.ip!r} is no address; give the client's as the marts write it") from error
    if not arguments.reason.strip():
        raise SettingsError('a verdict by hand needs REASON="...", which stays on record')
    change = Change(arguments.ip, VERDICTS[arguments.command], arguments.reason.strip())
    return VerdictRequest(new_id(), BY_HAND, (change,), arguments.dry_run)


def as_text(address: str, verdict: str, outcome: VerdictAnswer, dry_run: bool) -> str:
    """Return what a verdict moved, or would move, in one line."""
    if not outcome.changes:
        return f"{address} was {verdict} already; nothing to do"
    moved = {name: number for name, number in outcome.moved.items() if number}
    sums = ", ".join(f"{name} {number:+,d}" for name, number in moved.items())
    return f"{address} {'would be' if dry_run else 'is'} {verdict}; to the bots: {sums or 'nothing moves'}"


def _list(settings: Settings) -> int:
    records = read_records(settings, settings.verdicts, as_verdict)
    for record in records:
        at = f"{dt.datetime.fromtimestamp(record.at, tz=dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        for change in record.changes:
            sys.stdout.write(
                f"{record.number:>5}  {at}  {change.verdict:<9}  {change.ip_address:<39}  "
                f"by {record.by}: {change.reason}\n"
            )
    if not records:
        sys.stdout.write("no verdicts yet\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
