"""The charts: what they draw, and that they draw on with little or odd data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import pytest

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from viz import bots as of_bots
from viz import charts
from viz.__main__ import STYLE, save

T0 = datetime(2026, 3, 1, 10, 0, tzinfo=timezone.utc)
EMPTY = pd.DataFrame()


def minute(number: float) -> pd.Timestamp:
    return pd.Timestamp(T0 + timedelta(minutes=number))


def traffic(*rows: tuple[float, int, int, int]) -> pd.DataFrame:
    """(minute, human_events, bot_events, late_events)"""
    frame = pd.DataFrame(list(rows), columns=["window_start", "human_events", "bot_events", "late_events"])
    frame["window_start"] = pd.to_datetime([minute(row[0]) for row in rows], utc=True)
    return frame


def payments(*rows: tuple[float, int, int]) -> pd.DataFrame:
    """(minute, checkouts, error_count)"""
    frame = pd.DataFrame(list(rows), columns=["window_start", "checkouts", "error_count"])
    frame["window_start"] = pd.to_datetime([minute(row[0]) for row in rows], utc=True)
    return frame


def suspects(*rows: tuple[str, str, bool, int, list[str], list[int]]) -> pd.DataFrame:
    """(ip_address, class, is_convicted, requests, reasons, points)"""
    names = ["ip_address", "class", "is_convicted", "requests", "reasons", "points"]
    frame = pd.DataFrame(list(rows), columns=names)
    frame["score"] = [sum(row[-1]) for row in rows]
    frame[["bots", "first_seen_at", "last_seen_at"]] = len(rows), minute(0), minute(90)
    return frame


@pytest.fixture
def ax() -> Iterator[Axes]:
    with pyplot.style.context(STYLE):
        figure, axes = pyplot.subplots()
        yield axes
        figure.canvas.draw()
        pyplot.close(figure)


def words(ax: Axes) -> str:
    return " | ".join([ax.get_title(loc="left"), *(text.get_text() for text in ax.texts)])


EMPTY_CHARTS: dict[str, Callable[[Axes], None]] = {
    "top_products": lambda ax: charts.draw_top_products(ax, EMPTY),
    "actions": lambda ax: charts.draw_actions(ax, EMPTY),
    "payment_errors": lambda ax: charts.draw_payment_errors(ax, payments(), None),
    "bots": lambda ax: of_bots.draw_bots(ax, EMPTY),
    "bot_requests": lambda ax: of_bots.draw_bot_requests(ax, EMPTY, None),
    "conversion": lambda ax: of_bots.draw_conversion(ax, EMPTY),
    "traffic": lambda ax: charts.draw_traffic(ax, traffic(), None),
}


@pytest.mark.parametrize("name", EMPTY_CHARTS)
def test_an_empty_mart_draws_no_data_yet(name: str, ax: Axes) -> None:
    EMPTY_CHARTS[name](ax)
    assert "no data yet" in words(ax)


def test_top_products_show_the_range_and_each_bars_total(ax: Axes) -> None:
    products = pd.DataFrame({"product_id": ["p1", "p2"], "human_views": [1500, 3], "bot_views": [200, 0]})
    charts.draw_top_products(ax, products.assign(first_seen_at=minute(0), last_seen_at=minute(24 * 60)))
    assert {"1,700", "3"} <= {text.get_text() for text in ax.texts}
    assert "2026-03-01 10:00 to 2026-03-02 10:00 UTC" in words(ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["p2", "p1"]  # the first is on top


def test_a_product_may_be_called_anything(ax: Axes) -> None:
    odd = ["$\\x$", "a$b", "\u202e\n", "_{^"]
    products = pd.DataFrame({"product_id": odd, "human_views": [4, 3, 2, 1], "bot_views": [0] * 4})
    charts.draw_top_products(ax, products.assign(first_seen_at=minute(0), last_seen_at=minute(60)))
    assert {"$\\x$", "a$b"} <= {label.get_text() for label in ax.get_yticklabels()}


def test_the_slices_of_actions_are_their_ratios(ax: Axes) -> None:
    actions = pd.DataFrame({"action": ["view_product", "checkout"], "action_count": [3, 1]})
    charts.draw_actions(ax, actions.assign(share=[0.75, 0.25], first_seen_at=minute(0), last_seen_at=minute(5)))
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["view product  75.0%  (3)", "checkout  25.0%  (1)"]


def test_the_error_line_is_zero_where_nothing_happened(ax: Axes) -> None:
    rows = payments((0, 4, 1), (5, 4, 2), (6, 1, 0))
    charts.draw_payment_errors(ax, rows, (minute(0), minute(6)))
    line: Any = ax.lines[0].get_ydata()
    assert list(line) == [1, 0, 0, 0, 0, 2]  # the last, unfinished minute is left out
    assert "3 of 8 checkouts (37.5%)" in words(ax)


def test_payments_without_any_checkout_are_drawn(ax: Axes) -> None:
    charts.draw_payment_errors(ax, payments((0, 0, 0)), (minute(0), minute(0)))
    assert "no checkouts" in words(ax)


def test_suspects_are_coloured_by_class_and_say_why(ax: Axes) -> None:
    rows = suspects(
        ("a", "scraper", True, 9, ["catalogue_walk", "never_pauses"], [75, 30]),
        ("b", "hammerer", False, 8, ["request_rate", "buys"], [80, -60]),
        ("c", "new_class", True, 7, ["new_reason"], [100]),
    )
    of_bots.draw_bots(ax, rows)
    colours = [to_hex(bar.get_facecolor()).upper() for bar in reversed(ax.patches)]
    assert colours == [of_bots.CLASSES["scraper"], of_bots.CLASSES["hammerer"], of_bots.OTHER_CLASS]
    assert "convicted with 105: catalogue walk 75 + never pauses 30" in words(ax)
    assert "suspected with 20: request rate 80 + buys -60" in words(ax)


def test_requests_of_bots_are_stacked_by_class(ax: Axes) -> None:
    rows = pd.DataFrame({"class": ["scraper", "tool", "scraper"], "requests": [5, 1, 7]})
    rows["window_start"] = [minute(0), minute(0), minute(10)]
    of_bots.draw_bot_requests(ax, rows, (minute(0), minute(20)))
    assert "13" in words(ax)
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["scraper (12)", "tool (1)"]
    assert ax.get_ylabel() == "requests per 5 minutes"


def test_conversion_is_drawn_with_and_without_bots(ax: Axes) -> None:
    day = pd.DataFrame({"conversion_with_bots": [0.025], "conversion_without_bots": [0.1]})
    of_bots.draw_conversion(ax, day.assign(day_start=minute(0)))
    assert {"2.50 %", "10.00 %"} <= {text.get_text() for text in ax.texts}


def test_traffic_draws_people_and_bots(ax: Axes) -> None:
    rows = traffic(*((number, 3, 1, 0) for number in range(10)))
    charts.draw_traffic(ax, rows, charts.time_span(rows))
    assert len(ax.lines) == 2
    assert "25% of 36 events" in words(ax)
    assert "2026-03-01 10:00 to 10:08 UTC" in words(ax)


def test_the_range_starts_where_events_arrived_on_time() -> None:
    rows = traffic((-600, 5, 0, 5), (0, 100, 0, 0), (1, 100, 0, 3), (2, 100, 0, 0))
    assert charts.time_span(rows) == (minute(0), minute(2))


def test_an_imported_log_is_late_altogether_and_shown_whole() -> None:
    rows = traffic(*((number, 10, 0, 10) for number in range(0, 600, 10)))
    assert charts.time_span(rows) == (minute(0), minute(590))


def test_one_stray_early_event_does_not_squeeze_the_rest() -> None:
    rows = traffic((-1000, 1, 0, 1), *((number, 10, 0, 10) for number in range(60)))
    span = charts.time_span(rows)
    assert span is not None
    assert span[0] >= minute(0)


def test_no_traffic_has_no_range() -> None:
    assert charts.time_span(traffic()) is None


@pytest.mark.parametrize("days", [0.004, 0.1, 1, 30, 366, 4000])
def test_any_range_becomes_a_few_hundred_points_at_most(days: float) -> None:
    rows = traffic((0, 1, 0, 0), (days * 24 * 60, 2, 0, 0))
    steps, _ = charts.over_time(rows, (rows["window_start"].iloc[0], rows["window_start"].iloc[-1]))
    assert 1 < len(steps) <= 4001
    assert days > 300 or len(steps) <= charts.MOST_POINTS + 1


def test_a_long_label_keeps_both_ends() -> None:
    assert charts.shorten("abcdefghij", 7) == "abc…hij"
    assert charts.shorten("short") == "short"


def test_a_picture_appears_whole_and_a_failed_one_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "actions.png"
    save(lambda ax: charts.draw_no_data(ax, "nothing"), path)
    before = path.read_bytes()
    assert before.startswith(b"\x89PNG")

    def fail(_: Axes) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        save(fail, path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["actions.png"]
