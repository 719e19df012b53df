"""The axes of the charts: which range of time they show, how wide a step and how thick a bar is, and their labels."""

from __future__ import annotations

import pandas as pd
import pytest
from charts import ax, bots_over_time, draw_chart, minute, payments, steps, time_limits, traffic, values, words
from matplotlib.axes import Axes

from viz.axes import shorten, time_range
from viz.timeline import MOST_STEPS, over_time, time_span

__all__ = ["ax"]

ONE_STEP = {
    "traffic": (traffic((0, 30, 6, 0)), 1, {"people": [30], "bots": [6]}),
    "payment_errors": (payments((0, 5, 2)), 1, {"all checkouts": [5], "failed (answered 5xx)": [2]}),
    "bot_requests": (bots_over_time((0, "tool", 4), (0, "scraper", 9)), 5, {"scraper (9)": [9], "tool (4)": [13]}),
}


@pytest.mark.parametrize("name", ONE_STEP)
def test_one_step_alone_fills_an_axis_that_is_as_wide_as_the_step(name: str, ax: Axes) -> None:
    rows, minutes, expected = ONE_STEP[name]
    draw_chart(ax, name, rows, (minute(0), minute(0)))
    assert values(ax) == expected
    assert time_limits(ax) == (minute(0), minute(minutes))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["10:00", f"10:0{minutes}"]
    assert f"2026-03-01 10:00 to 10:0{minutes} UTC" in words(ax)
    ax.figure.canvas.draw()
    for patch in steps(ax).values():
        box = patch.get_window_extent()
        assert box.width == pytest.approx(ax.bbox.width), "as wide as the axis"
        assert ax.bbox.y0 < box.y1 < ax.bbox.y1, "and below its top"


def test_two_steps_are_drawn_at_their_heights(ax: Axes) -> None:
    rows = traffic((0, 30, 6, 0), (1, 40, 0, 0))
    draw_chart(ax, "traffic", rows, time_span(rows))
    assert values(ax) == {"people": [30, 40], "bots": [6, 0]}
    assert time_limits(ax) == (minute(0), minute(2))
    assert ax.get_ylim()[1] == pytest.approx(40 * 1.2)


def test_one_step_for_each_class_is_seen_as_wide_as_it_is(ax: Axes) -> None:
    rows = bots_over_time((5, "tool", 4), (15, "scraper", 9))
    draw_chart(ax, "bot_requests", rows, (minute(0), minute(25)))
    assert values(ax) == {"scraper (9)": [0, 0, 0, 9, 0], "tool (4)": [0, 4, 0, 9, 0]}
    ax.figure.canvas.draw()
    width = ax.bbox.width / 5
    assert steps(ax)["tool (4)"].get_window_extent().width >= width - 1


def test_a_gap_stays_a_gap(ax: Axes) -> None:
    rows = traffic((0, 8, 1, 0), (1, 8, 1, 0), (5, 8, 1, 0), (6, 8, 1, 0), (7, 1, 0, 0))
    draw_chart(ax, "traffic", rows, time_span(rows))
    assert values(ax)["people"] == [8, 8, 0, 0, 0, 8, 8]


def test_one_bar_is_no_thicker_than_one_of_six(ax: Axes) -> None:
    products = pd.DataFrame({"product_id": ["p1"], "human_views": [1], "bot_views": [0]})
    draw_chart(ax, "top_products", products.assign(first_seen_at=minute(0), last_seen_at=minute(0)))
    ax.figure.canvas.draw()
    assert 0 < ax.patches[0].get_window_extent().height < ax.bbox.height / 6
    assert "2026-03-01 10:00 UTC" in words(ax)


def test_the_range_starts_where_events_arrived_on_time() -> None:
    rows = traffic((-600, 5, 0, 5), (0, 100, 0, 0), (1, 100, 0, 3), (2, 100, 0, 0))
    assert time_span(rows) == (minute(0), minute(2))


def test_an_imported_log_is_late_altogether_and_shown_whole() -> None:
    rows = traffic(*((number, 10, 0, 10) for number in range(0, 600, 10)))
    assert time_span(rows) == (minute(0), minute(590))


def test_one_stray_early_event_does_not_squeeze_the_rest() -> None:
    rows = traffic((-1000, 1, 0, 1), *((number, 10, 0, 10) for number in range(60)))
    span = time_span(rows)
    assert span is not None
    assert span[0] >= minute(0)


def test_no_traffic_has_no_range() -> None:
    assert time_span(traffic()) is None


@pytest.mark.parametrize("days", [0.004, 0.1, 1, 30, 366, 4000])
def test_any_range_becomes_a_few_hundred_points_at_most(days: float) -> None:
    rows = traffic((0, 1, 0, 0), (days * 24 * 60, 2, 0, 0))
    count = len(over_time(rows, (rows["window_start"].iloc[0], rows["window_start"].iloc[-1])).counts)
    assert 1 < count <= 4001
    assert days > 300 or count <= MOST_STEPS + 1


def test_a_range_says_each_day_once() -> None:
    assert time_range(minute(0), minute(8)) == "2026-03-01 10:00 to 10:08 UTC"
    assert time_range(minute(0), minute(0.5)) == "2026-03-01 10:00 UTC"
    assert time_range(minute(0), minute(24 * 60)) == "2026-03-01 10:00 to 2026-03-02 10:00 UTC"


def test_a_long_label_keeps_both_ends() -> None:
    assert shorten("abcdefghij", 7) == "abc…hij"
    assert shorten("short") == "short"
