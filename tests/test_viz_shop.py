"""The charts of the shop: what they draw and say of products, actions, payments, searches and traffic."""

from __future__ import annotations

import re

import pandas as pd
from drawings import ax, draw_chart, minute, payments, time_limits, traffic, values, words
from matplotlib.axes import Axes

from viz.shop import action_colours

__all__ = ["ax"]


def test_traffic_of_bots_alone_is_drawn(ax: Axes) -> None:
    draw_chart(ax, "traffic", traffic((0, 0, 600)))
    assert values(ax) == {"people": [0, *[None] * 4], "bots": [600, *[None] * 4]}
    assert "100% of 600 events" in words(ax)


def test_top_products_show_the_views_of_people_and_of_bots(ax: Axes) -> None:
    products = pd.DataFrame({"product_id": ["p1", "p2"], "human_views": [1500, 3], "bot_views": [200, 0]})
    draw_chart(ax, "top_products", products)
    assert {"1,500 + 200", "3"} <= {text.get_text() for text in ax.texts}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["p2", "p1"]  # the first is on top


def test_an_action_has_the_same_colour_whatever_its_rank() -> None:
    first, second = action_colours(["checkout", "wishlist"]), action_colours(["wishlist", "other", "checkout"])
    assert first["checkout"] == second["checkout"]
    assert first["wishlist"] == second["wishlist"]
    assert len(set(second.values())) == len(second)


def test_a_product_may_be_called_anything(ax: Axes) -> None:
    odd = ["$\\x$", "a$b", "\u202e\n", "_{^"]
    products = pd.DataFrame({"product_id": odd, "human_views": [4, 3, 2, 1], "bot_views": [0] * 4})
    draw_chart(ax, "top_products", products)
    assert {"$\\x$", "a$b", "\\u202e\\n"} <= {label.get_text() for label in ax.get_yticklabels()}


def test_the_slices_of_actions_are_their_ratios(ax: Axes) -> None:
    actions = pd.DataFrame({"action": ["view_product", "checkout"], "events": [3, 1]})
    draw_chart(ax, "actions", actions)
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["view product  75.0%  (3)", "checkout  25.0%  (1)"]


def test_errors_are_zero_where_there_were_none_and_a_gap_where_there_was_nothing(ax: Axes) -> None:
    rows = payments((0, 4, 1), (1, 3, 0), (5, 4, 2), (6, 1, 0))
    draw_chart(ax, "payment_errors", rows)
    assert values(ax)["failed (answered 5xx)"] == [1, 0, None, None, None, 2, 0, None, None, None]
    assert "3 of 12 checkouts (25.0%)" in words(ax)


def test_payments_that_all_went_well_are_counted(ax: Axes) -> None:
    draw_chart(ax, "payment_errors", payments((0, 6, 0)))
    assert "0 of 6 checkouts (0.0%)" in words(ax)


def test_without_a_payment_none_failed_and_none_went_well(ax: Axes) -> None:
    draw_chart(ax, "payment_errors", payments((0, 0, 0)))
    assert "no checkouts yet" in words(ax)
    assert not re.search("0 of|%", words(ax))


def test_a_shop_without_searches_says_so(ax: Axes) -> None:
    draw_chart(ax, "searches", payments((0, 0, 0)).rename(columns={"checkouts": "searches"}))
    assert "none yet" in words(ax)


def test_traffic_draws_people_and_bots(ax: Axes) -> None:
    draw_chart(ax, "traffic", traffic(*((number, 3, 1) for number in range(10))))
    assert values(ax) == {"people": [3] * 10, "bots": [1] * 10}
    assert "25% of 40 events" in words(ax)
    assert "2026-03-01 10:00 to 10:10 UTC" in words(ax)
    assert time_limits(ax) == (minute(0), minute(10))
