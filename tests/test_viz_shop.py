"""The charts of the shop: what they draw and say of products, actions, payments, conversion and traffic."""

from __future__ import annotations

import pandas as pd
from charts import ax, draw_chart, minute, payments, time_limits, traffic, values, words
from matplotlib.axes import Axes

from viz.shop import action_colours
from viz.timeline import time_span

__all__ = ["ax"]


def test_traffic_of_bots_alone_is_drawn(ax: Axes) -> None:
    rows = traffic((0, 0, 600, 0))
    draw_chart(ax, "traffic", rows, time_span(rows))
    assert values(ax) == {"people": [0], "bots": [600]}
    assert "100% of 600 events" in words(ax)


def test_top_products_show_the_range_and_the_views_of_people_and_of_bots(ax: Axes) -> None:
    products = pd.DataFrame({"product_id": ["p1", "p2"], "human_views": [1500, 3], "bot_views": [200, 0]})
    draw_chart(ax, "top_products", products.assign(first_seen_at=minute(0), last_seen_at=minute(24 * 60)))
    assert {"1,500 + 200", "3"} <= {text.get_text() for text in ax.texts}
    assert "2026-03-01 10:00 to 2026-03-02 10:00 UTC" in words(ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["p2", "p1"]  # the first is on top


def test_an_action_has_the_same_colour_whatever_its_rank() -> None:
    first, second = action_colours(["checkout", "wishlist"]), action_colours(["wishlist", "other", "checkout"])
    assert first["checkout"] == second["checkout"]
    assert first["wishlist"] == second["wishlist"]
    assert len(set(second.values())) == len(second)


def test_a_product_may_be_called_anything(ax: Axes) -> None:
    odd = ["$\\x$", "a$b", "\u202e\n", "_{^"]
    products = pd.DataFrame({"product_id": odd, "human_views": [4, 3, 2, 1], "bot_views": [0] * 4})
    draw_chart(ax, "top_products", products.assign(first_seen_at=minute(0), last_seen_at=minute(60)))
    assert {"$\\x$", "a$b"} <= {label.get_text() for label in ax.get_yticklabels()}


def test_the_slices_of_actions_are_their_ratios(ax: Axes) -> None:
    actions = pd.DataFrame({"action": ["view_product", "checkout"], "action_count": [3, 1]})
    draw_chart(ax, "actions", actions.assign(first_seen_at=minute(0), last_seen_at=minute(5)))
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["view product  75.0%  (3)", "checkout  25.0%  (1)"]


def test_the_error_line_is_zero_where_nothing_happened(ax: Axes) -> None:
    rows = payments((0, 4, 1), (5, 4, 2), (6, 1, 0))
    draw_chart(ax, "payment_errors", rows, (minute(0), minute(6)))
    # The last, unfinished minute is left out.
    assert values(ax)["failed (answered 5xx)"] == [1, 0, 0, 0, 0, 2]
    assert "3 of 8 checkouts (37.5%)" in words(ax)


def test_payments_without_any_checkout_are_drawn(ax: Axes) -> None:
    draw_chart(ax, "payment_errors", payments((0, 0, 0)), (minute(0), minute(0)))
    assert "no checkouts" in words(ax)


def test_conversion_is_drawn_with_and_without_bots(ax: Axes) -> None:
    day = pd.DataFrame({"conversion_with_bots": [0.025], "conversion_without_bots": [0.1]})
    draw_chart(ax, "conversion", day.assign(day_start=minute(0)))
    assert {"2.50 %", "10.00 %"} <= {text.get_text() for text in ax.texts}


def test_a_day_without_views_of_people_has_no_conversion(ax: Axes) -> None:
    day = pd.DataFrame({"conversion_with_bots": [0.025], "conversion_without_bots": [None]})
    draw_chart(ax, "conversion", day.assign(day_start=minute(0)))
    assert {text.get_text() for text in ax.texts} >= {"2.50 %", "no views"}
    assert "0.00 %" not in words(ax)


def test_traffic_draws_people_and_bots(ax: Axes) -> None:
    rows = traffic(*((number, 3, 1, 0) for number in range(10)))
    draw_chart(ax, "traffic", rows, time_span(rows))
    assert values(ax) == {"people": [3] * 9, "bots": [1] * 9}
    assert "25% of 36 events" in words(ax)
    assert "2026-03-01 10:00 to 10:09 UTC" in words(ax)
    assert time_limits(ax) == (minute(0), minute(9))
