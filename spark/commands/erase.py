"""The lake's part of ``make erase``: ``python -m spark.commands.erase --ip 203.0.113.7``, while no stream runs.

What Kafka holds is taken in and counted first; then the client is erased from bronze, the ledger and the records of
replays, and PostgreSQL's counts are filled anew.
"""

from __future__ import annotations

import argparse
import logging
import sys

from lake.contracts.records import as_text
from lake.errors import WeblakeError
from lake.settings import load_settings
from spark import failpoints
from spark.errands.erasure import erase_on_record
from spark.pipeline import Pipeline
from spark.session import spark_session
from spark.tables.lock import lake_lock

LOCK_WAIT_SECONDS = 30.0


def main() -> int:
    """Erase, and print the record of it in JSON; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m spark.commands.erase", description=__doc__)
    parser.add_argument("--ip", required=True, metavar="ADDRESS", help="the client, as the marts write it")
    parser.add_argument("--reason", default="", help="what to put on record")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        settings = load_settings()
        failpoints.arm(settings.fail_at)
        with lake_lock(settings.lock_file, LOCK_WAIT_SECONDS, "an erasure (make erase)") as lock:
            session = spark_session(settings, app="erase")
            lock.also_held_by(session.sparkContext._gateway.proc.pid)  # type: ignore[union-attr]
            pipeline = Pipeline(session, settings)
            pipeline.drain()
            record = erase_on_record(session, settings, arguments.ip, arguments.reason)
            Pipeline(session, settings).rebuild()
            session.stop()
    except WeblakeError as error:
        sys.stderr.write(f"weblake: {error}\n")
        return 1
    sys.stdout.write(as_text(record) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
