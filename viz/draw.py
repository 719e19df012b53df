"""Draws the charts of the contract from the marts, into one picture each."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lake.contracts import CHARTS, Chart
from lake.errors import first_line
from lake.settings import Settings
from viz import marts
from viz.axes import Finding, draw_no_data, set_title, time_range
from viz.bots import draw_bot_requests, draw_bots, draw_conversion
from viz.shop import draw_actions, draw_payment_errors, draw_top_products, draw_traffic
from viz.timeline import Span, time_span

STYLE = Path(__file__).parent / "weblake.mplstyle"
RETRY_SECONDS = 5.0

AT_ONCE: dict[str, Callable[[Axes, pd.DataFrame], Finding]] = {
    "top_products": draw_top_products,
    "actions": draw_actions,
    "bots": draw_bots,
    "conversion": draw_conversion,
}
OVER_TIME: dict[str, Callable[[Axes, pd.DataFrame, Span], Finding]] = {
    "payment_errors": draw_payment_errors,
    "bot_requests": draw_bot_requests,
    "traffic": draw_traffic,
}
"""Chart -> what draws it; those over time show the range of the traffic."""

log = logging.getLogger(__name__)


def draw_all(engine: Engine, folder: Path) -> list[Path]:
    """Read the marts and write a PNG for each chart; return their paths.

    Raises:
        SQLAlchemyError: the marts cannot be read.
    """
    with engine.connect() as connection:
        frames = marts.read_all(connection)
    return draw_frames(frames, folder)


def draw_frames(frames: dict[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write a PNG for each chart, given the rows of each; return their paths."""
    span = time_span(frames["traffic"])
    folder.mkdir(parents=True, exist_ok=True)
    return [
        save(lambda ax, chart=chart: draw(ax, chart, frames[chart.name], span), folder / chart.file_name)  # type: ignore[misc]
        for chart in CHARTS
    ]


def draw(ax: Axes, chart: Chart, rows: pd.DataFrame, span: Span | None) -> None:
    """Draw one chart with its title; ``span`` is the range of the traffic, None where there is none."""
    over_time = OVER_TIME.get(chart.name)
    if rows.empty or (over_time and span is None):
        draw_no_data(ax, chart.title)
        return
    finding = over_time(ax, rows, span) if over_time and span else AT_ONCE[chart.name](ax, rows)
    set_title(ax, f"{chart.title}{finding.text}", time_range(finding.first, finding.last))


def save(drawing: Callable[[Axes], None], path: Path) -> Path:
    """Draw one picture and put it in its place in one step: a viewer sees the old picture or the new one."""
    from matplotlib import pyplot

    with pyplot.style.context(STYLE):
        figure, ax = pyplot.subplots()
        try:
            drawing(ax)
            draft = path.with_suffix(".png.part")
            figure.savefig(draft, format="png")
            draft.replace(path)
        finally:
            pyplot.close(figure)
    return path


def draw_every(seconds: float, engine: Engine, settings: Settings, stop: threading.Event) -> None:
    """Draw again and again until ``stop`` is set; wait for a database that is away, or has no marts yet."""
    while not stop.is_set():
        started = time.monotonic()
        pause = seconds
        try:
            pictures = draw_all(engine, settings.charts)
            log.info("%d charts drawn in %.1f s: %s", len(pictures), time.monotonic() - started, settings.charts)
        except SQLAlchemyError as error:
            pause = min(seconds, RETRY_SECONDS)
            log.error("the marts cannot be read: %s; next try in %.0f s", first_line(error), pause)
        stop.wait(max(0.0, pause - (time.monotonic() - started)))
