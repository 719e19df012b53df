"""Judge the alerts by labelled traffic: ``make alert-eval SEED=11``.

Weeks of the generator's traffic, with nights and weekends, become rows of the marts in a database of its own, and the
rules that ship are tried over them as ``make alert-test`` does. The last week has incidents, those before it are quiet,
and the first ones have too little before them to compare with. Prints delays, misses and false alarms, and ends with 1
where they are below the floor. The limits were tuned on seeds 101 to 103; the seeds here by default are others.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection

from bench.alerts.findings import Findings, below_floor, table
from bench.alerts.weeks import EPOCH, HOUR, WEEK, lulls, rows_of, store, troubles
from lake.errors import WeblakeError
from lake.settings import Settings, load_settings
from marts.build import Marts
from stack.servers import postgres
from stack.servers.embedded import Embedded
from stack.servers.migrations import migrate
from watch import journal
from watch.arithmetic import FEWEST_WEEKS
from watch.rules import Rule, load_alert_rules
from watch.trial import Trial, try_rule

SEEDS = (11, 12)
RATE = 5.0
WEEKS = 6
FEWEST = FEWEST_WEEKS + 2
"""Weeks that are needed: those that tell what is usual, a quiet one, and one with incidents."""


def main() -> int:
    """Parse the command line and judge; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.alerts.evaluate", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=list(SEEDS), help="seeds of the traffic")
    parser.add_argument("--rate", type=float, default=RATE, help="records per second by day (default 5)")
    parser.add_argument("--weeks", type=int, default=WEEKS, help=f"how many weeks, {FEWEST} or more (default {WEEKS})")
    arguments = parser.parse_args()
    if arguments.weeks < FEWEST:
        parser.error(f"--weeks {arguments.weeks} is too few; give {FEWEST} or more")
    logging.basicConfig(level="ERROR", stream=sys.stderr)
    settings = load_settings()
    base = settings.data / "bench"
    base.mkdir(parents=True, exist_ok=True)
    findings = Findings()
    try:
        rules = [rule for rule in load_alert_rules(settings.outlook.alerts_file) if rule.has_past]
        with tempfile.TemporaryDirectory(prefix="alert-eval-", dir=base) as folder:
            servers = Embedded(Path(folder), LOG_LEVEL="ERROR")
            try:
                _prepare(servers)
                for seed in arguments.seed:
                    started = time.monotonic()
                    examine(servers.settings, rules, seed, arguments.rate, arguments.weeks, findings)
                    _say(f"seed {seed}: {time.monotonic() - started:.0f} s")
            finally:
                servers.stop()
    except (WeblakeError, psycopg2.Error, OSError) as error:
        sys.stderr.write(f"weblake alert-eval: {str(error).strip()}\n")
        return 1
    _say(f"\n{table(findings)}\n")
    failures = below_floor(findings)
    for failure in failures:
        _say(f"below the floor: {failure}")
    return 1 if failures else 0


def examine(settings: Settings, rules: Sequence[Rule], seed: int, rate: float, weeks: int, findings: Findings) -> None:
    """Make a seed's weeks, try the rules over them, and hold what they found against the labels."""
    incidents = troubles(seed, weeks - 1)
    rows = rows_of(seed, rate, weeks, [*lulls(weeks), *incidents])
    with closing(postgres.connect(settings, "dbt")) as connection, connection.cursor() as cursor:
        store(cursor, rows)
    with closing(journal.connect(settings)) as connection:
        findings.add_quiet(_trials(connection, rules, 0, FEWEST_WEEKS), FEWEST_WEEKS, is_first=True)
        quiet = weeks - 1 - FEWEST_WEEKS
        findings.add_quiet(_trials(connection, rules, FEWEST_WEEKS, weeks - 1), quiet, is_first=False)
        findings.add(_trials(connection, rules, weeks - 1, weeks), incidents, EPOCH)


def _trials(connection: Connection, rules: Sequence[Rule], first: int, end: int) -> dict[str, list[Trial]]:
    """Try all rules over some weeks, of which the first is number 0."""
    bounds = EPOCH + first * WEEK + HOUR, EPOCH + end * WEEK  # an hour later: before the first one there is nothing
    return {rule.name: try_rule(connection, rule, *bounds) for rule in rules}


def _prepare(servers: Embedded) -> None:
    """Start PostgreSQL alone, and have dbt make the marts, empty."""
    if not postgres.is_initialised(servers.settings):
        postgres.initialise(servers.settings)
    servers.start_postgres()
    migrate(servers.settings)
    Marts(servers.settings).run()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
