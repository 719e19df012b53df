"""Charts on Axes of a test's own: rows for them, how to draw one, and what can be read off it then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import matplotlib
import pandas as pd
import pytest

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.dates import num2date
from matplotlib.patches import StepPatch

from lake.contracts import CHARTS
from viz.draw import STYLE, draw
from viz.timeline import Span

T0 = datetime(2026, 3, 1, 10, 0, tzinfo=timezone.utc)
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


def traffic(*rows: tuple[float, int, int, int]) -> pd.DataFrame:
    """(minute, human_events, bot_events, late_events)"""
    return _by_window(("human_events", "bot_events", "late_events"), rows)


def payments(*rows: tuple[float, int, int]) -> pd.DataFrame:
    """(minute, checkouts, error_count)"""
    return _by_window(("checkouts", "error_count"), rows)


def bots_over_time(*rows: tuple[float, str, int]) -> pd.DataFrame:
    """(minute, class, requests)"""
    return _by_window(("class", "requests"), rows)


def draw_chart(ax: Axes, name: str, rows: pd.DataFrame, span: Span | None = None) -> None:
    draw(ax, CHART[name], rows, span)


def words(ax: Axes) -> str:
    return " | ".join([ax.get_title(loc="left"), *(text.get_text() for text in ax.texts)])


def time_limits(ax: Axes) -> tuple[datetime, datetime]:
    left, right = (num2date(number) for number in ax.get_xlim())  # type: ignore[no-untyped-call]
    return left, right


def steps(ax: Axes) -> dict[str, StepPatch]:
    """What is drawn over time and has a label -> its steps."""
    return {str(patch.get_label()): patch for patch in ax.patches if isinstance(patch, StepPatch) and patch.get_label()}


def values(ax: Axes) -> dict[str, list[float]]:
    return {label: [float(value) for value in patch.get_data()[0]] for label, patch in steps(ax).items()}
