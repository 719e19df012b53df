"""Command line of ingest.

``python -m ingest generate`` makes the traffic of a shop; ``python -m ingest import FILE...`` sends access logs.
"""

from __future__ import annotations

import argparse
import logging
import math
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from ingest.import_logs import Tally, check_files, import_file
from ingest.log_file import STDIN, LogFile, LogFileError
from ingest.producer import Producer, connect
from ingest.shop.generate import Bounds, generate
from ingest.shop.traffic import FORMATS, JSON, Traffic
from ingest.shop.truth import Truth
from lake.errors import ServiceError, SettingsError, WeblakeError
from lake.settings import Settings, load_settings

log = logging.getLogger("ingest")

EVEN_HOUR = 7 * 3600.0
"""Hour of the day at which people and bots come as ``--bots`` says: where a run with a seed and no start begins."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 done, 1 failed, 2 not a usable command, 130 interrupted."""
    try:
        settings = load_settings()
        options = _parser(settings).parse_args(arguments)
        _set_up_logging(settings.log_level)
        return _generate(options, settings) if options.command == "generate" else _import(options, settings)
    except (SettingsError, LogFileError) as error:
        return _fail(str(error), 2)
    except WeblakeError as error:
        return _fail(str(error), 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


def _generate(options: argparse.Namespace, settings: Settings) -> int:
    stop = threading.Event()
    _stop_on_signals(stop)
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    epoch = options.start.timestamp() if options.start else None
    day_starts_at = epoch if epoch is not None else time.time() if options.seed is None else EVEN_HOUR
    traffic = Traffic(seed, options.rate, options.bots, day_starts_at, options.format)
    truth = Truth(options.truth or settings.data / "truth" / "clients.csv")
    bounds = Bounds(options.seconds or math.inf, options.count or math.inf)
    log.info("seed %d, %g records per second, bots %.0f %%", seed, options.rate, options.bots * 100)
    producer = connect(settings.kafka_bootstrap_servers, settings.kafka_topic, None, stop)
    if producer is None:
        return 0
    try:
        is_complete = generate(traffic, producer, truth, bounds, epoch, stop)
    finally:
        producer.close()
    print(f"{producer.sent:,} records sent, {producer.acknowledged:,} acknowledged")  # noqa: T201
    if not is_complete:
        missing = producer.sent - producer.acknowledged
        return _fail(f"{missing:,} records were not acknowledged by Kafka at {settings.kafka_bootstrap_servers}", 1)
    return 0


def _import(options: argparse.Namespace, settings: Settings) -> int:
    check_files(options.files)
    tally = Tally()
    never = threading.Event()
    producer = connect(settings.kafka_bootstrap_servers, settings.kafka_topic, options.timeout, never)
    assert producer is not None, "without a stop, connect returns a producer or raises"
    code = 0
    try:
        _import_all(options.files, producer, tally)
        producer.flush()
    except ServiceError as error:
        code = _fail(str(error), 1)
    except KeyboardInterrupt:
        producer.flush(seconds=3.0)
        code = _fail("interrupted; import the same files again to go on: no line will count twice", 130)
    finally:
        producer.close()
    tally.problems += [f"{label} was refused by Kafka as too large" for label in producer.refused]
    if tally.read == 0 and code == 0:
        tally.problems.append(f"nothing to import: {', '.join(options.files)} held no lines")
    print(tally.summary(producer.acknowledged))  # noqa: T201
    for problem in tally.problems:
        code = _fail(problem, code or 1)
    return code


def _import_all(names: list[str], producer: Producer, tally: Tally) -> None:
    """Import the files one after the other, under one progress bar (on a terminal only)."""
    total = sum(Path(name).stat().st_size for name in names if name != STDIN)
    total_shown = None if STDIN in names else total
    with (
        logging_redirect_tqdm(),
        tqdm(total=total_shown, unit="B", unit_scale=True, disable=None, file=sys.stderr) as bar,
    ):
        for name in names:
            bar.set_description(Path(name).name)
            with LogFile(name) as file:
                import_file(file, producer, tally, bar.update)


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingest", description="Send web logs to Kafka.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="generate | import")
    _add_generate(commands.add_parser("generate", help="make the traffic of a shop", description=_GENERATE), settings)
    _add_import(commands.add_parser("import", help="send nginx or Apache logs", description=_IMPORT))
    return parser


_GENERATE = """Make the traffic of a web shop, people and bots, and send it to Kafka. Runs until it is stopped, unless
--seconds or --count says otherwise. The same --seed gives the same events; add --start for the same times too."""
_IMPORT = """Send nginx or Apache access logs to Kafka, line by line as they are. Importing a file again, or a rotated
or gzipped copy of it, counts nothing twice."""


def _add_generate(parser: argparse.ArgumentParser, settings: Settings) -> None:
    def add(flag: str, kind: object, help_text: str, **more: object) -> None:
        parser.add_argument(flag, type=kind, help=help_text, **more)  # type: ignore[arg-type]

    add("--rate", _positive, "records per second (default: %(default)s)", default=settings.generate_rate, metavar="N")
    add("--seconds", _positive, "stop after so many seconds of traffic (default: never)", metavar="N")
    add("--count", _positive_int, "stop after so many records (default: never)", metavar="N")
    add("--seed", int, "make the same events again (default: drawn, and logged)", metavar="N")
    bots_help = "share of records by bots, 0 to 1, on average over the day (default: %(default)s)"
    add("--bots", _share, bots_help, default=settings.generate_bots, metavar="SHARE")
    add("--start", _instant, "start of event time, ISO 8601, UTC unless it says (default: now)", metavar="TIME")
    format_help = (
        "json: events, and log lines for what no event says; log: log lines, with assets (default: %(default)s)"
    )
    add("--format", str, format_help, choices=FORMATS, default=JSON)
    truth_help = "where to write which client is what (default: <WEBLAKE_DATA>/truth/clients.csv)"
    add("--truth", Path, truth_help, metavar="FILE")


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="log file, plain or gzipped; - for standard input")
    parser.add_argument(
        "--timeout",
        type=_positive,
        default=120.0,
        metavar="SECONDS",
        help="give up when Kafka takes nothing for so long (default: %(default)g)",
    )


def _positive(text: str) -> float:
    number = _number(text, float)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0")
    return number


def _positive_int(text: str) -> int:
    number = int(_number(text, int))
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0")
    return number


def _share(text: str) -> float:
    number = _number(text, float)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1")
    return number


def _number(text: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-01-31T12:00:00Z") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc)


def _stop_on_signals(stop: threading.Event) -> None:
    """End cleanly at the first SIGTERM or SIGINT, at once at the second."""

    def handle(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _set_up_logging(level: str) -> None:
    try:
        logging.basicConfig(
            level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
        )
    except ValueError as error:
        raise SettingsError(f"LOG_LEVEL={level!r} is no level; set it to DEBUG, INFO, WARNING or ERROR") from error
    if level != "DEBUG":
        # kafka-python reports every attempt to connect; ingest.producer says the same once every few seconds.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)


def _fail(message: str, code: int) -> int:
    print(f"ingest: {message}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
