"""Measure what grows with history: ``python -m bench.scale --events 1000000 10000000`` (``make bench-scale``).

For each size, a stack of its own is filled, and then the same work is timed: a small batch through to PostgreSQL, an
incremental dbt run, a replay and a `verify` of the same number of events, a `verify` of all, and maintenance, with
sizes before and after.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import logging
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from bench.load import PARTITIONS, SEED, load_backlog, producer, yesterday
from bench.stream import Stream
from bench.traffic import EVENTS_PER_WINDOW, WINDOW_SECONDS, Shop, encode, make_events
from bench.watch import CountWatch
from lake.command import weblake_command
from lake.errors import ServiceError, WeblakeError
from lake.requests import MaintenanceAnswer, MaintenanceRequest, ReplayAnswer, ReplayRequest
from lake.settings import PROJECT, Settings, child_environment, load_settings
from marts.build import Marts, build
from spark.commands.ask import carry_out
from stack.servers.embedded import Embedded

BURSTS = 5
BURST_EVENTS = 5_000
SOME_WINDOWS = 4
MIB = 1 << 20


@dataclass
class Measurement:
    """What was measured at one size: seconds or sizes, by what they are of."""

    events: int
    values: dict[str, float]


def main() -> int:
    """Parse the command line and measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000], help="sizes, small to large")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    parser.add_argument("--dir", type=Path, metavar="FOLDER", help="where to work (default WEBLAKE_DATA/bench)")
    arguments = parser.parse_args()
    logging.basicConfig(level="ERROR", stream=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    base = arguments.dir or load_settings().data / "bench"
    base.mkdir(parents=True, exist_ok=True)
    measurements = []
    try:
        for events in arguments.events:
            with tempfile.TemporaryDirectory(prefix="scale-", dir=base) as folder:
                measurements.append(measure(Path(folder), events))
    except (WeblakeError, psycopg2.Error, OSError) as error:
        sys.stderr.write(f"weblake bench: {str(error).strip()}\n")
        return 1
    _say("\n" + table(measurements))
    if arguments.json:
        arguments.json.write_text(
            json.dumps([{"events": one.events, **one.values} for one in measurements], indent=2) + "\n"
        )
    return 0


def measure(folder: Path, events: int) -> Measurement:
    """Fill a stack with ``events`` and time the work on it.

    Raises:
        ServiceError: a part failed, or the counts are wrong.
    """
    values: dict[str, float] = {}
    with Embedded(folder, java_options=(), TRIGGER_SECONDS="0") as settings:
        _say(f"{events:,} events: loading ...")
        loaded = load_backlog(settings, events, folder / "expected", _silent)
        with CountWatch(settings) as watch, Stream(settings) as stream:
            with _timed(values, "filling, s"):
                watch.wait_for(events, stream.check, _silent)
            marts = Marts(settings)
            with _timed(values, "first dbt run, s"):
                build(marts, settings)
            bursts = Bursts(settings, watch, stream)
            values["batch through to PostgreSQL, s"] = statistics.median(bursts.send() for _ in range(BURSTS))
            build(marts, settings)
            bursts.send()
            with _timed(values, "dbt run after a batch, s"):
                build(marts, settings)
            some = f"{min(events, SOME_WINDOWS * EVENTS_PER_WINDOW):,} events"
            with _timed(values, f"replay of {some}, s"):
                _replay(settings)
            with _timed(values, "maintain, s"):
                maintained = carry_out(settings, MaintenanceRequest("scale"), MaintenanceAnswer, lambda _: None)
            values["batch after maintain, s"] = statistics.median(bursts.send() for _ in range(BURSTS))
            values |= _sizes(maintained)
        build(marts, settings)
        with _timed(values, f"verify of {some}, s"):
            _verify(settings, "--from", _iso(yesterday()), "--to", _iso(yesterday() + SOME_WINDOWS * WINDOW_SECONDS))
        with _timed(values, "verify of all, s"):
            _verify(settings)
        _say(f"  {loaded.records + bursts.sent:,} records, all checks hold")
    return Measurement(events, values)


class Bursts:
    """Sends a burst of new events, and waits until PostgreSQL has them."""

    def __init__(self, settings: Settings, watch: CountWatch, stream: Stream) -> None:
        """Prepare; events are of a seeded random."""
        self._settings = settings
        self._watch = watch
        self._stream = stream
        self._shop = Shop(SEED)
        self._dice = random.Random(SEED)
        self.sent = 0

    def send(self) -> float:
        """Send a burst; return the seconds from its last record's append until PostgreSQL has it."""
        goal = self._watch.events + BURST_EVENTS
        times = [time.time_ns() // 1_000_000] * BURST_EVENTS
        with closing(producer(self._settings, linger_ms=50)) as kafka:
            events = make_events(self._shop, self._dice, times)
            futures = [
                kafka.send(self._settings.kafka_topic, encode(event), partition=index % PARTITIONS)
                for index, event in enumerate(events)
            ]
            appended: float = max(future.get(60).timestamp for future in futures) / 1000
        self.sent += BURST_EVENTS
        return max(0.0, self._watch.wait_for(goal, self._stream.check, _silent).at - appended)


def table(measurements: list[Measurement]) -> str:
    """Return a table: a row for each figure, a column for each size, and the last divided by the first."""
    head = "".join(f"{f'{one.events:,}':>14}" for one in measurements)
    lines = [f"{'events':<40}{head}{'ratio':>10}"]
    for name in measurements[0].values:
        numbers = [one.values[name] for one in measurements if name in one.values]
        ratio = f"{numbers[-1] / numbers[0]:.2f}" if numbers[0] else ""
        lines.append(f"{name:<40}" + "".join(f"{number:>14,.2f}" for number in numbers) + f"{ratio:>10}")
    return "\n".join(lines)


@contextmanager
def _timed(values: dict[str, float], name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    values[name] = time.monotonic() - started
    _say(f"  {name}: {values[name]:.1f}")


def _replay(settings: Settings) -> None:
    """Replay the first windows of the backlog, which must correct nothing."""
    first = yesterday()
    request = ReplayRequest("scale", first, first + SOME_WINDOWS * WINDOW_SECONDS, dry_run=True)
    corrections = carry_out(settings, request, ReplayAnswer, lambda _: None).outcome().corrections
    if corrections:
        raise ServiceError(f"a replay of unchanged events has {corrections} corrections; see `make verify`")


def _verify(settings: Settings, *scope: str) -> None:
    command = weblake_command("verify", *scope)
    environment = child_environment(settings)
    process = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if process.returncode:
        raise ServiceError(f"verify found something wrong:\n{process.stdout}{process.stderr}")


def _iso(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc).isoformat()


def _sizes(maintained: MaintenanceAnswer) -> dict[str, float]:
    """Return files and MiB of each table before and after maintenance."""
    sizes = {}
    for name in maintained.before:
        for side, size in (("before", maintained.before[name]), ("after", maintained.after[name])):
            for words, files, total in (
                ("in use", size.files, size.bytes),
                ("on disk", size.disk_files, size.disk_bytes),
            ):
                sizes[f"{name} {words} {side}, files"] = float(files)
                sizes[f"{name} {words} {side}, MiB"] = total / MIB
    return sizes


def _silent(text: str) -> None:
    """Say nothing."""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
