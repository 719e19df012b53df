"""Draws the charts of the contract from the marts, into one picture each."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lake.causes import cause
from lake.contracts import CHARTS, Chart
from lake.contracts.reports import report_round
from lake.errors import WeblakeError
from lake.files import write_whole
from lake.settings import Settings
from lake.space import require_space
from viz import bots, marts, shop
from viz.axes import draw_words, set_draw_time, set_title
from viz.span import ZONE, Span

STYLE = Path(__file__).parent / "weblake.mplstyle"
RETRY_SECONDS = 5.0

PICTURES = shop.PICTURES | bots.PICTURES

log = logging.getLogger(__name__)


def draw_all(engine: Engine, folder: Path) -> list[Path]:
    """Read the marts and write a PNG for each chart; return their paths.

    Raises:
        SQLAlchemyError: the marts cannot be read.
    """
    with engine.connect() as connection:
        span, frames = marts.read_all(connection, {name: picture.query for name, picture in PICTURES.items()})
    return draw_frames(frames, span, folder)


def draw_frames(frames: dict[str, pd.DataFrame], span: Span | None, folder: Path) -> list[Path]:
    """Write a PNG for each chart, given the rows of each and the span of all; return their paths."""
    drawn_at = pd.Timestamp.now(ZONE)
    return [
        save(
            partial(draw, chart=chart, rows=frames[chart.name], span=span, drawn_at=drawn_at), folder / chart.file_name
        )
        for chart in CHARTS
    ]


def draw(ax: Axes, chart: Chart, rows: pd.DataFrame, span: Span | None, drawn_at: pd.Timestamp) -> None:
    """Draw one chart with its title; ``span`` is the time that all charts show, None where there is no traffic."""
    set_draw_time(ax.figure, drawn_at)
    picture = PICTURES[chart.name]
    if span is None:
        draw_words(ax, "no data yet")
        ax.set_title(chart.title)
        return
    if rows.empty:
        draw_words(ax, "none yet")
        finding = ""
    else:
        finding = picture.draw(ax, rows, span) if picture.is_over_time else picture.draw(ax, rows)
    set_title(ax, f"{chart.title}{finding}", span.words)


def save(drawing: Callable[[Axes], None], path: Path) -> Path:
    """Draw one picture and put it in its place in one step: a viewer sees the old picture or the new one."""
    from matplotlib import pyplot

    with pyplot.style.context(STYLE):
        figure, ax = pyplot.subplots()
        try:
            drawing(ax)
            picture = io.BytesIO()
            figure.savefig(picture, format="png")
        finally:
            pyplot.close(figure)
    write_whole(path, picture.getvalue())
    return path


def draw_every(seconds: float, engine: Engine, settings: Settings, stop: threading.Event) -> None:
    """Draw again and again until ``stop`` is set; wait for a database that is away, or has no marts yet."""
    while not stop.is_set():
        started = time.monotonic()
        pause = seconds
        try:
            require_space(settings, "the charts wait", settings.charts)
            pictures = draw_all(engine, settings.charts)
            log.info("%d charts drawn in %.1f s: %s", len(pictures), time.monotonic() - started, settings.charts)
            report_round(settings.loop_file("charts"), None)
        except Exception as error:  # also what nobody thought of: it is reported, and tried again like the rest
            pause = min(seconds, RETRY_SECONDS)
            is_of_marts = isinstance(error, SQLAlchemyError)
            is_known = is_of_marts or isinstance(error, WeblakeError)
            text = f"{'the marts cannot be read' if is_of_marts else 'the charts cannot be drawn'}: {cause(error)}"
            log.error("%s; next try in %.0f s", text, pause, exc_info=None if is_known else error)
            report_round(settings.loop_file("charts"), text)
        stop.wait(max(0.0, pause - (time.monotonic() - started)))
