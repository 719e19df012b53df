"""Charts on Axes of a test's own: rows for them, how to draw one, and what can be read off it then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from math import isnan
from typing import Any

import matplotlib
import pandas as pd
import pytest

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.dates import num2date
from matplotlib.patches import Rectangle, StepPatch

from lake.contracts import CHARTS
from viz.axes import UNFINISHED
from viz.draw import STYLE, draw
from viz.span import Span, time_span

T0 = datetime(2026, 3, 1, 10, 0, tzinfo=timezone.utc)
DRAWN_AT = pd.Timestamp("2026-03-05 08:30", tz="UTC")
CHART = {chart.name: chart for chart in CHARTS}


@pytest.fixture
def ax() -> Iterator[Axes]:
    with pyplot.style.context(STYLE):
        figure, axes = pyplot.subplots()
        yield axes
        figure.canvas.draw()
        pyplot.close(figure)


def minute(number: float) -> pd.Timestamp:
    return pd.Timestamp(T0 + timedelta(minutes=number))


def _by_window(columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> pd.DataFrame:
    """Rows of a mart of windows, the first value of which is the window's minute."""
    frame = pd.DataFrame(list(rows), columns=["window_start", *columns])
    frame["window_start"] = pd.to_datetime([minute(row[0]) for row in rows], utc=True)
    return frame


def traffic(*rows: tuple[float, int, int]) -> pd.DataFrame:
    """(minute, human_events, bot_events)"""
    return _by_window(("human_events", "bot_events"), rows)


def payments(*rows: tuple[float, int, int]) -> pd.DataFrame:
    """(minute, checkouts, payment_errors)"""
    return _by_window(("checkouts", "payment_errors"), rows)


def bots_over_time(*rows: tuple[float, str, int]) -> pd.DataFrame:
    """(minute, class, events)"""
    return _by_window(("class", "events"), rows)


def conversion(*rows: tuple[float, int, int, int, int]) -> pd.DataFrame:
    """(day, views, checkouts, human_views, human_checkouts)"""
    frame = _by_window(("views", "checkouts", "human_views", "human_checkouts"), rows)
    midnight = minute(0).floor("D")
    frame.insert(0, "day_start", [midnight + timedelta(days=row[0]) for row in rows])
    del frame["window_start"]
    return frame


def span_of(*minutes: float) -> Span:
    """The span of traffic in some minutes, and in all between that are so close that they make no difference."""
    return _span_of(pd.Series([minute(number) for number in minutes]))


def _span_of(minutes: pd.Series[pd.Timestamp]) -> Span:
    return time_span(minutes, minutes.min(), minutes.max())


def draw_chart(ax: Axes, name: str, rows: pd.DataFrame, span: Span | None = None) -> None:
    """Draw a chart; by default its span is that of its own windows, or ten minutes."""
    if span is None and "window_start" in rows and len(rows):
        span = _span_of(rows["window_start"])
    draw(ax, CHART[name], rows, span or span_of(0, 9), DRAWN_AT)


def words(ax: Axes) -> str:
    return " | ".join([ax.get_title(loc="left"), *(text.get_text() for text in ax.texts)])


def time_limits(ax: Axes) -> tuple[datetime, datetime]:
    left, right = (num2date(number) for number in ax.get_xlim())  # type: ignore[no-untyped-call]
    return left, right


def steps(ax: Axes) -> dict[str, StepPatch]:
    """What is drawn over time and has a label -> its steps."""
    return {str(patch.get_label()): patch for patch in ax.patches if isinstance(patch, StepPatch) and patch.get_label()}


def values(ax: Axes) -> dict[str, list[float | None]]:
    """The height of each step; None where nothing is drawn."""
    return {
        label: [None if isnan(value) else float(value) for value in patch.get_data()[0]]
        for label, patch in steps(ax).items()
    }


def total(ax: Axes, label: str) -> float:
    return sum(value or 0 for value in values(ax)[label])


def unfinished(ax: Axes) -> list[tuple[float, float]]:
    """Where what is drawn is marked as unfinished: from and to, as the axis counts."""
    marks = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_label() == UNFINISHED]
    assert all(mark.get_hatch() for mark in marks)
    assert not marks or UNFINISHED in legend(ax)
    return [(mark.get_x(), mark.get_x() + mark.get_width()) for mark in marks]


def legend(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.figure.legends[0].get_texts()]
