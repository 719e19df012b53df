"""The charts of bots: what they draw and say of suspects, of the requests of each class, and of conversion."""

from __future__ import annotations

import re

import pandas as pd
from drawings import ax, bots_over_time, conversion, draw_chart, legend, span_of, unfinished, values, words
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from viz.bots import CLASSES, MOST_PERIODS, OTHER_CLASS, by_period

__all__ = ["ax"]


def suspects(*rows: tuple[str, str, bool, int, list[str], list[int]]) -> pd.DataFrame:
    """(ip_address, class, is_convicted, events, reasons, points)"""
    names = ["ip_address", "class", "is_convicted", "events", "reasons", "points"]
    frame = pd.DataFrame(list(rows), columns=names)
    frame["score"] = [sum(row[-1]) for row in rows]
    frame["verdict"], frame["verdict_reason"] = None, None
    frame["bots"] = len(rows)
    return frame


def test_suspects_are_coloured_by_class_and_say_why(ax: Axes) -> None:
    rows = suspects(
        ("a", "scraper", True, 9, ["catalogue_walk", "never_pauses"], [75, 30]),
        ("b", "hammerer", False, 8, ["request_rate", "buys"], [80, -60]),
        ("c", "new_class", True, 7, ["new_reason"], [100]),
    )
    draw_chart(ax, "bots", rows)
    colours = [to_hex(bar.get_facecolor()).upper() for bar in reversed(ax.patches)]
    assert colours == [CLASSES["scraper"], CLASSES["hammerer"], OTHER_CLASS]
    assert "convicted with 105: catalogue walk 75 + never pauses 30" in words(ax)
    assert "suspected with 20: request rate 80 + buys -60" in words(ax)


def test_the_legend_of_many_classes_fits_below_the_bars_and_touches_no_corner(ax: Axes) -> None:
    rows = suspects(*((name, name, True, 9, ["no_assets"], [100]) for name in CLASSES))
    draw_chart(ax, "bots", rows)
    ax.figure.canvas.draw()
    box = ax.figure.legends[0].get_window_extent()
    assert 0 <= box.x0 < box.x1 <= ax.figure.bbox.width
    assert not any(box.overlaps(text.get_window_extent()) for text in ax.figure.texts)


def test_requests_of_bots_are_stacked_by_class(ax: Axes) -> None:
    rows = bots_over_time((0, "scraper", 5), (0, "tool", 1), (5, "people", 3), (10, "scraper", 7))
    draw_chart(ax, "bot_requests", rows, span_of(0, 20))
    assert "Requests of bots: 13" in words(ax)
    assert legend(ax) == ["scraper (12)", "tool (1)", "unfinished"]
    assert values(ax)["tool (1)"] == [6, 0, 7, None, None], "no requests of bots are 0, and no requests at all a gap"
    assert ax.get_ylabel() == "requests per 5 minutes"


def test_people_alone_are_no_bots(ax: Axes) -> None:
    draw_chart(ax, "bot_requests", bots_over_time((0, "people", 4)))
    assert "none yet" in words(ax)
    assert values(ax) == {}


def test_bots_of_the_unfinished_step_alone_are_drawn(ax: Axes) -> None:
    draw_chart(ax, "bot_requests", bots_over_time((20, "tool", 4)), span_of(0, 21))
    assert values(ax) == {"tool (4)": [None, None, None, None, 4]}


# --- Conversion


def test_conversion_is_a_percentage_with_and_without_bots(ax: Axes) -> None:
    draw_chart(ax, "conversion", conversion((0, 40, 1, 10, 1)))
    ax.figure.canvas.draw()
    assert {"2.50 %", "10.00 %"} <= {text.get_text() for text in ax.texts}
    assert all(re.fullmatch(r"\d+ %", label.get_text()) for label in ax.get_yticklabels())


def test_a_day_without_views_of_people_has_no_conversion(ax: Axes) -> None:
    draw_chart(ax, "conversion", conversion((0, 40, 1, 0, 0)))
    assert {text.get_text() for text in ax.texts} >= {"2.50 %", "no views"}
    assert "0.00 %" not in words(ax)


def test_many_days_are_summed_up_and_none_is_left_out() -> None:
    for count, unit in ((60, "D"), (61, "W"), (500, "M"), (4000, "Y")):
        days = conversion(*((day, 40, 2, 10, 1) for day in range(count)))
        sums, found = by_period(days)
        assert (found, sums["views"].sum(), sums["human_checkouts"].sum()) == (unit, 40 * count, count)
        assert len(sums) <= MOST_PERIODS


def test_the_day_of_the_newest_minute_is_unfinished(ax: Axes) -> None:
    draw_chart(ax, "conversion", conversion((-1, 40, 2, 10, 1), (0, 40, 2, 10, 1)))
    assert unfinished(ax) == [(0.5, 1.5)]


def test_a_day_before_the_newest_minute_is_finished(ax: Axes) -> None:
    draw_chart(ax, "conversion", conversion((-1, 40, 2, 10, 1)))
    assert unfinished(ax) == []


def test_days_years_apart_say_their_years(ax: Axes) -> None:
    draw_chart(ax, "conversion", conversion((-7 * 365, 40, 2, 10, 1), (0, 40, 2, 10, 1)))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["Mar 03\n2019", "Mar 01\n2026"]
