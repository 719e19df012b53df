"""The charts of bots: what they draw and say of suspects and of the requests of each class."""

from __future__ import annotations

import pandas as pd
from charts import ax, bots_over_time, draw_chart, minute, values, words
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from viz.bots import CLASSES, OTHER_CLASS

__all__ = ["ax"]


def suspects(*rows: tuple[str, str, bool, int, list[str], list[int]]) -> pd.DataFrame:
    """(ip_address, class, is_convicted, requests, reasons, points)"""
    names = ["ip_address", "class", "is_convicted", "requests", "reasons", "points"]
    frame = pd.DataFrame(list(rows), columns=names)
    frame["score"] = [sum(row[-1]) for row in rows]
    frame["verdict"], frame["verdict_reason"] = None, None
    frame[["bots", "first_seen_at", "last_seen_at"]] = len(rows), minute(0), minute(90)
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


def test_bots_of_the_unfinished_step_alone_are_drawn(ax: Axes) -> None:
    draw_chart(ax, "bot_requests", bots_over_time((20, "tool", 4)), (minute(0), minute(21)))
    assert values(ax) == {"tool (4)": [0, 0, 0, 0, 4]}
