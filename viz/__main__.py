"""Draw the charts from the marts: `python -m viz`, or every minute with `python -m viz --every 60`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from types import FrameType

import matplotlib
from sqlalchemy.exc import SQLAlchemyError

from lake.settings import load_settings
from viz import marts
from viz.draw import draw_all, draw_every

log = logging.getLogger(__name__)


def main() -> int:
    """Parse the command line and draw; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m viz", description=__doc__)
    parser.add_argument(
        "--every", type=float, metavar="SECONDS", help="draw again every so many seconds, until stopped"
    )
    arguments = parser.parse_args()
    settings = load_settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    matplotlib.use("Agg")
    engine = marts.connect(settings)
    if arguments.every:
        stop = threading.Event()

        def request_stop(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, request_stop)
        signal.signal(signal.SIGINT, request_stop)
        draw_every(arguments.every, engine, settings, stop)
        return 0
    try:
        for path in draw_all(engine, settings.charts):
            sys.stdout.write(f"{path}\n")
    except SQLAlchemyError as error:
        log.error("the marts cannot be read: %s; is the stack up, and have the marts been built?", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
