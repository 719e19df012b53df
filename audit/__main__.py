"""Check that every stage holds what the stage before it holds: ``python -m audit verify`` (``make verify``).

It reads, and writes nothing. Exit code: 0 when all holds; 1 when a check failed; 2 for wrong arguments; 3 when nothing
failed but something could not be checked, such as with Kafka down (0 with --offline).
"""

from __future__ import annotations

import argparse
import sys

from pyspark.errors import PySparkException

from audit.check import Verdict
from audit.report import as_text
from audit.scope import Scope, read_instant
from audit.session import quiet_session
from audit.verify import Progress, verify
from lake.errors import WeblakeError
from lake.settings import load_settings
from lake.url_rules import load_url_rules

FAILED, UNCHECKED, INTERRUPTED = 1, 3, 130


def main() -> int:
    """Parse the command line and check; returns the exit code."""
    arguments = _parse()
    progress = Progress(sys.stderr)
    try:
        settings = load_settings()
        rules = load_url_rules(settings.rules_file)
        progress.say("starting Spark")
        with quiet_session(settings, "verify") as session:
            report = verify(session, settings, rules, arguments.scope, arguments.deep, progress)
    except (WeblakeError, PySparkException) as error:
        progress.clear()
        sys.stderr.write(f"weblake: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        progress.clear()
        sys.stderr.write("weblake: interrupted\n")
        return INTERRUPTED
    progress.clear()
    sys.stdout.write(as_text(report) + "\n")
    if report.verdict is Verdict.FAILED:
        return FAILED
    return UNCHECKED if report.verdict is Verdict.UNCHECKED and not arguments.offline else 0


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
