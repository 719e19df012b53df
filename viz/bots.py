"""The charts of bots. Each function draws the rows of its query on Axes that it is given, and saves nothing."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lake.contracts import PARDONED
from lake.text import printable
from viz.axes import (
    BOT,
    FAINT_TEXT,
    HUMAN,
    ROUND_STEPS,
    TEXT,
    mark_unfinished,
    set_legend_below,
    set_rows,
    shorten,
)
from viz.picture import Picture
from viz.span import COARSEST_MART, ZONE, Span
from viz.timeline import draw_stack, finish_time_axes, over_time

BOTS = """
select
    ip_address, class, is_convicted, verdict, verdict_reason, score, events, reasons, points,
    count(*) over () as bots
from marts.bots
order by events desc, ip_address
limit 12
"""
BOT_REQUESTS = """
select
    date_bin(greatest(cast(:step as interval), interval '5 minutes'), window_start, 'epoch') as window_start,
    class, cast(sum(events) as bigint) as events
from marts.bot_traffic
group by 1, 2
order by 1, 2
"""
CONVERSION = """
select
    day_start,
    cast(sum(views) as bigint) as views,
    cast(sum(checkouts) as bigint) as checkouts,
    cast(coalesce(sum(views) filter (where class = 'people'), 0) as bigint) as human_views,
    cast(coalesce(sum(checkouts) filter (where class = 'people'), 0) as bigint) as human_checkouts
from marts.bot_classes
group by day_start
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
MOST_PERIODS = 60
FEW_PERIODS = 10
MARGIN = 0.8
PERIODS = {
    "D": ("day", "%b %d\n%Y"),
    "W": ("week", "%b %d\n%Y"),
    "M": ("month", "%b\n%Y"),
    "Y": ("year", "%Y"),
}
"""Pandas' name of a period -> its name, and how an axis names one."""
RATES = {
    "all clients": ("checkouts", "views", BOT, -0.2),
    "without bots": ("human_checkouts", "human_views", HUMAN, 0.2),
}
"""What the legend says -> the counts that are divided, the bar's colour, and its place beside the middle."""


def draw_bots(ax: Axes, bots: pd.DataFrame) -> str:
    """Draw bars of suspects, coloured by class, each with its reasons.

    Columns: ip_address, class, is_convicted, verdict, verdict_reason, score, events, reasons, points, bots.
    """
    upwards = bots.iloc[::-1]
    ax.barh(
        range(len(upwards)),
        upwards["events"],
        height=BAR_HEIGHT,
        color=[colour_of(name) for name in upwards["class"]],
    )
    addresses = [shorten(address, LONGEST_ADDRESS) for address in upwards["ip_address"]]
    set_rows(ax, addresses, [int(events) for events in upwards["events"]])
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
    return f" and why{most}"


def draw_bot_requests(ax: Axes, events: pd.DataFrame, span: Span) -> str:
    """Draw bots' requests over time, stacked by class: window_start, class, events.

    The class ``people`` is not drawn: its rows say that there was traffic, if none of bots.
    """
    wide = events.pivot_table(index="window_start", columns="class", values="events", aggfunc="sum", fill_value=0)
    timeline = over_time(wide.reset_index(), span, COARSEST_MART)
    totals = timeline.counts.drop(columns="people", errors="ignore").sum().sort_values(ascending=False)
    totals = totals[totals > 0]
    labels = {str(name): f"{str(name).replace('_', ' ')} ({int(total):,})" for name, total in totals.items()}
    draw_stack(ax, timeline, labels, {name: colour_of(name) for name in labels})
    finish_time_axes(ax, timeline, "requests", timeline.counts[list(labels)].sum(axis=1).max())
    set_legend_below(ax)
    return f": {int(totals.sum()):,}" if labels else ": none yet"


def draw_conversion(ax: Axes, days: pd.DataFrame, span: Span) -> str:
    """Draw bars of checkouts as a percentage of product views, of all clients and of people, by day, week, month or
    year.

    Columns: day_start, views, checkouts, human_views, human_checkouts. Where nobody viewed a product, there is nothing
    to divide by, and no bar. The period that the newest minute lies in is unfinished.
    """
    sums, unit = by_period(days)
    for label, (checkouts, views, colour, shift) in RATES.items():
        percents = 100 * sums[checkouts] / sums[views].where(sums[views] > 0)
        ax.bar([row + shift for row in range(len(sums))], percents.fillna(0.0), width=0.38, color=colour, label=label)
        for row, percent in enumerate(percents):
            write_rate(ax, row + shift, percent, is_roomy=len(sums) <= FEW_PERIODS)
    name, label = PERIODS[unit]
    newest = span.newest.tz_localize(None).to_period(unit)
    if sums.index[-1] >= newest:
        mark_unfinished(ax, len(sums) - 1.5, len(sums) - 0.5)
    step = -(-len(sums) // FEW_PERIODS)
    ax.set_xticks(range(0, len(sums), step), [f"{period.start_time:{label}}" for period in sums.index[::step]])
    ax.set_xlim(-0.5 - MARGIN / len(sums), len(sums) - 0.5 + MARGIN / len(sums))
    ax.set_ylim(0, max(1.0, ax.dataLim.ymax * 1.1))
    ax.set_xlabel(f"{name}s with traffic ({ZONE})")
    ax.set_ylabel("checkouts per product view")
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=ROUND_STEPS))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g} %"))
    ax.grid(False, axis="x")
    set_legend_below(ax)
    return f" by {name}"


def by_period(days: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Sum days up to periods that there are few enough of; return the sums by period, and which :data:`PERIODS`."""
    starts = days["day_start"].dt.tz_localize(None)
    periods = {unit: starts.dt.to_period(unit) for unit in PERIODS}
    unit = next((unit for unit, period in periods.items() if period.nunique() <= MOST_PERIODS), "Y")
    return days.drop(columns="day_start").groupby(periods[unit].rename("period")).sum(), unit


def write_rate(ax: Axes, x: float, percent: float, is_roomy: bool) -> None:
    """Write a bar's rate on its top; a rate that is unknown has no bar, and says so in few words or a dash."""
    is_unknown = pd.isna(percent)
    if not (is_unknown or is_roomy):
        return
    text = ("no views" if is_roomy else "-") if is_unknown else f"{percent:.2f} %"
    ax.annotate(
        text,
        (x, 0 if is_unknown else percent),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=11,
        color=FAINT_TEXT if is_unknown else TEXT,
        bbox={"color": "white", "alpha": 0.75, "pad": 1, "linewidth": 0},
    )


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
    text = printable(f"{state} with {bot['score']}: {parts}" if parts else f"{state}: {bot['verdict_reason']}")
    return text if len(text) <= LONGEST_REASONS else f"{text[: LONGEST_REASONS - 1]}…"


PICTURES = {
    "bots": Picture(BOTS, draw_bots),
    "bot_requests": Picture(BOT_REQUESTS, draw_bot_requests, is_over_time=True),
    "conversion": Picture(CONVERSION, draw_conversion, is_over_time=True),
}
"""Chart -> its picture."""
