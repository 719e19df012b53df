"""Draw the charts from the marts: `python -m viz`, or every minute with `python -m viz --every 60`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import matplotlib
from matplotlib.axes import Axes
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lake.settings import Settings, load_settings
from viz import bots as of_bots
from viz import charts, marts

STYLE = Path(__file__).parent / "weblake.mplstyle"
RETRY_SECONDS = 5.0

log = logging.getLogger(__name__)


def draw_all(engine: Engine, folder: Path) -> list[Path]:
    """Read the marts and write a PNG for each chart; return their paths."""
    with engine.connect() as connection:
        products = marts.read(connection, marts.TOP_PRODUCTS)
        actions = marts.read(connection, marts.ACTIONS)
        payments = marts.read(connection, marts.PAYMENT_ERRORS)
        bots = marts.read(connection, marts.BOTS)
        traffic = marts.read(connection, marts.TRAFFIC)
        bot_requests = marts.read(connection, marts.BOT_REQUESTS)
        conversion = marts.read(connection, marts.CONVERSION)
    span = charts.time_span(traffic)
    drawings: dict[str, Callable[[Axes], None]] = {
        "top_products": lambda ax: charts.draw_top_products(ax, products),
        "actions": lambda ax: charts.draw_actions(ax, actions),
        "payment_errors": lambda ax: charts.draw_payment_errors(ax, payments, span),
        "bots": lambda ax: of_bots.draw_bots(ax, bots),
        "bot_requests": lambda ax: of_bots.draw_bot_requests(ax, bot_requests, span),
        "conversion": lambda ax: of_bots.draw_conversion(ax, conversion),
        "traffic": lambda ax: charts.draw_traffic(ax, traffic, span),
    }
    folder.mkdir(parents=True, exist_ok=True)
    return [save(draw, folder / f"{name}.png") for name, draw in drawings.items()]


def save(draw: Callable[[Axes], None], path: Path) -> Path:
    """Draw one figure and put it in place at once: whoever looks sees the old picture or the new one."""
    from matplotlib import pyplot

    with pyplot.style.context(STYLE):
        figure, ax = pyplot.subplots()
        try:
            draw(ax)
            unfinished = path.with_suffix(".png.part")
            figure.savefig(unfinished, format="png")
            unfinished.replace(path)
        finally:
            pyplot.close(figure)
    return path


def draw_every(seconds: float, engine: Engine, settings: Settings, stop: threading.Event) -> None:
    """Draw again and again until ``stop`` is set; a database that is away, or has no marts yet, is waited for."""
    while not stop.is_set():
        started = time.monotonic()
        pause = seconds
        try:
            drawn = draw_all(engine, settings.charts)
            log.info("%d charts drawn in %.1f s: %s", len(drawn), time.monotonic() - started, settings.charts)
        except SQLAlchemyError as error:
            pause = min(seconds, RETRY_SECONDS)
            log.error("the marts cannot be read: %s; next try in %.0f s", str(error).splitlines()[0], pause)
        stop.wait(max(0.0, pause - (time.monotonic() - started)))


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
