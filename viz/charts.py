"""The charts of the shop, and what all charts share.

Each `draw_*` draws a frame of `viz.marts` on Axes that it is given, and saves nothing.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator

Span: TypeAlias = "tuple[pd.Timestamp, pd.Timestamp]"

HUMAN, BOT, ERROR, QUIET = "#0072B2", "#E69F00", "#D55E00", "#999999"
SLICES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
LONGEST_LABEL = 26
SMALLEST_SLICE = 0.02
FEWEST_POINTS = 3
MOST_POINTS = 300
STEPS = ("1min", "2min", "5min", "10min", "15min", "30min", "1h", "3h", "6h", "1D")


def draw_top_products(ax: Axes, products: pd.DataFrame) -> None:
    """Bars of the most viewed products: product_id, human_views, bot_views, first_seen_at, last_seen_at."""
    if products.empty:
        draw_no_data(ax, "Most viewed products")
        return
    shown = products.iloc[::-1]
    labels = [shorten(product) for product in shown["product_id"]]
    places = range(len(shown))
    ax.barh(places, shown["human_views"], color=HUMAN, label="people")
    ax.barh(places, shown["bot_views"], left=shown["human_views"], color=BOT, label="bots")
    ax.set_yticks(places, labels)
    write_totals(ax, [int(views) for views in shown["human_views"] + shown["bot_views"]])
    ax.set_xlabel("product views")
    ax.set_ylabel("product")
    set_legend_below(ax)
    set_title(ax, "Most viewed products", products["first_seen_at"].min(), products["last_seen_at"].max())


def draw_actions(ax: Axes, actions: pd.DataFrame) -> None:
    """Pie of what clients did: action, action_count, share, first_seen_at, last_seen_at."""
    if actions.empty:
        draw_no_data(ax, "What clients do")
        return
    ordered = actions.sort_values("action_count", ascending=False)
    total = int(ordered["action_count"].sum())
    names = [
        f"{action.replace('_', ' ')}  {count / total:.1%}  ({count:,})"
        for action, count in zip(ordered["action"], ordered["action_count"], strict=True)
    ]
    wedges, *_ = ax.pie(
        ordered["action_count"],
        colors=[SLICES[place % len(SLICES)] for place in range(len(ordered))],
        startangle=90,
        counterclock=False,
        autopct=lambda percent: f"{percent:.0f} %" if percent >= 100 * SMALLEST_SLICE * 2 else "",
        pctdistance=0.72,
        wedgeprops={"edgecolor": "white", "linewidth": 2},
        textprops={"color": "white", "fontweight": "bold"},
    )
    ax.legend(wedges, names, loc="center left", bbox_to_anchor=(1.02, 0.5), title=f"of {total:,} events")
    set_title(ax, "What clients do", actions["first_seen_at"].min(), actions["last_seen_at"].max())


def draw_payment_errors(ax: Axes, payments: pd.DataFrame, span: Span | None) -> None:
    """Line of failed checkouts over time, with all checkouts behind it: window_start, checkouts, error_count."""
    if span is None or payments.empty:
        draw_no_data(ax, "Failed payments")
        return
    steps, width = over_time(payments, span)
    ax.fill_between(steps.index, steps["checkouts"], color=QUIET, alpha=0.25, linewidth=0, label="all checkouts")
    ax.plot(steps.index, steps["error_count"], color=ERROR, label="failed (answered 5xx)")
    checkouts, errors = int(steps["checkouts"].sum()), int(steps["error_count"].sum())
    rate = f": {errors:,} of {checkouts:,} checkouts ({errors / checkouts:.1%})" if checkouts else ": no checkouts"
    finish_time_axes(ax, steps.index, f"checkouts per {width}")
    set_title(ax, f"Failed payments{rate}", steps.index[0], steps.index[-1])


def draw_traffic(ax: Axes, traffic: pd.DataFrame, span: Span | None) -> None:
    """Lines of human and bot events over time: window_start, human_events, bot_events."""
    if span is None or traffic.empty:
        draw_no_data(ax, "People and bots")
        return
    steps, width = over_time(traffic, span)
    ax.plot(steps.index, steps["human_events"], color=HUMAN, label="people")
    ax.plot(steps.index, steps["bot_events"], color=BOT, label="bots")
    events = int(steps["human_events"].sum() + steps["bot_events"].sum())
    part = f"{int(steps['bot_events'].sum()) / events:.0%} of {events:,} events are bots'" if events else "no events"
    finish_time_axes(ax, steps.index, f"events per {width}")
    set_title(ax, f"People and bots: {part}", steps.index[0], steps.index[-1])


def draw_no_data(ax: Axes, subject: str) -> None:
    """An empty mart: say so."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, "no data yet", transform=ax.transAxes, ha="center", va="center", fontsize=24, color="#888888")
    ax.set_title(subject)


def time_span(traffic: pd.DataFrame) -> Span | None:
    """Return the range worth drawing of the last day's traffic, None where there is none.

    Shown are the minutes in which something arrived on time; a log file imported later has none, and is shown
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
    bulk = minutes[so_far > 0.02 * so_far.iloc[-1]].iloc[0]
    if bulk - first > (last - first) / 2:
        first = bulk
    return first, last


def over_time(counts: pd.DataFrame, span: Span, finest: str = STEPS[0]) -> tuple[pd.DataFrame, str]:
    """Return the counts summed into even steps over the range, gaps as 0, and the step's width in words.

    ``finest`` is the narrowest of :data:`STEPS` that the counts allow.

    The first and the last step are seldom whole, and would look like a slump: they are left out where there are others.
    """
    first, last = span
    fits = [step for step in STEPS[STEPS.index(finest) :] if (last - first) / pd.Timedelta(step) <= MOST_POINTS]
    step = fits[0] if fits else STEPS[-1]
    steps = pd.date_range(first.floor(step), last.floor(step), freq=step)
    if len(steps) > FEWEST_POINTS:
        steps = steps[1 if first > steps[0] else 0 : -1]
    summed = counts.drop(columns="window_start").groupby(counts["window_start"].dt.floor(step)).sum()
    width = {"1min": "minute", "1h": "hour", "1D": "day"}.get(step)
    return summed.reindex(steps, fill_value=0), width or step.replace("min", " minutes").replace("h", " hours")


def finish_time_axes(ax: Axes, times: pd.Index, unit: str) -> None:
    """Dates below, counts at the side, from zero up."""
    locator: Locator = AutoDateLocator(  # type: ignore[no-untyped-call]
        minticks=4, maxticks=9, tz="UTC"
    )
    ax.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator,
        tz="UTC",
        formats=["%Y", "%b", "%d", "%H:%M", "%H:%M", "%H:%M:%S"],
        zero_formats=["", "%Y", "%b", "%b %d", "%H:%M", "%H:%M"],
        show_offset=False,
    )
    ax.xaxis.set_major_formatter(formatter)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    if len(times) > 1:
        ax.margins(x=0)
    ax.set_ylim(0, max(1.0, ax.get_ylim()[1] * 1.12))
    ax.set_xlabel("time (UTC)")
    ax.set_ylabel(unit)
    ax.legend(loc="upper left", ncols=2)
    ax.grid(False, axis="x")


def write_totals(ax: Axes, totals: list[int]) -> None:
    """Write each bar's total at its end, and leave room for it."""
    widest = max([*totals, 1])
    for place, total in enumerate(totals):
        ax.text(total + widest * 0.008, place, f"{total:,}", va="center", fontsize=11, color="#333333")
    ax.set_xlim(0, widest * 1.1)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    ax.grid(False, axis="y")
    sns.despine(ax=ax, left=True)
    ax.tick_params(axis="y", length=0)


def set_title(ax: Axes, finding: str, first: pd.Timestamp, last: pd.Timestamp) -> None:
    """The finding, and under it the time range in UTC."""
    end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    ax.set_title(finding, pad=36)
    ax.annotate(
        f"{first:%Y-%m-%d %H:%M} to {end} UTC",
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 14),
        textcoords="offset points",
        color="#555555",
    )


def set_legend_below(ax: Axes, **options: Any) -> None:
    """A legend under everything, where no bar can run into it."""
    handles, _ = ax.get_legend_handles_labels()
    ax.figure.legend(**{"handles": handles, "loc": "outside lower center", "ncols": 4, **options})


def shorten(label: str, longest: int = LONGEST_LABEL) -> str:
    """Cut the middle out of a label that is too long for an axis."""
    if len(label) <= longest:
        return label
    half = (longest - 1) // 2
    return f"{label[:half]}…{label[-half:]}"
