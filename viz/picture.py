"""A picture of a chart: its query, and how to draw it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """How a chart comes to be.

    Attributes:
        query: SQL for its rows, no more than it shows. It may use ``:step``, the width of a step of time.
        draw: draws the rows on Axes, and returns what follows the chart's subject in its title; there is at least
            one row.
        is_over_time: whether ``draw`` takes the span of the run as well.
    """

    query: str
    draw: Callable[..., str]
    is_over_time: bool = False
