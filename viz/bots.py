"""The charts of bots. Each function draws the rows of its query on Axes that it is given, and saves nothing."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lake.contracts import PARDONED
from viz.axes import (
    BOT,
    FAINT_TEXT,
    HUMAN,
    NO_DATA_TEXT,
    ROUND_STEPS,
    TEXT,
    set_legend_below,
    set_rows,
    shorten,
)
from viz.picture import Finding, Picture
from viz.timeline import Span, draw_stack, finish_time_axes, over_time

BOTS = """
select
    ip_address, class, is_convicted, verdict, verdict_reason, score, requests, reasons, points,
    count(*) over () as bots,
    min(first_seen_at) over () as first_seen_at, max(last_seen_at) over () as last_seen_at
from marts.bots
order by requests desc, ip_address
limit 12
"""
BOT_REQUESTS = """
select window_start, class, requests
from marts.bot_traffic
where window_start > :since and class != 'people' and requests > 0
order by window_start
"""
CONVERSION = """
select distinct day_start, conversion_with_bots, conversion_without_bots
from marts.bot_classes
order by day_start
"""

CLASSES = {
    "crawler": "#56B4E9",
    "tool": "#009E73",
    "scraper": "#E69F00",
    "hammerer": "#D55E00",
    "attacker": "#CC79A7",
    "card_tester": "#F0E442",
    "impostor": "#000000",
    "monitor": "#0072B2",
}
OTHER_CLASS = "#999999"
LONGEST_ADDRESS = 40
LONGEST_REASONS = 120
BAR_HEIGHT = 0.42
BOT_STEP = "5min"
"""marts.bot_traffic has no finer steps."""
MOST_DAYS = 60
FEW_DAYS = 10
MARGIN_DAYS = 0.8


def draw_bots(ax: Axes, bots: pd.DataFrame) -> Finding:
    """Draw bars of suspects, coloured by class, each with its reasons.

    Columns: ip_address, class, is_convicted, verdict, verdict_reason, score, requests, reasons, points, bots,
    first_seen_at, last_seen_at.
    """
    upwards = bots.iloc[::-1]
    ax.barh(
        range(len(upwards)),
        upwards["requests"],
        height=BAR_HEIGHT,
        color=[colour_of(name) for name in upwards["class"]],
    )
    addresses = [shorten(address, LONGEST_ADDRESS) for address in upwards["ip_address"]]
    set_rows(ax, addresses, [int(requests) for requests in upwards["requests"]])
    for row, (_, bot) in enumerate(upwards.iterrows()):
        ax.text(0, row + 0.25, f" {reasons_of(bot)}", va="bottom", fontsize=9, color=FAINT_TEXT)
    ax.set_ylim(top=len(upwards) - 0.1)
    ax.set_xlabel("requests")
    ax.set_ylabel("client address")
    classes = set(bots["class"])
    ordered = [*(name for name in CLASSES if name in classes), *sorted(classes - CLASSES.keys())]
    handles = [Patch(color=colour_of(name), label=name.replace("_", " ")) for name in ordered]
    set_legend_below(ax, handles)
    count = int(bots["bots"].max())
    most = f" (the {len(bots)} busiest of {count:,})" if count > len(bots) else ""
    return Finding(f" and why{most}", bots["first_seen_at"].min(), bots["last_seen_at"].max())


def draw_bot_requests(ax: Axes, requests: pd.DataFrame, span: Span) -> Finding:
    """Draw bots' requests over time, stacked by class: window_start, class, requests."""
    wide = requests.pivot_table(index="window_start", columns="class", values="requests", aggfunc="sum", fill_value=0)
    timeline = over_time(wide.reset_index(), span, BOT_STEP)
    totals = timeline.counts.sum().sort_values(ascending=False)
    labels = {str(name): f"{str(name).replace('_', ' ')} ({int(total):,})" for name, total in totals.items()}
    draw_stack(ax, timeline, labels, {name: colour_of(name) for name in labels})
    finish_time_axes(ax, timeline, "requests")
    set_legend_below(ax)
    return Finding(f": {int(totals.sum()):,}", timeline.first, timeline.last)


def draw_conversion(ax: Axes, days: pd.DataFrame) -> Finding:
    """Draw bars of checkouts per product view and day, of all clients and of people.

    Columns: day_start, conversion_with_bots, conversion_without_bots; null where nobody viewed a product.
    """
    latest = days.sort_values("day_start").tail(MOST_DAYS)
    rates = {
        "all clients": ("conversion_with_bots", BOT, -0.2),
        "without bots": ("conversion_without_bots", HUMAN, 0.2),
    }
    for label, (column, colour, shift) in rates.items():
        percents = 100 * latest[column].astype(float)
        ax.bar([day + shift for day in range(len(latest))], percents.fillna(0.0), width=0.38, color=colour, label=label)
        if len(latest) <= FEW_DAYS:
            for day, percent in enumerate(percents):
                write_rate(ax, day + shift, percent)
    step = -(-len(latest) // FEW_DAYS)
    ax.set_xticks(range(0, len(latest), step), [f"{day:%b %d}" for day in latest["day_start"].iloc[::step]])
    ax.set_xlim(-0.5 - MARGIN_DAYS / len(latest), len(latest) - 0.5 + MARGIN_DAYS / len(latest))
    ax.set_ylim(0, max(1.0, ax.dataLim.ymax * 1.1))
    ax.set_xlabel("day (UTC)")
    ax.set_ylabel("checkouts per 100 product views")
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=ROUND_STEPS))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    ax.grid(False, axis="x")
    set_legend_below(ax)
    return Finding("", latest["day_start"].iloc[0], latest["day_start"].iloc[-1] + pd.Timedelta("1D"))


def write_rate(ax: Axes, x: float, percent: float) -> None:
    """Write a bar's rate on its top; an unknown rate has no bar."""
    if pd.isna(percent):
        ax.text(x, 0, "no views", ha="center", va="bottom", fontsize=11, color=NO_DATA_TEXT)
    else:
        ax.text(x, percent, f"{percent:.2f} %", ha="center", va="bottom", fontsize=11, color=TEXT)


def colour_of(name: str) -> str:
    """Return the colour of a class."""
    return CLASSES.get(name, OTHER_CLASS)


def reasons_of(bot: pd.Series[Any]) -> str:
    """Return how it is counted, with score and reasons: ``convicted with 130: no assets 70 + request rate 60``."""
    pairs = zip(bot["reasons"], bot["points"], strict=True)
    parts = " + ".join(f"{reason.replace('_', ' ')} {points}" for reason, points in pairs)
    state = "convicted" if bot["is_convicted"] else "suspected"
    if bot["verdict"] == PARDONED:
        state = PARDONED
    text = f"{state} with {bot['score']}: {parts}" if parts else f"{state}: {bot['verdict_reason']}"
    return text if len(text) <= LONGEST_REASONS else f"{text[: LONGEST_REASONS - 1]}…"


PICTURES = {
    "bots": Picture(BOTS, draw_bots),
    "bot_requests": Picture(BOT_REQUESTS, draw_bot_requests, is_over_time=True),
    "conversion": Picture(CONVERSION, draw_conversion),
}
"""Chart -> its picture."""
