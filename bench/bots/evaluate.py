"""Judge the detector of bots by labelled traffic: ``make bot-eval SEED=11``.

The generator's records, and those of people who look like bots, are parsed, counted and scored by the code that the
stack runs; only then are the verdicts held against the truth. Prints what was found of each kind, draws it, and ends
with 1 where that is below the floor. The rules were tuned on seeds 101 to 103; the seeds here by default are others.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import psycopg2

from bench.bots.detector import Detector
from bench.bots.findings import Findings, below_floor, draw_findings, table
from bench.bots.labelled import EPOCH, Scenario, split, traffic
from lake.errors import WeblakeError
from lake.settings import load_settings
from spark.session import spark_session
from stack.servers.embedded import Embedded
from stack.servers.migrations import migrate
from stack.servers.postgres import initialise, is_initialised

SEEDS = (11, 12)
RATES = {"log": (20.0, 50.0), "json": (20.0, 50.0)}
MINUTES = (5, 15, 30, 60)
"""When the clients are judged; what convicts a client later than at once is known to the next of these."""


def main() -> int:
    """Parse the command line and judge; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.bots.evaluate", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=list(SEEDS), help="seeds of the traffic")
    parser.add_argument("--rate", type=float, nargs="+", help="records per second (default 20 and 50)")
    parser.add_argument(
        "--format", choices=sorted(RATES), nargs="+", default=list(RATES), help="formats of the records"
    )
    parser.add_argument("--chart", type=Path, metavar="FILE", help="where the chart goes (default charts/bot_eval.png)")
    arguments = parser.parse_args()
    logging.basicConfig(level="ERROR", stream=sys.stderr)
    scenarios = [
        Scenario(seed, rate, record_format)
        for record_format in arguments.format
        for rate in arguments.rate or RATES[record_format]
        for seed in arguments.seed
    ]
    findings = Findings()
    try:
        with detector() as running_detector:
            for scenario in scenarios:
                started = time.monotonic()
                examine(running_detector, scenario, findings)
                _say(f"{scenario}: {time.monotonic() - started:.0f} s")
    except (WeblakeError, psycopg2.Error, OSError) as error:
        sys.stderr.write(f"weblake bot-eval: {str(error).strip()}\n")
        return 1
    _say(f"\n{table(findings)}\n")
    matplotlib.use("Agg")
    chart = arguments.chart or load_settings().charts / "bot_eval.png"
    chart.parent.mkdir(parents=True, exist_ok=True)
    draw_findings(findings, chart, ", ".join(map(str, arguments.seed)))
    _say(f"chart: {chart}")
    failures = below_floor(findings)
    for failure in failures:
        _say(f"below the floor: {failure}")
    return 1 if failures else 0


@contextmanager
def detector() -> Iterator[Detector]:
    """Start PostgreSQL in a folder of its own, and a Spark session; both end with the context."""
    base = load_settings().data / "bench"
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bot-eval-", dir=base) as folder:
        servers = Embedded(Path(folder), SPARK_MASTER="local[2]", LOG_LEVEL="ERROR")
        try:
            with database(servers):
                session = spark_session(servers.settings, "bot-eval")
                session.sparkContext.setLogLevel("ERROR")
                try:
                    yield Detector(session, servers.settings)
                finally:
                    session.stop()
        finally:
            servers.stop()


@contextmanager
def database(servers: Embedded) -> Iterator[None]:
    """Start the servers' PostgreSQL alone: nothing here goes through Kafka."""
    if not is_initialised(servers.settings):
        initialise(servers.settings)
    servers.start_postgres()
    migrate(servers.settings)
    yield


def examine(detector: Detector, scenario: Scenario, findings: Findings) -> None:
    """Let the detector judge a scenario's bytes, then hold its verdicts against the truth."""
    sent, truth = split(traffic(scenario))
    upto = [60.0 * minutes for minutes in MINUTES]
    findings.add(truth, upto, detector.judge(sent, EPOCH, upto))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
