"""Counts over time, in the steps of a run's span, and their axis.

A step is drawn as wide as it is: a single minute is a bar, and a busy step among quiet ones is seen. A step without
traffic is a gap with no line over it. An empty time that would squeeze the rest is cut out of the axis: it keeps the
same narrow width, however long it is, and says how long that is. Dates stay dates, since the cut is only a scale, and
all steps have one width. A finer step for each log, or the densest one alone, would hide how the logs compare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.ticker import FuncFormatter, MaxNLocator

from viz.axes import FAINT_TEXT, ROUND_STEPS, mark_unfinished
from viz.span import ZONE, Span, in_words, length_in_words

HEADROOM = 1.2
TINT = 0.2
"""How much of a line's colour the area below it has; the rest is white."""
BELOW_GRID = 0.4
CUT_SHARE = 0.05
"""How wide a cut is, of all that is not cut."""
CUT_COLOUR = "#f2f2f2"
TICKS, FEW_TICKS = (4, 9), (2, 5)
"""How many ticks at least and at most."""
ROOMY_SHARE, SMALL_SHARE = 0.6, 0.25
"""A section that takes a larger part of the axis has so many ticks, and one that takes less has one."""
CLOSEST_TICKS = 0.055
"""Two ticks are so far apart at least, as a part of the axis, that their labels do not touch."""
CLOSEST_DATES = 0.1
"""The same for ticks that say a date: of two that are closer, the second has its date a line lower."""


@dataclass(frozen=True)
class Timeline:
    """Counts in even steps.

    Attributes:
        counts: one row for each step, indexed by its start; not a number where there is no traffic.
        span: the range that the steps cover.
        step: the width of a step.
    """

    counts: pd.DataFrame
    span: Span
    step: pd.Timedelta

    @property
    def edges(self) -> Any:
        """The steps' starts, and the end of the last one, in Matplotlib's days."""
        return date2num(self.span.edges(self.step).to_pydatetime())  # type: ignore[no-untyped-call]


def over_time(counts: pd.DataFrame, span: Span, finest: pd.Timedelta | None = None) -> Timeline:
    """Sum the counts into even steps over the range.

    Args:
        counts: window_start, and a column for each thing that is counted; a row for each window with traffic.
        span: the range, which holds all windows.
        finest: the width of the windows, where it is more than a step's.
    """
    step = max(span.step, finest or span.step)
    summed = counts.drop(columns="window_start").groupby(counts["window_start"].dt.floor(step)).sum()
    counts = summed.reindex(span.edges(step)[:-1])
    counts.loc[counts.index.isin([end for _, end in span.sections])] = float("nan")  # a cut may hold scattered events
    return Timeline(counts, span, step)


def draw_line(ax: Axes, timeline: Timeline, column: str, color: str, label: str) -> None:
    """Draw a count as a line of steps above a lighter area, which covers the areas that were drawn before."""
    values = timeline.counts[column].to_numpy(dtype=float)
    tint = [1 - TINT * (1 - part) for part in to_rgb(color)]
    ax.stairs(values, timeline.edges, fill=True, color=tint, linewidth=0, zorder=BELOW_GRID)
    ax.stairs(values, timeline.edges, color=color, linewidth=2, label=label)


def draw_stack(ax: Axes, timeline: Timeline, labels: dict[str, str], colors: dict[str, str]) -> None:
    """Draw counts as areas of steps on top of each other, the first of ``labels`` lowest.

    Args:
        ax: where to draw.
        timeline: the counts.
        labels: column -> what the legend says.
        colors: column -> its colour.
    """
    base = np.zeros(len(timeline.counts))
    for column, label in labels.items():
        top = base + timeline.counts[column].to_numpy(dtype=float)
        ax.stairs(top, timeline.edges, baseline=base, fill=True, color=colors[column], label=label, linewidth=0)
        base = top


def finish_time_axes(ax: Axes, timeline: Timeline, what: str, highest: float) -> None:
    """Put the time below, and at the side the counts of ``what`` in a step, from zero up to ``highest`` at least.

    The step that the newest minute lies in is marked as unfinished.
    """
    span, step = timeline.span, timeline.step
    newest = span.newest.floor(step)
    mark_unfinished(ax, *_numbers(newest, newest + step))
    _set_time_scale(ax, span)
    left_out = f"; {span.left_out:,} scattered events lie outside of it" if span.left_out else ""
    ax.set_xlabel(f"time ({ZONE}){left_out}")
    ax.yaxis.set_major_locator(MaxNLocator(nbins=7, steps=ROUND_STEPS, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    ax.set_ylim(0, max(1.0, highest * HEADROOM))
    ax.set_ylabel(f"{what} per {in_words(step)}")
    ax.grid(False, axis="x")


def _set_time_scale(ax: Axes, span: Span) -> None:
    """Make each section as wide as it is, and each cut as wide as any other; say in a cut how long it is."""
    bounds = _numbers(*(bound for section in span.sections for bound in section))
    widths = np.diff(bounds)
    widths[1::2] = CUT_SHARE * widths[::2].sum()
    places = np.concatenate([[0.0], widths.cumsum()]) / widths.sum()

    def to_place(days: Any) -> Any:
        return np.interp(days, bounds, places)

    def to_days(place: Any) -> Any:
        return np.interp(place, places, bounds)

    if len(span.sections) > 1:
        ax.set_xscale("function", functions=(to_place, to_days))
    ax.set_xlim(bounds[0], bounds[-1])
    ticks = _ticks(bounds, to_place)
    ax.set_xticks(list(ticks), list(ticks.values()))
    for (_, end), (start, _) in pairwise(span.sections):
        left, right = _numbers(end, start)
        ax.axvspan(left, right, color=CUT_COLOUR, linewidth=0)
        ax.text(
            to_days(to_place([left, right]).mean()),
            0.5,
            f"{length_in_words(start - end)} {'almost ' if span.left_out else ''}without traffic",
            transform=ax.get_xaxis_transform(),
            rotation=90,
            ha="center",
            va="center",
            fontsize=11,
            color=FAINT_TEXT,
        )


def _ticks(bounds: Any, to_place: Callable[[Any], Any]) -> dict[float, str]:
    """Return the ticks of all sections with their labels, so far apart that these do not touch.

    Args:
        bounds: start and end of each section, in Matplotlib's days.
        to_place: days -> place on the axis, from 0 to 1.
    """
    ticks: dict[float, str] = {}
    dated, is_lower = -1.0, False
    for start, end in zip(bounds[::2], bounds[1::2], strict=True):
        labels = _tick_labels(start, end, to_place(end) - to_place(start))
        first = to_place(min(labels))
        is_lower = first - dated < CLOSEST_DATES and not is_lower
        if is_lower:
            labels[min(labels)] = labels[min(labels)].replace("\n", "\n\n")
        dated = first
        ticks = {tick: label for tick, label in ticks.items() if to_place(tick) <= first - CLOSEST_TICKS} | labels
    return ticks


def _tick_labels(start: float, end: float, share: float) -> dict[float, str]:
    """Return the ticks of a section, with their labels; the first one says the date, with its year.

    Args:
        start: where the section starts, in Matplotlib's days.
        end: where it ends.
        share: how much of the axis it takes. A small one has one tick, at its start.
    """
    fewest, most = TICKS if share > ROOMY_SHARE else FEW_TICKS
    locator = AutoDateLocator(minticks=fewest, maxticks=most, tz=ZONE)  # type: ignore[no-untyped-call]
    formatter = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator,
        tz=ZONE,
        formats=["%Y", "%b", "%d", "%H:%M", "%H:%M", "%H:%M:%S"],
        zero_formats=["", "%Y", "%b", "%b %d", "%H:%M", "%H:%M"],
        show_offset=False,
    )
    first, last = (pd.Timestamp(day, unit="D", tz=ZONE).round("s").to_pydatetime() for day in (start, end))
    values = locator.tick_values(first, last) if share > SMALL_SHARE else []  # type: ignore[no-untyped-call]
    ticks = [tick for tick in values if start <= tick <= end] or [start]
    labels = formatter.format_ticks(ticks)  # type: ignore[no-untyped-call]
    labels[0] += f"\n{pd.Timestamp(ticks[0], unit='D', tz=ZONE):%Y-%m-%d}"
    return dict(zip(ticks, labels, strict=True))


def _numbers(*times: pd.Timestamp) -> Any:
    """Return the times as Matplotlib counts them: in days."""
    return date2num([time.to_pydatetime() for time in times])  # type: ignore[no-untyped-call]
