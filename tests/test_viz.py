"""The pictures: one for each chart of the contract, drawn whole from the marts that it names, with data and without."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from charts import CHART, ax, draw_chart, minute, traffic, words
from matplotlib.axes import Axes
from mirrors import Cell, Counts, count

from lake.contracts import CHARTS
from lake.settings import Settings
from marts.build import Marts
from stack.servers.migrations import migrate
from viz.axes import draw_no_data
from viz.draw import PICTURES, draw_all, draw_frames, save
from viz.marts import connect, read_all

__all__ = ["ax"]

EMPTY = pd.DataFrame()
KEYS = {"all": "all", "action": "view_product", "product": "p-1"}


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
    cells: dict[Cell, Counts] = {
        (dimension, minute(0), key, is_bot): {"events": views, "views": views}
        for is_bot, views in ((False, 8), (True, 3))
        for dimension, key in {**KEYS, "client": f"198.51.100.{views}"}.items()
    }
    count(settings, 1, cells)
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
