"""The charts of bots. Each function draws a frame of `viz.marts` on Axes that it is given, and saves nothing."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from viz.charts import (
    BOT,
    HUMAN,
    Span,
    draw_no_data,
    finish_time_axes,
    over_time,
    set_legend_below,
    set_title,
    shorten,
    write_totals,
)

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
LONGEST_REASONS = 120
BOT_STEP = "5min"
"""marts.bot_traffic has no finer steps."""
MOST_DAYS = 60
FEW_DAYS = 10
MARGIN_DAYS = 0.8


def draw_bots(ax: Axes, bots: pd.DataFrame) -> None:
    """Bars of suspects, coloured by class, each with its reasons.

    Columns: ip_address, class, is_convicted, score, requests, reasons, points, bots, first_seen_at, last_seen_at.
    """
    if bots.empty:
        draw_no_data(ax, "Suspected bots")
        return
    shown = bots.iloc[::-1]
    places = range(len(shown))
    ax.barh(places, shown["requests"], height=0.42, color=[colour_of(name) for name in shown["class"]])
    ax.set_yticks(places, [shorten(address, 40) for address in shown["ip_address"]])
    write_totals(ax, [int(requests) for requests in shown["requests"]])
    for place, (_, bot) in zip(places, shown.iterrows(), strict=True):
        ax.text(0, place + 0.25, f" {reasons_of(bot)}", va="bottom", fontsize=9, color="#555555")
    ax.set_ylim(-0.6, len(shown) - 0.1)
    ax.set_xlabel("requests")
    ax.set_ylabel("client address")
    known = [name for name in [*CLASSES, *sorted(set(shown["class"]) - CLASSES.keys())] if name in set(shown["class"])]
    handles = [Patch(color=colour_of(name), label=name.replace("_", " ")) for name in known]
    set_legend_below(ax, handles=handles, ncols=len(handles))
    count = int(bots["bots"].max())
    most = f" (the {len(bots)} busiest of {count:,})" if count > len(bots) else ""
    set_title(ax, f"Suspected bots and why{most}", bots["first_seen_at"].min(), bots["last_seen_at"].max())


def draw_bot_requests(ax: Axes, requests: pd.DataFrame, span: Span | None) -> None:
    """Areas of convicted clients' requests over time, one for each class: window_start, class, requests."""
    if span is None or requests.empty:
        draw_no_data(ax, "Requests of convicted bots")
        return
    wide = requests.pivot_table(index="window_start", columns="class", values="requests", aggfunc="sum", fill_value=0)
    steps, width = over_time(wide.reset_index(), span, BOT_STEP)
    totals = steps.sum().sort_values(ascending=False)
    names = [str(name) for name in totals.index]
    if len(steps) > 1:
        ax.stackplot(
            steps.index,
            *(steps[name] for name in names),
            colors=[colour_of(name) for name in names],
            labels=[f"{name.replace('_', ' ')} ({int(totals[name]):,})" for name in names],
            linewidth=0,
        )
    else:
        for name in names:
            ax.bar(steps.index, steps[name], width=0.001, color=colour_of(name), label=name.replace("_", " "))
    finish_time_axes(ax, steps.index, f"requests per {width}")
    ax.get_legend().remove()  # type: ignore[union-attr]
    set_legend_below(ax, ncols=min(4, len(names)))
    set_title(ax, f"Requests of convicted bots: {int(totals.sum()):,}", steps.index[0], steps.index[-1])


def draw_conversion(ax: Axes, days: pd.DataFrame) -> None:
    """Bars of checkouts per product view and day, of all clients and of people.

    Columns: day_start, conversion_with_bots, conversion_without_bots.
    """
    title = "Conversion with and without bots"
    if days.empty:
        draw_no_data(ax, title)
        return
    shown = days.sort_values("day_start").tail(MOST_DAYS)
    rates = {
        "all clients": (100 * shown["conversion_with_bots"].astype(float).fillna(0.0), BOT, -0.2),
        "without convicted bots": (100 * shown["conversion_without_bots"].astype(float).fillna(0.0), HUMAN, 0.2),
    }
    for label, (rate, colour, shift) in rates.items():
        ax.bar([place + shift for place in range(len(shown))], rate, width=0.38, color=colour, label=label)
        for place, height in enumerate(rate) if len(shown) <= FEW_DAYS else ():
            ax.text(place + shift, height, f"{height:.2f} %", ha="center", va="bottom", fontsize=11, color="#333333")
    step = -(-len(shown) // FEW_DAYS)
    ax.set_xticks(range(0, len(shown), step), [f"{day:%b %d}" for day in shown["day_start"].iloc[::step]])
    ax.set_xlim(-0.5 - MARGIN_DAYS / len(shown), len(shown) - 0.5 + MARGIN_DAYS / len(shown))
    ax.set_xlabel("day (UTC)")
    ax.set_ylabel("checkouts per 100 product views")
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    ax.grid(False, axis="x")
    set_legend_below(ax)
    set_title(ax, title, shown["day_start"].iloc[0], shown["day_start"].iloc[-1] + pd.Timedelta("1D"))


def colour_of(name: str) -> str:
    """Return the colour of a class."""
    return CLASSES.get(name, OTHER_CLASS)


def reasons_of(bot: pd.Series[Any]) -> str:
    """Return score and reasons in words: ``130, convicted: no assets 70 + request rate 60``."""
    listed = zip(bot["reasons"], bot["points"], strict=True)
    parts = [f"{reason.replace('_', ' ')} {points}" for reason, points in listed]
    verdict = "convicted" if bot["is_convicted"] else "suspected"
    text = " + ".join(parts)
    text = f"{verdict} with {bot['score']}: {text}"
    return text if len(text) <= LONGEST_REASONS else f"{text[: LONGEST_REASONS - 1]}…"
