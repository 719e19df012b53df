"""Measure the whole: ``python -m bench --events 5000000`` (``make bench``). Needs no running stack."""

from __future__ import annotations

import argparse
import json
import logging
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from bench.backlog import Backlog, measure_backlog
from bench.cells import Comparison, compare_database
from bench.day import Day, measure_day
from bench.idle import Idle, measure_idle
from bench.live import Live, measure_live
from bench.load import MOST_EVENTS, load_backlog
from bench.replay import Replay, measure_replay
from bench.report import table
from bench.stream import Stream, metered_services
from bench.watch import CountWatch
from lake.contracts.reports import StreamReport, read_stream_report
from lake.errors import ServiceError, WeblakeError
from lake.settings import Settings, load_settings

PARTS = ("backlog", "live", "day", "replay", "idle")
DAYS = ((50, "json"), (50, "log"), (1_000, "json"), (1_000, "log"))
"""Records per second, and their form, of the shops of which part of a day is drained."""
WARM_UP_EVENTS = 1_000_000
"""What the stream drains first, unmeasured, where only the live part is asked for."""


@dataclass
class Results:
    """What was measured; None where it was not asked for."""

    backlog: Backlog | None = None
    live: Live | None = None
    days: list[Day] = field(default_factory=list)
    replay: Replay | None = None
    idle: Idle | None = None
    check: Comparison | None = None


def main() -> int:
    """Parse the command line and measure; returns the exit code: 1 where a count is wrong or something failed."""
    arguments = _parse()
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = load_settings()
        with _folder(arguments.dir or settings.data / "bench", arguments.keep) as folder:
            results = _measure(folder, arguments)
    except (WeblakeError, psycopg2.Error, OSError) as error:
        sys.stderr.write(f"weblake bench: {str(error).strip()}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("weblake bench: interrupted; everything it started has ended\n")
        return 130
    _say("\n" + table(results.backlog, results.live, results.days, results.replay, results.idle, results.check) + "\n")
    text = json.dumps({"machine": _machine(), "settings": _benchmark_settings(settings), **asdict(results)}, indent=2)
    _say(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    if results.check and results.check.first_difference:
        sys.stderr.write(f"weblake bench: the counts are wrong: {results.check.first_difference}\n")
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=_whole, default=5_000_000, help="size of the backlog (default 5000000)")
    parser.add_argument("--live-seconds", type=_whole, default=180, help="measured live seconds (default 180)")
    parser.add_argument("--live-rate", type=_whole, default=2_000, help="live events per second (default 2000)")
    parser.add_argument(
        "--day-records", type=_whole, default=1_000_000, help="records of each shop's day (default 1000000)"
    )
    parser.add_argument("--idle-seconds", type=_whole, default=180, help="measured idle seconds (default 180)")
    parser.add_argument("--idle-rate", type=_whole, default=50, help="idle events per second (default 50)")
    parser.add_argument(
        "--replay-rate",
        type=_whole,
        default=1_000,
        help="an hour at this rate is replayed (default 1000)",
    )
    parser.add_argument("--only", choices=PARTS, help="measure this part alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the JSON object here as well")
    parser.add_argument("--dir", type=Path, metavar="FOLDER", help="where to work (default WEBLAKE_DATA/bench)")
    parser.add_argument("--keep", action="store_true", help="leave the data and the logs there")
    arguments = parser.parse_args()
    if arguments.events > MOST_EVENTS:
        parser.error(f"argument --events: {arguments.events} is more than a day holds; {MOST_EVENTS} is the most")
    if arguments.json and not arguments.json.resolve().parent.is_dir():
        parser.error(f"argument --json: there is no folder {arguments.json.resolve().parent}")
    return arguments


def _measure(folder: Path, arguments: argparse.Namespace) -> Results:
    """Measure what was asked for; the idle stack comes last, alone on the machine."""
    parts = {arguments.only} if arguments.only else set(PARTS)
    results = Results()
    if parts & {"backlog", "live"}:
        _measure_stream(folder / "stream", arguments, parts, results)
    if results.check and results.check.first_difference:
        return results
    for rate, form in DAYS if "day" in parts else ():
        _say(f"day: {arguments.day_records:,} records ({form}) of a shop that gets {rate:,} a second ...")
        results.days.append(measure_day(folder / f"day-{rate}-{form}", rate, form, arguments.day_records, _say))
    if "replay" in parts:
        _say(f"replay: an hour at {arguments.replay_rate:,} events/s, while as many come ...")
        results.replay = measure_replay(folder / "replay", arguments.replay_rate, _say)
    if "idle" in parts:
        _say(f"idle: a stack of its own at {arguments.idle_rate} events/s for {arguments.idle_seconds} s ...")
        results.idle = measure_idle(folder / "idle", arguments.idle_rate, arguments.idle_seconds, _say)
    return results


def _measure_stream(folder: Path, arguments: argparse.Namespace, parts: set[str], results: Results) -> None:
    """Drain a backlog and follow live traffic with one stream, then check all counts."""
    expected = folder / "expected"
    events = arguments.events if "backlog" in parts else min(arguments.events, WARM_UP_EVENTS)
    _say(f"starting a broker and a database below {folder} ...")
    never = str(24 * 366)  # hours: the counts are compared by ten seconds
    with metered_services(folder, HOT_HOURS=never) as (settings, meter):
        _say(f"loading {events:,} events ...")
        loaded = load_backlog(settings, events, expected, _say)
        _say(f"  {loaded.records:,} records in {loaded.seconds:.0f} s")
        with CountWatch(settings) as watch, Stream(settings) as stream:
            meter.follow("stream", stream.pid)
            _say("draining the backlog, from the start of the stream ...")
            backlog = measure_backlog(settings, stream, loaded, meter, watch, _say)
            sent = 0
            if "backlog" in parts:
                results.backlog = backlog
            if "live" in parts:
                rate, seconds = arguments.live_rate, arguments.live_seconds
                _say(f"live: {rate:,} events/s for {seconds} s, after a warm-up ...")
                results.live, sent = measure_live(settings, stream, meter, watch, rate, seconds, expected, _say)
            _check_bronze(settings, loaded.records + sent)
        results.check = compare_database(settings, expected, _say)


def _check_bronze(settings: Settings, records: int) -> None:
    """Raise ServiceError unless bronze has one row per record and rejected none."""
    report = read_stream_report(settings.stream_file) or StreamReport()
    rows, rejected = report.bronze.rows, report.bronze.rejected
    if (rows, rejected) != (records, 0):
        raise ServiceError(f"bronze has {rows:,} rows, {rejected:,} of them rejected; {records:,} good ones were sent")


@contextmanager
def _folder(base: Path, keep: bool) -> Iterator[Path]:
    """Yield a new folder below ``base``; remove it at the end unless ``keep`` is set."""
    base = base.expanduser().resolve()
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=base))
    try:
        yield folder
    finally:
        if keep:
            _say(f"the data and the logs are kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _whole(text: str) -> int:
    try:
        number = int(text.replace("_", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is below 1")
    return number


def _machine() -> dict[str, Any]:
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total
    return {"cores": cores, "memory_bytes": memory, "system": platform.system(), "python": platform.python_version()}


def _benchmark_settings(settings: Settings) -> dict[str, Any]:
    names = ("spark_master", "spark_driver_memory", "trigger_seconds", "max_records_per_batch")
    return {name: getattr(settings, name) for name in names}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
