"""What all charts share: colours, titles, legends, labels."""

from __future__ import annotations

from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lake.text import printable

HUMAN, BOT, ERROR, QUIET = "#0072B2", "#E69F00", "#D55E00", "#999999"
TEXT, FAINT_TEXT, NO_DATA_TEXT = "#333333", "#555555", "#888888"
LONGEST_LABEL = 26
MOST_LEGEND_COLUMNS = 4
ROUND_STEPS = [1, 2, 5, 10]
"""Ticks are so far apart, or a power of ten times as far."""
UNFINISHED = "unfinished"
ABOVE_BARS = 2.5
PALE = (1.0, 1.0, 1.0, 0.4)
"""White that lets most of what is below it through."""
FEWEST_ROWS = 6
"""A bar chart has room for so many bars at least: one bar alone would fill the picture."""


def draw_words(ax: Axes, words: str) -> None:
    """Write in the middle why there is nothing to draw."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", fontsize=24, color=NO_DATA_TEXT)


def set_title(ax: Axes, title: str, subtitle: str) -> None:
    """Write the title, and a quieter line below it."""
    ax.set_title(title, pad=36)
    ax.annotate(
        subtitle,
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 14),
        textcoords="offset points",
        color=FAINT_TEXT,
    )


def mark_unfinished(ax: Axes, left: float, right: float) -> None:
    """Make what is drawn between two places on the time axis pale and hatched: it is still being counted."""
    ax.axvspan(
        left, right, facecolor=PALE, edgecolor=QUIET, hatch="//", linewidth=1, zorder=ABOVE_BARS, label=UNFINISHED
    )


def set_draw_time(figure: FigureBase, drawn_at: pd.Timestamp) -> None:
    """Say when the picture was drawn, in the upper right corner: a legend may fill the lower one."""
    text = f"drawn at {drawn_at:%Y-%m-%d %H:%M} UTC"
    figure.text(0.995, 0.99, text, ha="right", va="top", fontsize=9, color=NO_DATA_TEXT)


def set_rows(ax: Axes, labels: list[str], totals: list[int], texts: list[str] | None = None) -> None:
    """Label horizontal bars, the last one on top: a name before each bar and its total, or a text, at its end."""
    widest = max([*totals, 1])
    ax.set_yticks(range(len(labels)), labels)
    for row, (total, text) in enumerate(zip(totals, texts or [f"{total:,}" for total in totals], strict=True)):
        ax.text(total + widest * 0.008, row, text, va="center", fontsize=11, color=TEXT)
    ax.set_xlim(0, widest * (1.2 if texts else 1.1))
    ax.set_ylim(min(len(labels), FEWEST_ROWS) - FEWEST_ROWS - 0.6, len(labels) - 0.4)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=ROUND_STEPS, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    ax.grid(False, axis="y")
    sns.despine(ax=ax, left=True)
    ax.tick_params(axis="y", length=0)


def set_legend_below(ax: Axes, handles: list[Any] | None = None) -> None:
    """Put a legend under everything, where no bar can run into it. Default ``handles``: all that have a label."""
    if handles is None:
        handles, _ = ax.get_legend_handles_labels()
        handles = sorted(handles, key=lambda handle: handle.get_label() == UNFINISHED)
    ax.figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), MOST_LEGEND_COLUMNS))


def shorten(label: str, longest: int = LONGEST_LABEL) -> str:
    """Return a label that may come from a log, printable, and without its middle if it is too long for an axis."""
    label = printable(label)
    if len(label) <= longest:
        return label
    half = (longest - 1) // 2
    return f"{label[:half]}…{label[-half:]}"
