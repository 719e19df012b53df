"""Run the streams: ``python -m spark``, or ``python -m spark --once`` to drain what is there and end."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from lake.errors import WeblakeError
from lake.settings import Settings, load_settings
from spark import failpoints
from spark.pipeline import Pipeline
from spark.session import spark_session
from spark.tables.lock import lake_lock

log = logging.getLogger(__name__)

LOCK_WAIT_SECONDS = 30.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Parse the command line and run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m spark", description=__doc__)
    parser.add_argument("--once", action="store_true", help="drain what Kafka holds now through to PostgreSQL and end")
    parser.add_argument("--rebuild", action="store_true", help="count a deleted ledger anew from bronze and end")
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        failpoints.arm(settings.fail_at)
        logging.basicConfig(
            level=settings.log_level, format="%(asctime)sZ %(levelname)s %(threadName)s: %(message)s", stream=sys.stderr
        )
        logging.Formatter.converter = time.gmtime
        logging.getLogger("py4j").setLevel(logging.WARNING)
        for number in SIGNALS:
            signal.signal(number, lambda *_: sys.exit(0))  # until there is a pipeline that has something to finish
        with lake_lock(settings.lock_file, LOCK_WAIT_SECONDS, "the stream (python -m spark)") as lock:
            run(settings, arguments, lock.also_held_by)
    except WeblakeError as error:
        sys.stderr.write(f"weblake: {error}\n")
        return 1
    except (PySparkException, Py4JError) as error:
        log.error("the lake %s cannot be used; `make verify` says what is damaged", settings.lake_root, exc_info=error)
        return 1
    return 0


def run(settings: Settings, arguments: argparse.Namespace, note_jvm: Callable[[int], None]) -> None:
    """Run the pipeline until it is drained (``--once``, ``--rebuild``) or told to end by SIGTERM or SIGINT."""
    session = spark_session(settings)
    note_jvm(session.sparkContext._gateway.proc.pid)  # type: ignore[union-attr]
    pipeline = Pipeline(session, settings)
    for number in SIGNALS:
        signal.signal(number, lambda *_: pipeline.stop())
    if arguments.rebuild:
        pipeline.rebuild()
    elif arguments.once:
        pipeline.drain()
    else:
        pipeline.run()
    session.stop()


if __name__ == "__main__":
    sys.exit(main())
