"""A picture of a chart: its query, how to draw it, and what it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd


class Finding(NamedTuple):
    """What a drawn chart says.

    Attributes:
        text: what follows the chart's subject in its title; empty where the subject says it all.
        first: start of the time range that it shows.
        last: end of that range.
    """

    text: str
    first: pd.Timestamp
    last: pd.Timestamp


@dataclass(frozen=True)
class Picture:
    """How a chart comes to be.

    Attributes:
        query: SQL for its rows, no more than it shows. It may use ``:since``, a day before the newest traffic.
        draw: draws the rows on Axes; there is at least one.
        is_over_time: whether ``draw`` takes the range of the traffic as well, which it then shows.
    """

    query: str
    draw: Callable[..., Finding]
    is_over_time: bool = False
