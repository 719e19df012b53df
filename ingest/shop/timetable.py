"""Clients that come at their own pace, whatever the rate of the traffic. Pure: time is an argument."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from random import Random
from typing import NamedTuple, TypeAlias

from ingest.shop.event import Deed

Life: TypeAlias = Iterator[tuple[Deed, float]]
"""What a client does: each deed, and how many seconds the client waits after it."""


class Turn(NamedTuple):
    """A deed, and when it happens: seconds since the start."""

    deed: Deed
    at: float


class Timetable:
    """When which client comes next. Offsets are seconds since the start, and never go backwards."""

    def __init__(self) -> None:
        self._next: list[tuple[float, int, Life, float]] = []

    def add(self, life: Life, first: float, every: float = 0.0) -> None:
        """Add a client, which first comes at ``first`` seconds.

        With ``every`` it comes every so many seconds, to the second, instead of waiting after each deed.
        """
        heapq.heappush(self._next, (first, len(self._next), life, every))

    def next(self, offset: float) -> Turn | None:
        """Return the next deed of the client that is due by ``offset``, None where nobody is due."""
        if not self._next or self._next[0][0] > offset:
            return None
        due, number, life, every = self._next[0]
        deed, wait = next(life)
        after = due + every * max(1, math.ceil((offset - due) / every)) if every else offset + wait
        heapq.heapreplace(self._next, (after, number, life, every))
        return Turn(deed, due if every else offset)


def paced(deeds: Iterator[Deed], rng: Random, seconds_between: tuple[float, float]) -> Life:
    """Give the deeds waits between the two bounds, in seconds."""
    for deed in deeds:
        yield deed, rng.uniform(*seconds_between)
