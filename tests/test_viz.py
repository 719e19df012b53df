"""The pictures: one for each chart of the contract, drawn whole from the marts that it names, with data and without."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from drawings import CHART, ax, draw_chart, minute, traffic, words
from matplotlib.axes import Axes
from mirrors import Cell, Counts, count

from lake.contracts import CHARTS
from lake.settings import Settings
from marts.build import Marts, build
from viz.axes import draw_words
from viz.draw import PICTURES, draw, draw_all, draw_frames, save
from viz.marts import connect, read_all
from viz.span import MINUTE, ZONE

__all__ = ["ax"]

EMPTY = pd.DataFrame()
LONG_AGO = -7 * 365 * 24 * 60
"""In minutes."""
ROWS = {"bots": 0, "bot_requests": 4, "top_products": 1, "actions": 1}
KEYS = {"all": "all", "action": "view_product", "product": "p-1"}


def test_each_chart_of_the_contract_has_a_picture_and_no_other_has() -> None:
    names = [chart.name for chart in CHARTS]
    assert sorted(names) == sorted(PICTURES)
    assert len({chart.file_name for chart in CHARTS}) == len(names)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_a_chart_reads_the_marts_that_the_contract_says(chart: Any) -> None:
    marts = set(re.findall(r"marts\.(\w+)", PICTURES[chart.name].query))
    assert marts | {"traffic"} == set(chart.marts), "the traffic says which time all charts show"


@pytest.mark.parametrize("name", CHART)
def test_a_chart_without_rows_says_whether_there_is_traffic(name: str, ax: Axes) -> None:
    draw_chart(ax, name, EMPTY)
    assert words(ax).startswith(CHART[name].title)
    assert "none yet" in words(ax)
    ax.clear()
    draw(ax, CHART[name], EMPTY, None, pd.Timestamp.now(ZONE))
    assert words(ax).startswith(CHART[name].title)
    assert "no data yet" in words(ax)


def test_before_the_first_event_every_picture_is_drawn(tmp_path: Path) -> None:
    frames = dict.fromkeys(CHART, EMPTY) | {"traffic": traffic()}
    pictures = draw_frames(frames, None, tmp_path / "charts")
    assert [path.name for path in pictures] == [chart.file_name for chart in CHARTS]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_a_picture_appears_whole_and_a_failed_one_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "actions.png"
    save(lambda ax: draw_words(ax, "nothing"), path)
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
def visited(shop: Settings, marts: Marts) -> Settings:
    """The shop after two minutes, years apart, in which a person and a bot saw a product."""
    cells: dict[Cell, Counts] = {
        (dimension, minute(number), key, is_bot): {"events": views, "views": views}
        for number in (0, LONG_AGO)
        for is_bot, views in ((False, 8), (True, 3))
        for dimension, key in {**KEYS, "client": f"198.51.100.{views}"}.items()
    }
    count(shop, 1, cells)
    build(marts, shop)
    return shop


@pytest.mark.stack
def test_the_queries_read_the_marts_as_they_are(visited: Settings, tmp_path: Path) -> None:
    engine = connect(visited)
    with engine.connect() as connection:
        span, frames = read_all(connection, {name: picture.query for name, picture in PICTURES.items()})
    assert span is not None
    assert (span.first, span.newest, span.step) == (minute(LONG_AGO), minute(0), MINUTE)
    rows_of = {name: len(rows) for name, rows in frames.items()}
    assert rows_of == {name: ROWS.get(name, 2) for name in PICTURES}
    assert frames["traffic"].iloc[1].tolist() == [minute(0), 8, 3]
    assert frames["conversion"].iloc[1].tolist() == [minute(0).floor("D"), 11, 0, 8, 0]
    assert frames["bot_requests"]["events"].sum() == frames["actions"]["events"].sum() == 22
    assert len(draw_all(engine, tmp_path / "charts")) == len(CHARTS)
