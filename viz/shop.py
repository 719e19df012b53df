"""The charts of the shop. Each function draws the rows of its query on Axes that it is given, and saves nothing."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes

from viz.axes import BOT, ERROR, HUMAN, QUIET, set_legend_below, set_rows, shorten
from viz.picture import Finding, Picture
from viz.timeline import Span, draw_line, finish_time_axes, over_time

TOP_PRODUCTS = """
select
    product_id, human_views, bot_views,
    min(first_seen_at) over () as first_seen_at, max(last_seen_at) over () as last_seen_at
from marts.products
where views > 0
order by human_views desc, bot_views desc, product_id
limit 12
"""
ACTIONS = """
select
    action, action_count,
    (select min(window_start) from marts.action_counts where action_count > 0) as first_seen_at,
    (select max(window_start) from marts.action_counts where action_count > 0) as last_seen_at
from marts.actions
order by action_count desc, action
"""
PAYMENT_ERRORS = """
select window_start, checkouts, error_count
from marts.payment_errors
where window_start > :since
order by window_start
"""
TRAFFIC = """
select window_start, human_events, bot_events, late_events
from marts.traffic
where window_start > :since and human_events + bot_events > 0
order by window_start
"""
SEARCHES = """
select window_start, searches
from marts.traffic
where window_start > :since
order by window_start
"""

ACTION_COLOURS = {
    "view_product": "#0072B2",
    "add_to_cart": "#E69F00",
    "checkout": "#009E73",
    "search": "#CC79A7",
    "asset": "#999999",
    "probe": "#D55E00",
    "post": "#F0E442",
    "other": "#56B4E9",
}
"""An action has the same colour whatever its rank."""
OTHER_COLOURS = ("#332288", "#117733", "#882255", "#AA4499", "#44AA99", "#DDCC77")
"""For actions of a shop's own rules, in the order of their names."""
SMALLEST_SLICE_PERCENT = 4
"""A smaller slice has no room for its share; the legend says it."""


def draw_top_products(ax: Axes, products: pd.DataFrame) -> Finding:
    """Draw bars of the products that people view most, and beside them the views of bots.

    Columns: product_id, human_views, bot_views, first_seen_at, last_seen_at.
    """
    upwards = products.iloc[::-1]
    rows = range(len(upwards))
    ax.barh(rows, upwards["human_views"], color=HUMAN, label="people")
    ax.barh(rows, upwards["bot_views"], left=upwards["human_views"], color=BOT, label="bots")
    views = [(int(human), int(bot)) for human, bot in zip(upwards["human_views"], upwards["bot_views"], strict=True)]
    texts = [f"{human:,} + {bot:,}" if bot else f"{human:,}" for human, bot in views]
    set_rows(ax, [shorten(product) for product in upwards["product_id"]], [sum(both) for both in views], texts)
    ax.set_xlabel("product views")
    ax.set_ylabel("product")
    set_legend_below(ax)
    return Finding("", products["first_seen_at"].min(), products["last_seen_at"].max())


def draw_actions(ax: Axes, actions: pd.DataFrame) -> Finding:
    """Draw a pie of what clients did: action, action_count, first_seen_at, last_seen_at."""
    ordered = actions.sort_values("action_count", ascending=False)
    total = int(ordered["action_count"].sum())
    names = [
        f"{action.replace('_', ' ')}  {count / total:.1%}  ({count:,})"
        for action, count in zip(ordered["action"], ordered["action_count"], strict=True)
    ]
    colours = action_colours(ordered["action"])
    wedges, *_ = ax.pie(
        ordered["action_count"],
        colors=[colours[action] for action in ordered["action"]],
        startangle=90,
        counterclock=False,
        autopct=lambda percent: f"{percent:.0f} %" if percent >= SMALLEST_SLICE_PERCENT else "",
        pctdistance=0.72,
        wedgeprops={"edgecolor": "white", "linewidth": 2 if len(ordered) > 1 else 0},
        textprops={"color": "white", "fontweight": "bold"},
    )
    ax.legend(wedges, names, loc="center left", bbox_to_anchor=(1.02, 0.5), title=f"of {total:,} events")
    return Finding("", actions["first_seen_at"].min(), actions["last_seen_at"].max())


def action_colours(actions: Iterable[str]) -> dict[str, str]:
    """Return the colour of each action."""
    others = sorted(set(actions) - ACTION_COLOURS.keys())
    return ACTION_COLOURS | {action: OTHER_COLOURS[index % len(OTHER_COLOURS)] for index, action in enumerate(others)}


def draw_payment_errors(ax: Axes, payments: pd.DataFrame, span: Span) -> Finding:
    """Draw failed checkouts over time, with all checkouts behind them: window_start, checkouts, error_count."""
    timeline = over_time(payments, span)
    draw_line(ax, timeline, "checkouts", QUIET, "all checkouts")
    draw_line(ax, timeline, "error_count", ERROR, "failed (answered 5xx)")
    finish_time_axes(ax, timeline, "checkouts")
    set_legend_below(ax)
    checkouts, errors = int(timeline.counts["checkouts"].sum()), int(timeline.counts["error_count"].sum())
    rate = f": {errors:,} of {checkouts:,} checkouts ({errors / checkouts:.1%})" if checkouts else ": no checkouts"
    return Finding(rate, timeline.first, timeline.last)


def draw_traffic(ax: Axes, traffic: pd.DataFrame, span: Span) -> Finding:
    """Draw events of people and of bots over time: window_start, human_events, bot_events."""
    timeline = over_time(traffic, span)
    draw_line(ax, timeline, "human_events", HUMAN, "people")
    draw_line(ax, timeline, "bot_events", BOT, "bots")
    finish_time_axes(ax, timeline, "events")
    set_legend_below(ax)
    bots = int(timeline.counts["bot_events"].sum())
    events = bots + int(timeline.counts["human_events"].sum())
    share = f": {bots / events:.0%} of {events:,} events are bots'" if events else ": no events"
    return Finding(share, timeline.first, timeline.last)


def draw_searches(ax: Axes, traffic: pd.DataFrame, span: Span) -> Finding:
    """Draw searches over time: window_start, searches."""
    timeline = over_time(traffic, span)
    draw_line(ax, timeline, "searches", HUMAN, "searches")
    finish_time_axes(ax, timeline, "searches")
    return Finding(f": {int(timeline.counts['searches'].sum()):,}", timeline.first, timeline.last)


PICTURES = {
    "top_products": Picture(TOP_PRODUCTS, draw_top_products),
    "actions": Picture(ACTIONS, draw_actions),
    "payment_errors": Picture(PAYMENT_ERRORS, draw_payment_errors, is_over_time=True),
    "searches": Picture(SEARCHES, draw_searches, is_over_time=True),
    "traffic": Picture(TRAFFIC, draw_traffic, is_over_time=True),
}
"""Chart -> its picture."""
