"""The axes of the charts: which time they show, in which steps, what they cut out, and their labels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from drawings import (
    CHART,
    ax,
    bots_over_time,
    draw_chart,
    legend,
    minute,
    payments,
    span_of,
    steps,
    time_limits,
    total,
    traffic,
    unfinished,
    values,
    words,
)
from matplotlib.axes import Axes
from matplotlib.dates import date2num

from viz.axes import shorten
from viz.span import MOST_CUTS, MOST_STEPS, STEPS, in_words, length_in_words, time_range, time_span
from viz.timeline import over_time

__all__ = ["ax"]

YEAR = 365 * 24 * 60
GAPS = [None] * 4
ONE_MINUTE = {
    "traffic": (traffic((0, 30, 6)), 1, {"people": [30, *GAPS], "bots": [6, *GAPS]}),
    "payment_errors": (payments((0, 5, 2)), 1, {"all checkouts": [5, *GAPS], "failed (answered 5xx)": [2, *GAPS]}),
    "bot_requests": (bots_over_time((0, "tool", 4), (0, "scraper", 9)), 5, {"scraper (9)": [9], "tool (4)": [13]}),
}


@pytest.mark.parametrize("name", ONE_MINUTE)
def test_one_minute_alone_is_a_bar_on_the_same_axis_in_every_chart(name: str, ax: Axes) -> None:
    rows, minutes, expected = ONE_MINUTE[name]
    draw_chart(ax, name, rows)
    assert values(ax) == expected
    assert time_limits(ax) == (minute(0), minute(5))
    assert "2026-03-01 10:00 to 10:01 UTC" in words(ax)
    ax.figure.canvas.draw()
    for patch in steps(ax).values():
        box = patch.get_window_extent()
        assert box.width == pytest.approx(ax.bbox.width * minutes / 5), "as wide as its windows"
        assert ax.bbox.y0 < box.y1 < ax.bbox.y1, "and below the axis' top"


def test_two_minutes_are_drawn_at_their_heights(ax: Axes) -> None:
    draw_chart(ax, "traffic", traffic((3, 30, 6), (4, 40, 0)))
    assert values(ax) == {"people": [None, None, None, 30, 40], "bots": [None, None, None, 6, 0]}
    assert ax.get_ylim()[1] == pytest.approx(40 * 1.2)


def test_a_gap_has_no_line_over_it(ax: Axes) -> None:
    draw_chart(ax, "traffic", traffic((0, 8, 1), (1, 8, 1), (8, 8, 1), (9, 8, 1)))
    assert values(ax)["people"] == [8, 8, *[None] * 6, 8, 8]
    lines = [np.asarray(line)[:, 0] for line in steps(ax)["people"].get_path().to_polygons(closed_only=False)]
    (gap,) = _days(5)
    assert len(lines) == 2
    assert not any(days.min() < gap < days.max() for days in lines)


# --- What is drawn is what was read


@pytest.mark.parametrize("count", [1, 2, 7, 61, 500, 4000])
def test_the_sum_of_what_is_drawn_is_the_sum_of_the_rows(count: int, ax: Axes) -> None:
    rows = traffic(*((3 + 7 * number, 10 + number, number % 3) for number in range(count)))
    draw_chart(ax, "traffic", rows)
    assert total(ax, "people") == rows["human_events"].sum()
    assert total(ax, "bots") == rows["bot_events"].sum()
    assert f" {rows['human_events'].sum() + rows['bot_events'].sum():,} events" in words(ax)


def test_nothing_is_left_out_where_the_axis_is_cut(ax: Axes) -> None:
    rows = traffic((-7 * YEAR, 5, 1), (-1000, 1, 0), *((number, 10, 2) for number in range(60)), (3 * YEAR, 4, 4))
    draw_chart(ax, "traffic", rows)
    assert total(ax, "people") == 610
    assert total(ax, "bots") == 125


# --- One time for all charts


def test_every_chart_names_the_same_time_and_when_it_was_drawn(ax: Axes) -> None:
    rows = {
        "traffic": traffic((2, 3, 1)),
        "payment_errors": payments((3, 3, 1)),
        "bot_requests": bots_over_time((5, "tool", 1)),
        "top_products": pd.DataFrame({"product_id": ["p"], "human_views": [1], "bot_views": [0]}),
        "actions": pd.DataFrame({"action": ["checkout"], "events": [1]}),
    }
    for name, frame in rows.items():
        ax.clear()
        draw_chart(ax, name, frame, span_of(1, 18))
        assert "2026-03-01 10:01 to 10:19 UTC" in words(ax)
        if "window_start" in frame:
            assert time_limits(ax) == (minute(0), minute(20))


@pytest.mark.parametrize("name", CHART)
def test_a_picture_says_in_its_corner_when_it_was_drawn(name: str, ax: Axes) -> None:
    draw_chart(ax, name, pd.DataFrame())
    (corner,) = ax.figure.texts
    assert corner.get_text() == "drawn at 2026-03-05 08:30 UTC"
    ax.figure.canvas.draw()
    box = corner.get_window_extent()
    assert box.y1 <= ax.figure.bbox.height
    assert box.x1 <= ax.figure.bbox.width
    assert not box.overlaps(ax._left_title.get_window_extent())  # type: ignore[attr-defined]


# --- What is still being counted


@pytest.mark.parametrize("newest", [10, 14, 19])
def test_the_step_of_the_newest_minute_is_unfinished(newest: int, ax: Axes) -> None:
    draw_chart(ax, "bot_requests", bots_over_time((0, "tool", 1), (10, "tool", 1)), span_of(0, newest))
    start = newest - newest % 5
    assert unfinished(ax) == [_days(start, start + 5)]
    assert legend(ax)[-1] == "unfinished"


def test_only_the_newest_minute_is_unfinished_where_steps_are_minutes(ax: Axes) -> None:
    draw_chart(ax, "traffic", traffic(*((number, 3, 1) for number in range(12))))
    assert unfinished(ax) == [_days(11, 12)]


# --- Logs that lie far apart


def test_logs_years_apart_are_each_seen_and_the_years_between_are_cut_out(ax: Axes) -> None:
    rows = traffic(*((-7 * YEAR + number, 10, 1) for number in range(90)), *((number, 10, 1) for number in range(45)))
    draw_chart(ax, "traffic", rows)
    assert "7 years without traffic" in words(ax)
    assert ax.get_ylabel() == "events per minute"
    places = ax.transAxes.inverted().transform(
        ax.transData.transform([(day, 0) for day in _days(-7 * YEAR, -7 * YEAR + 90, 0, 45)])
    )[:, 0]
    assert places == pytest.approx([0, 90 / 135 / 1.05, (90 / 135 + 0.05) / 1.05, 1])


def test_every_log_says_its_year_and_no_labels_touch(ax: Axes) -> None:
    rows = traffic(*((-7 * YEAR + number, 10, 1) for number in range(90)), *((number, 10, 1) for number in range(45)))
    draw_chart(ax, "traffic", rows)
    ax.figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert [label for label in labels if "\n" in label] == ["10:00\n2019-03-03", "10:00\n2026-03-01"]
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_dates_of_short_logs_stand_below_each_other(ax: Axes) -> None:
    lengths = {-7 * YEAR: 180, -3 * YEAR: 3, 0: 3}
    rows = traffic(*((start + number, 10, 1) for start, length in lengths.items() for number in range(length)))
    draw_chart(ax, "traffic", rows)
    ax.figure.canvas.draw()
    dated = [label.get_text() for label in ax.get_xticklabels() if "\n" in label.get_text()]
    assert dated == ["10:00\n2019-03-03", "10:00\n2023-03-02", "10:00\n\n2026-03-01"]


def test_one_stray_early_event_does_not_squeeze_the_rest(ax: Axes) -> None:
    draw_chart(ax, "traffic", traffic((-1000, 1, 0), *((number, 10, 1) for number in range(60))))
    assert "17 hours without traffic" in words(ax)
    assert ax.get_ylabel() == "events per minute"
    ax.figure.canvas.draw()
    assert steps(ax)["people"].get_window_extent().x0 == pytest.approx(ax.bbox.x0, abs=10), "and is drawn"


def test_a_night_without_traffic_stays_as_long_as_it_is() -> None:
    days = [start + number for start in (0, 24 * 60) for number in range(0, 16 * 60, 59)]
    assert len(span_of(*days).sections) == 1


@pytest.mark.parametrize(("logs", "sections"), [(2, 2), (3, 3), (MOST_CUTS + 1, MOST_CUTS + 1), (20, 1)])
def test_logs_are_cut_apart_while_there_is_room_for_cuts(logs: int, sections: int) -> None:
    minutes = [number * YEAR for number in range(logs)]
    span = span_of(*minutes)
    assert len(span.sections) == sections
    counts = over_time(traffic(*((number, 1, 0) for number in minutes)), span).counts
    assert len(counts) <= MOST_STEPS + sections
    assert counts["human_events"].sum() == logs


def test_a_few_late_events_do_not_squeeze_a_stream_that_has_just_begun(ax: Axes) -> None:
    rows = traffic((-240, 1, 0), (-90, 1, 1), (-5, 1, 0), (0, 30, 6), (1, 2000, 90))
    span = time_span(pd.Series([minute(0), minute(1)]), minute(-240), minute(1)).without(4)
    draw_chart(ax, "traffic", rows, span)
    assert time_limits(ax) == (minute(0), minute(5))
    assert values(ax)["people"][:2] == [30, 2000]
    assert ax.get_xlabel() == "time (UTC); 4 scattered events lie outside of it"


def test_scattered_events_in_a_cut_are_not_drawn_across_it(ax: Axes) -> None:
    far = YEAR + 3
    span = time_span(pd.Series([minute(0), minute(4), minute(far)]), minute(0), minute(far)).without(7)
    draw_chart(ax, "traffic", traffic((0, 30, 6), (5, 7, 0), (far, 20, 5)), span)
    assert "almost without traffic" in words(ax)
    assert sum(value or 0 for value in values(ax)["people"]) == 50


def test_late_events_stay_on_the_axis_once_the_stream_is_older_than_they() -> None:
    busy = pd.Series([minute(60 * hour) for hour in range(6)])
    assert time_span(busy, minute(-240), minute(300)).sections[0][0] == minute(-240)


@pytest.mark.parametrize("days", [0.004, 0.1, 1, 30, 366, 4000])
def test_any_range_becomes_a_few_hundred_steps_at_most(days: float) -> None:
    minutes = [days * 24 * 60 * part / 100 for part in range(101)]
    counts = over_time(traffic(*((number, 1, 0) for number in minutes)), span_of(*minutes)).counts
    assert 1 < len(counts) <= MOST_STEPS + 2
    assert counts["human_events"].sum() == 101


def _days(*minutes: float) -> tuple[float, ...]:
    return tuple(float(date2num(minute(number).to_pydatetime())) for number in minutes)  # type: ignore[no-untyped-call]


# --- Bars and words


def test_one_bar_is_no_thicker_than_one_of_six(ax: Axes) -> None:
    products = pd.DataFrame({"product_id": ["p1"], "human_views": [1], "bot_views": [0]})
    draw_chart(ax, "top_products", products)
    ax.figure.canvas.draw()
    assert 0 < ax.patches[0].get_window_extent().height < ax.bbox.height / 6


def test_a_range_says_each_day_once() -> None:
    assert time_range(minute(0), minute(8)) == "2026-03-01 10:00 to 10:08 UTC"
    assert time_range(minute(0), minute(0.5)) == "2026-03-01 10:00 UTC"
    assert time_range(minute(0), minute(24 * 60)) == "2026-03-01 10:00 to 2026-03-02 10:00 UTC"


def test_steps_and_gaps_are_said_in_words() -> None:
    assert [in_words(step) for step in STEPS[:3]] == ["minute", "5 minutes", "10 minutes"]
    assert [in_words(step) for step in STEPS[5:]] == ["hour", "3 hours", "6 hours", "day", "week", "4 weeks"]
    gaps = ("3h", "47h", "60D", "900D")
    assert [length_in_words(pd.Timedelta(gap)) for gap in gaps] == ["3 hours", "47 hours", "60 days", "2 years"]


def test_a_long_label_keeps_both_ends() -> None:
    assert shorten("abcdefghij", 7) == "abc…hij"
    assert shorten("short") == "short"
