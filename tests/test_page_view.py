"""What a reader of the page asks for, and the stretch of time that it is."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from frames import at

from page.span import MOST_STEPS, STEPS, span_of
from page.view import LENGTHS, View, ViewError, read_view

UTC = dt.timezone.utc
NOW = at(7_384)  # 14:03:04
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_view_without_words_is_the_last_hour_of_all() -> None:
    assert read_view({}) == View("1h", "all", None)


def test_no_product_is_not_the_product_without_a_name() -> None:
    assert read_view({"product": ""}).product == ""
    assert read_view({}).product is None


def test_an_hour_ends_with_the_five_minutes_in_which_the_marts_were_built() -> None:
    span = span_of(View("1h"), at(0), at(7_000), NOW, "UTC")
    assert (span.start, span.end, span.step) == (at(3_600), at(7_500), dt.timedelta(minutes=1))


def test_all_reaches_from_the_first_event_to_the_end_of_the_newest() -> None:
    span = span_of(View("all"), at(60), at(660), NOW, "UTC")
    assert (span.start, span.end) == (at(0), at(900))


def test_all_of_nothing_is_an_hour() -> None:
    span = span_of(View("all"), None, None, NOW, "UTC")
    assert span.end - span.start == dt.timedelta(minutes=65)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_chart_has_no_more_steps_than_a_screen_has_room_for(length: str) -> None:
    span = span_of(View(length), at(0), at(7_000), NOW, "Asia/Kathmandu")
    assert span.step in STEPS
    assert (span.end - span.start) / span.step <= MOST_STEPS + 2


def test_days_begin_at_midnight_of_the_shop_also_where_the_clock_is_set() -> None:
    start, end = dt.datetime(2026, 3, 10, 5, tzinfo=UTC), dt.datetime(2026, 5, 1, tzinfo=UTC)
    span = span_of(View(f"{start.isoformat()}/{end.isoformat()}"), None, None, NOW, "Europe/Berlin")
    assert span.step == dt.timedelta(hours=6)
    assert span.start.astimezone(BERLIN) == dt.datetime(2026, 3, 10, 6, tzinfo=BERLIN)
    year = span_of(View(f"2026-01-07T12:00Z/{end.isoformat()}"), None, None, NOW, "Europe/Berlin")
    assert year.step == dt.timedelta(days=1)
    assert year.start.astimezone(BERLIN) == dt.datetime(2026, 1, 7, tzinfo=BERLIN)


def test_years_go_by_weeks_that_begin_on_monday() -> None:
    span = span_of(View("2024-01-03T00:00Z/2026-01-01T00:00Z"), None, None, NOW, "America/New_York")
    local = span.start.astimezone(ZoneInfo("America/New_York"))
    assert (span.step, local.weekday(), local.hour) == (dt.timedelta(weeks=1), 0, 0)


@pytest.mark.parametrize("period", ["", "yesterday", "2026-01-01", "2026-01-01/2026-01-01", "0001-01-01/9999-12-31"])
def test_a_period_that_is_none_is_named(period: str) -> None:
    with pytest.raises(ViewError, match="is none; take one of 1h, 6h"):
        View(period).bounds()
