"""Replays from the command line: ``python -m spark.commands.replay --from 2026-01-01 --to 2026-01-02 --dry-run``.

The running stream is asked to do it between two batches; where none runs, it is done here, under the lock.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import sys

from lake.contracts import WINDOW_SECONDS
from lake.contracts.records import ReplayRecord, as_replay
from lake.errors import SettingsError, WeblakeError
from lake.requests import ReplayAnswer, ReplayRequest, new_id
from lake.settings import Settings, load_settings
from spark import failpoints
from spark.commands.ask import carry_out, read_records


def main() -> int:
    """Parse the command line and do it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make replay", description=__doc__)
    parser.add_argument("--from", dest="first", metavar="TIME", help="first window, ISO 8601, UTC unless it says more")
    parser.add_argument("--to", dest="end", metavar="TIME", help="end of the range, not included")
    parser.add_argument("--client", help="only the windows in which this address was seen")
    parser.add_argument("--dry-run", action="store_true", help="show the difference and append nothing")
    parser.add_argument("--undo", metavar="ID", help="append the negative of a replay")
    parser.add_argument("--list", action="store_true", help="list the replays")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        settings = load_settings()
        failpoints.arm(settings.fail_at)
        if arguments.list:
            return _list(settings)
        return _show(carry_out(settings, _request(arguments), ReplayAnswer, _show_pieces).outcome())
    except WeblakeError as error:
        sys.stderr.write(f"weblake: {error}\n")
        return 1


def _show_pieces(answer: ReplayAnswer) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r  {answer.at} of {answer.pieces} pieces\033[K")


def _request(arguments: argparse.Namespace) -> ReplayRequest:
    if arguments.undo:
        return ReplayRequest(id=new_id(), first=0, end=0, undo=arguments.undo)
    if not (arguments.first and arguments.end):
        raise SettingsError("a replay needs FROM and TO, for example FROM=2026-01-01 TO=2026-01-02")
    first, end = _seconds("FROM", arguments.first), _seconds("TO", arguments.end)
    first, end = first // WINDOW_SECONDS * WINDOW_SECONDS, -(-end // WINDOW_SECONDS) * WINDOW_SECONDS
    if end <= first:
        raise SettingsError(f"TO={arguments.end!r} is not after FROM={arguments.first!r}; give a later one")
    return ReplayRequest(new_id(), first, end, client=arguments.client, dry_run=arguments.dry_run)


def _seconds(name: str, text: str) -> int:
    try:
        moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise SettingsError(f"{name}={text!r} is no time; write it like 2026-01-31 or 2026-01-31T14:30") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)).timestamp())


def _show(record: ReplayRecord) -> int:
    write = sys.stdout.write
    for correction in record.shown:
        who = "bot" if correction.is_bot else "human"
        changes = ", ".join(f"{name} {value:+d}" for name, value in correction.measures.items())
        write(f"  {correction.dimension:<8} {correction.key:<40} {who:<6} {changes}\n")
    more = record.keys - len(record.shown)
    if more > 0:
        write(f"  ... and {more} more keys\n")
    applied = "would be appended (dry run)" if record.dry_run else "appended"
    write(f"replay {record.id}: {record.corrections} corrections {applied}\n")
    return 0


def _list(settings: Settings) -> int:
    records = read_records(settings, settings.replays, as_replay)
    for record in records:
        span = f"undoes {record.undo}" if record.undo else f"{_iso(record.first)} to {_iso(record.end)}"
        moved = ", ".join(f"{name} {value:+d}" for name, value in record.moved.items() if value)
        sys.stdout.write(
            f"{record.id}  {_iso(record.at)}  {span}"
            f"{'  client ' + record.client if record.client else ''}  "
            f"{record.corrections} corrections{': ' + moved if moved else ''}\n"
        )
    if not records:
        sys.stdout.write("no replays yet\n")
    return 0


def _iso(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


if __name__ == "__main__":
    sys.exit(main())
