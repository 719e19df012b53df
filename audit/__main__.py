"""Check that every stage holds what the stage before it holds: ``python -m audit verify`` (``make verify``).

It reads, and writes nothing. Exit code: 0 when all holds; 1 when a check failed; 2 for wrong arguments; 3 when nothing
failed but something could not be checked, such as with Kafka down (0 with --offline).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import PySparkException

from audit.check import Verdict
from audit.report import as_text
from audit.scope import Scope, read_instant
from audit.verify import Progress, verify
from lake.errors import WeblakeError
from lake.settings import load_settings
from lake.url_rules import load_url_rules
from spark.session import spark_session

FAILED, UNCHECKED, INTERRUPTED = 1, 3, 130


def main() -> int:
    """Parse the command line and check; returns the exit code."""
    arguments = _parse()
    progress = Progress(sys.stderr)
    try:
        settings = load_settings()
        rules = load_url_rules(settings.rules_file)
        progress.say("starting Spark")
        with java_kept_quiet():
            session = spark_session(settings, app="verify")
        session.sparkContext.setLogLevel("OFF")
        try:
            result = verify(session, settings, rules, arguments.scope, arguments.deep, progress)
        finally:
            session.stop()
    except (WeblakeError, PySparkException) as error:
        progress.clear()
        sys.stderr.write(f"weblake: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        progress.clear()
        sys.stderr.write("weblake: interrupted\n")
        return INTERRUPTED
    progress.clear()
    sys.stdout.write(as_text(result) + "\n")
    verdicts = {check.verdict for check in result.checks}
    if Verdict.FAILED in verdicts:
        return FAILED
    return UNCHECKED if Verdict.UNCHECKED in verdicts and not arguments.offline else 0


@contextmanager
def java_kept_quiet() -> Iterator[None]:
    """Give what is started here no standard error: Java and Spark print lines there that say nothing."""
    sys.stderr.flush()
    ours, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)
        os.close(nowhere)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="verify")
    command = commands.add_parser("verify", help="check every stage against the one before it", description=__doc__)
    command.add_argument("--from", dest="first", type=_instant, metavar="TIME", help="only windows from this time on")
    command.add_argument("--to", dest="last", type=_instant, metavar="TIME", help="only windows before this time")
    command.add_argument("--deep", action="store_true", help="read every raw record again in plain Python (slow)")
    command.add_argument("--offline", action="store_true", help="exit 0 even where a server that is down kept a check")
    arguments = parser.parse_args()
    arguments.scope = Scope(arguments.first, arguments.last)
    if None not in (arguments.first, arguments.last) and arguments.first >= arguments.last:
        parser.error("--from must be before --to")
    return arguments


def _instant(text: str) -> float:
    try:
        return read_instant(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-01-31T12:00:00Z") from None


if __name__ == "__main__":
    sys.exit(main())
