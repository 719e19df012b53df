"""The charts of the shop. Each function draws the rows of its query on Axes that it is given, and saves nothing."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes

from viz.axes import BOT, ERROR, HUMAN, QUIET, set_legend_below, set_rows, shorten
from viz.picture import Picture
from viz.span import Span
from viz.timeline import draw_line, finish_time_axes, over_time

TOP_PRODUCTS = """
select product_id, human_views, bot_views
from marts.products
where views > 0 and product_id <> ''
order by human_views desc, bot_views desc, product_id
limit 12
"""
ACTIONS = """
select action, events
from marts.actions
where events > 0
order by events desc, action
"""
PAYMENT_ERRORS = """
select
    date_bin(cast(:step as interval), window_start, 'epoch') as window_start,
    cast(sum(checkouts) as bigint) as checkouts, cast(sum(payment_errors) as bigint) as payment_errors
from marts.payment_errors
group by 1
order by 1
"""
TRAFFIC = """
select
    date_bin(cast(:step as interval), window_start, 'epoch') as window_start,
    cast(sum(human_events) as bigint) as human_events, cast(sum(bot_events) as bigint) as bot_events
from marts.traffic
where events > 0
group by 1
order by 1
"""
SEARCHES = """
select
    date_bin(cast(:step as interval), window_start, 'epoch') as window_start,
    cast(sum(searches) as bigint) as searches
from marts.traffic
where events > 0
group by 1
order by 1
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


def draw_top_products(ax: Axes, products: pd.DataFrame) -> str:
    """Draw bars of the products that people view most, and beside them the views of bots.

    Columns: product_id, human_views, bot_views.
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
    return ""


def draw_actions(ax: Axes, actions: pd.DataFrame) -> str:
    """Draw a pie of what clients did: action, events."""
    ordered = actions.sort_values("events", ascending=False)
    total = int(ordered["events"].sum())
    names = [
        f"{shorten(action.replace('_', ' '))}  {count / total:.1%}  ({count:,})"
        for action, count in zip(ordered["action"], ordered["events"], strict=True)
    ]
    colours = action_colours(ordered["action"])
    wedges, *_ = ax.pie(
        ordered["events"],
        colors=[colours[action] for action in ordered["action"]],
        startangle=90,
        counterclock=False,
        autopct=lambda percent: f"{percent:.0f} %" if percent >= SMALLEST_SLICE_PERCENT else "",
        pctdistance=0.72,
        wedgeprops={"edgecolor": "white", "linewidth": 2 if len(ordered) > 1 else 0},
        textprops={"color": "white", "fontweight": "bold"},
    )
    ax.legend(wedges, names, loc="center left", bbox_to_anchor=(1.02, 0.5), title=f"of {total:,} events")
    return ""


def action_colours(actions: Iterable[str]) -> dict[str, str]:
    """Return the colour of each action."""
    others = sorted(set(actions) - ACTION_COLOURS.keys())
    return ACTION_COLOURS | {action: OTHER_COLOURS[index % len(OTHER_COLOURS)] for index, action in enumerate(others)}


def draw_payment_errors(ax: Axes, payments: pd.DataFrame, span: Span) -> str:
    """Draw failed checkouts over time, with all checkouts behind them: window_start, checkouts, payment_errors."""
    timeline = over_time(payments, span)
    draw_line(ax, timeline, "checkouts", QUIET, "all checkouts")
    draw_line(ax, timeline, "payment_errors", ERROR, "failed (answered 5xx)")
    finish_time_axes(ax, timeline, "checkouts", timeline.counts["checkouts"].max())
    set_legend_below(ax)
    checkouts, errors = int(timeline.counts["checkouts"].sum()), int(timeline.counts["payment_errors"].sum())
    return f": {errors:,} of {checkouts:,} checkouts ({errors / checkouts:.1%})" if checkouts else ": no checkouts yet"


def draw_traffic(ax: Axes, traffic: pd.DataFrame, span: Span) -> str:
    """Draw events of people and of bots over time: window_start, human_events, bot_events."""
    timeline = over_time(traffic, span)
    draw_line(ax, timeline, "human_events", HUMAN, "people")
    draw_line(ax, timeline, "bot_events", BOT, "bots")
    finish_time_axes(ax, timeline, "events", timeline.counts[["human_events", "bot_events"]].max().max())
    set_legend_below(ax)
    bots = int(timeline.counts["bot_events"].sum())
    events = bots + int(timeline.counts["human_events"].sum())
    return f": {bots / events:.0%} of {events:,} events are bots'" if events else ": no events"


def draw_searches(ax: Axes, traffic: pd.DataFrame, span: Span) -> str:
    """Draw searches over time: window_start, searches."""
    timeline = over_time(traffic, span)
    draw_line(ax, timeline, "searches", HUMAN, "searches")
    finish_time_axes(ax, timeline, "searches", timeline.counts["searches"].max())
    set_legend_below(ax)
    searches = int(timeline.counts["searches"].sum())
    return f": {searches:,}" if searches else ": none yet"


PICTURES = {
    "top_products": Picture(TOP_PRODUCTS, draw_top_products),
    "actions": Picture(ACTIONS, draw_actions),
    "payment_errors": Picture(PAYMENT_ERRORS, draw_payment_errors, is_over_time=True),
    "searches": Picture(SEARCHES, draw_searches, is_over_time=True),
    "traffic": Picture(TRAFFIC, draw_traffic, is_over_time=True),
}
"""Chart -> its picture."""
