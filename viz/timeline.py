"""Counts over time: the range that is worth drawing, its even steps, and their axis.

A step is drawn as wide as it is, so one step alone fills the axis, and a single busy step among quiet ones is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, MaxNLocator

from viz.axes import ROUND_STEPS

Span: TypeAlias = "tuple[pd.Timestamp, pd.Timestamp]"

STEPS = ("1min", "2min", "5min", "10min", "15min", "30min", "1h", "3h", "6h", "1D")
FEWEST_STEPS = 3
MOST_STEPS = 300
MOST_EDGE_TICKS = 10
"""So few steps have a tick at each of their edges; of more, some edges have one."""
STRAY_SHARE = 0.02
HEADROOM = 1.2
TINT = 0.14
"""How much of a line's colour the area below it has; the rest is white."""
BELOW_GRID = 0.4


@dataclass(frozen=True)
class Timeline:
    """Counts in even steps without a gap.

    Attributes:
        counts: one row for each step, indexed by its start; zero where nothing happened.
        edges: the steps' starts, and the end of the last one.
        unit: the width of a step in words: ``minute``, ``5 minutes``.
    """

    counts: pd.DataFrame
    edges: pd.DatetimeIndex
    unit: str

    @property
    def first(self) -> pd.Timestamp:
        """Start of the first step."""
        return self.edges[0]

    @property
    def last(self) -> pd.Timestamp:
        """End of the last step."""
        return self.edges[-1]


def time_span(traffic: pd.DataFrame) -> Span | None:
    """Return the range worth drawing of the last day's traffic, None where there is none.

    It covers the minutes in which something arrived on time; a log file imported later has none, and is shown
    whole. A few stray early events (2 %) that alone would take more than half of the width are left out.
    """
    events = traffic["human_events"] + traffic["bot_events"]
    on_time = traffic[events > traffic["late_events"]]
    shown = traffic if on_time.empty else on_time
    if shown.empty:
        return None
    shown = shown.sort_values("window_start")
    minutes = shown["window_start"].reset_index(drop=True)
    so_far = (shown["human_events"] + shown["bot_events"]).cumsum().reset_index(drop=True)
    first, last = minutes.iloc[0], minutes.iloc[-1]
    bulk = minutes[so_far > STRAY_SHARE * so_far.iloc[-1]].iloc[0]
    if bulk - first > (last - first) / 2:
        first = bulk
    return first, last


def over_time(counts: pd.DataFrame, span: Span, finest: str = STEPS[0]) -> Timeline:
    """Sum the counts into even steps over the range.

    The first and the last step are seldom whole, and would look like a slump: they are left out where others have
    counts.

    Args:
        counts: window_start, and a column for each thing that is counted.
        span: starts of the first and the last window that are shown.
        finest: the narrowest of :data:`STEPS` that the windows allow.
    """
    first, last = span
    widths = [width for width in STEPS[STEPS.index(finest) :] if (last - first) / pd.Timedelta(width) <= MOST_STEPS]
    width = widths[0] if widths else STEPS[-1]
    summed = counts.drop(columns="window_start").groupby(counts["window_start"].dt.floor(width)).sum()
    starts = pd.date_range(first.floor(width), last.floor(width), freq=width)
    if len(starts) > FEWEST_STEPS:
        whole = starts[1 if first > starts[0] else 0 : -1]
        starts = whole if summed.index.isin(whole).any() else starts
    edges = pd.date_range(starts[0], periods=len(starts) + 1, freq=width)
    word = {"1min": "minute", "1h": "hour", "1D": "day"}.get(width)
    return Timeline(
        summed.reindex(starts, fill_value=0), edges, word or width.replace("min", " minutes").replace("h", " hours")
    )


def draw_line(ax: Axes, timeline: Timeline, column: str, color: str, label: str) -> None:
    """Draw a count as a line of steps above a lighter area, which covers the areas that were drawn before."""
    values, edges = timeline.counts[column].to_numpy(), _edges(timeline)
    tint = [1 - TINT * (1 - part) for part in to_rgb(color)]
    ax.stairs(values, edges, fill=True, color=tint, linewidth=0, zorder=BELOW_GRID)
    ax.stairs(values, edges, baseline=None, color=color, linewidth=2, label=label)


def draw_stack(ax: Axes, timeline: Timeline, labels: dict[str, str], colors: dict[str, str]) -> None:
    """Draw counts as areas of steps on top of each other, the first of ``labels`` lowest.

    Args:
        ax: where to draw.
        timeline: the counts.
        labels: column -> what the legend says.
        colors: column -> its colour.
    """
    base = pd.Series(0, index=timeline.counts.index)
    for column, label in labels.items():
        top = base + timeline.counts[column]
        ax.stairs(
            top.to_numpy(),
            _edges(timeline),
            baseline=base.to_numpy(),
            fill=True,
            color=colors[column],
            label=label,
            linewidth=0,
        )
        base = top


def finish_time_axes(ax: Axes, timeline: Timeline, what: str) -> None:
    """Put the time below, bounded by the steps, and at the side the counts of ``what`` in a step, from zero up."""
    locator = AutoDateLocator(minticks=4, maxticks=9, tz="UTC")  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.set_xlim(*_edges(timeline)[[0, -1]])
    if len(timeline.counts) <= MOST_EDGE_TICKS:
        ax.set_xticks(_edges(timeline))
    formatter = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator,
        tz="UTC",
        formats=["%Y", "%b", "%d", "%H:%M", "%H:%M", "%H:%M:%S"],
        zero_formats=["", "%Y", "%b", "%b %d", "%H:%M", "%H:%M"],
        show_offset=False,
    )
    ax.xaxis.set_major_formatter(formatter)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=7, steps=ROUND_STEPS, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    ax.set_ylim(0, max(1.0, ax.dataLim.ymax * HEADROOM))
    ax.set_xlabel("time (UTC)")
    ax.set_ylabel(f"{what} per {timeline.unit}")
    ax.grid(False, axis="x")


def _edges(timeline: Timeline) -> Any:
    """Return the edges as Matplotlib takes them."""
    return timeline.edges.to_pydatetime()
