"""The charts: what they draw, and that they draw on with little or odd data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import psycopg2
import pytest

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.dates import num2date
from matplotlib.patches import StepPatch
from psycopg2 import sql

from lake.contracts import CHARTS, MEASURES, MIRROR, names
from lake.settings import Settings
from marts.build import Marts
from stack.servers.migrations import migrate
from viz.axes import draw_no_data, shorten, time_range
from viz.bots import CLASSES, OTHER_CLASS
from viz.draw import PICTURES, STYLE, draw, draw_all, draw_frames, save
from viz.marts import connect, read_all
from viz.shop import action_colours
from viz.timeline import MOST_STEPS, Span, over_time, time_span

T0 = datetime(2026, 3, 1, 10, 0, tzinfo=timezone.utc)
EMPTY = pd.DataFrame()
KEYS = {"all": "all", "action": "view_product", "product": "p-1"}
CHART = {chart.name: chart for chart in CHARTS}


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
    frame["verdict"], frame["verdict_reason"] = None, None
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


def bots_over_time(*rows: tuple[float, str, int]) -> pd.DataFrame:
    """(minute, class, requests)"""
    frame = pd.DataFrame(list(rows), columns=["window_start", "class", "requests"])
    frame["window_start"] = pd.to_datetime([minute(row[0]) for row in rows], utc=True)
    return frame


def time_limits(ax: Axes) -> tuple[datetime, datetime]:
    left, right = (num2date(number) for number in ax.get_xlim())  # type: ignore[no-untyped-call]
    return left, right


def steps(ax: Axes) -> dict[str, StepPatch]:
    """What is drawn over time and has a label -> its steps."""
    return {str(patch.get_label()): patch for patch in ax.patches if isinstance(patch, StepPatch) and patch.get_label()}


def values(ax: Axes) -> dict[str, list[float]]:
    return {label: [float(value) for value in patch.get_data()[0]] for label, patch in steps(ax).items()}


def draw_chart(ax: Axes, name: str, rows: pd.DataFrame, span: Span | None = None) -> None:
    draw(ax, CHART[name], rows, span)


def test_each_chart_of_the_contract_has_a_picture_and_no_other_has() -> None:
    names = [chart.name for chart in CHARTS]
    assert sorted(names) == sorted(PICTURES)
    assert len({chart.file_name for chart in CHARTS}) == len(names)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_a_chart_reads_the_marts_that_the_contract_says(chart: Any) -> None:
    marts = set(re.findall(r"marts\.(\w+)", PICTURES[chart.name].query))
    assert marts | ({"traffic"} if PICTURES[chart.name].is_over_time else set()) == set(chart.marts)


@pytest.mark.parametrize("name", CHART)
def test_an_empty_mart_draws_no_data_yet(name: str, ax: Axes) -> None:
    draw_chart(ax, name, EMPTY, (minute(0), minute(9)))
    assert "no data yet" in words(ax)
    assert CHART[name].title in words(ax)


def test_before_the_first_event_every_picture_is_drawn(tmp_path: Path) -> None:
    frames = dict.fromkeys(CHART, EMPTY) | {"traffic": traffic()}
    pictures = draw_frames(frames, tmp_path / "charts")
    assert [path.name for path in pictures] == [chart.file_name for chart in CHARTS]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


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


def test_bots_of_the_unfinished_step_alone_are_drawn(ax: Axes) -> None:
    draw_chart(ax, "bot_requests", bots_over_time((20, "tool", 4)), (minute(0), minute(21)))
    assert values(ax) == {"tool (4)": [0, 0, 0, 0, 4]}


def test_traffic_of_bots_alone_is_drawn(ax: Axes) -> None:
    rows = traffic((0, 0, 600, 0))
    draw_chart(ax, "traffic", rows, time_span(rows))
    assert values(ax) == {"people": [0], "bots": [600]}
    assert "100% of 600 events" in words(ax)


def test_one_bar_is_no_thicker_than_one_of_six(ax: Axes) -> None:
    products = pd.DataFrame({"product_id": ["p1"], "human_views": [1], "bot_views": [0]})
    draw_chart(ax, "top_products", products.assign(first_seen_at=minute(0), last_seen_at=minute(0)))
    ax.figure.canvas.draw()
    assert 0 < ax.patches[0].get_window_extent().height < ax.bbox.height / 6
    assert "2026-03-01 10:00 UTC" in words(ax)


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


def test_the_legend_of_many_classes_fits_below_the_bars(ax: Axes) -> None:
    rows = suspects(*((name, name, True, 9, ["no_assets"], [100]) for name in CLASSES))
    draw_chart(ax, "bots", rows)
    ax.figure.canvas.draw()
    legend = ax.figure.legends[0].get_window_extent()
    assert 0 <= legend.x0 < legend.x1 <= ax.figure.bbox.width


def test_requests_of_bots_are_stacked_by_class(ax: Axes) -> None:
    rows = bots_over_time((0, "scraper", 5), (0, "tool", 1), (10, "scraper", 7))
    draw_chart(ax, "bot_requests", rows, (minute(0), minute(20)))
    assert "13" in words(ax)
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["scraper (12)", "tool (1)"]
    assert values(ax)["tool (1)"] == [6, 0, 7, 0]
    assert ax.get_ylabel() == "requests per 5 minutes"


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


def test_a_picture_appears_whole_and_a_failed_one_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "actions.png"
    save(lambda ax: draw_no_data(ax, "nothing"), path)
    before = path.read_bytes()
    assert before.startswith(b"\x89PNG")

    def fail(_: Axes) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        save(fail, path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["actions.png"]


# --- On a real PostgreSQL


@pytest.fixture
def marts(stack_settings: Settings, tmp_path: Path) -> Settings:
    """Marts in a database of their own, of a minute in which a person and a bot looked at a product."""
    settings = replace(stack_settings, data=tmp_path, postgres_database="charts")
    migrate(settings)
    columns = names(MIRROR)
    insert = sql.SQL("insert into silver.window_counts ({}) values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(map(sql.Placeholder, columns))
    )
    with closing(psycopg2.connect(settings.postgres_dsn("owner"))) as database, database, database.cursor() as cursor:
        for is_bot, views in ((False, 8), (True, 3)):
            counts = dict.fromkeys(names(MEASURES), 0) | {"events": views, "views": views}
            for dimension, key in {**KEYS, "client": f"198.51.100.{views}"}.items():
                cell = {"dimension": dimension, "window_start": minute(0), "key": key, "is_bot": is_bot, "version": 1}
                cursor.execute(insert, cell | counts)
        cursor.execute("insert into silver.bookmark values (1, 'a', now(), now())")
    Marts(settings).run()
    return settings


@pytest.mark.stack
def test_the_queries_read_the_marts_as_they_are(marts: Settings, tmp_path: Path) -> None:
    engine = connect(marts)
    with engine.connect() as connection:
        frames = read_all(connection, {name: picture.query for name, picture in PICTURES.items()})
    rows_of = {name: len(rows) for name, rows in frames.items()}
    assert rows_of == {name: 0 if name == "bots" else 1 for name in PICTURES}
    assert frames["traffic"].iloc[0].tolist() == [minute(0), 8, 3, 0]
    assert len(draw_all(engine, tmp_path / "charts")) == len(CHARTS)
