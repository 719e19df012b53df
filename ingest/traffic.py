"""The stream of records of a shop: what is sent, and when. Pure: the same arguments give the same bytes.

Record n is due n / rate seconds after the start, so the rate holds exactly. What a day changes is who comes: see
:data:`DAY_SWING` and :class:`ingest.visitors.Visitors`.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from itertools import cycle
from random import Random
from typing import NamedTuple

from ingest.bots import Bots
from ingest.event import Client, new_id, render
from ingest.garbage import KINDS, spoil
from ingest.payments import Payments
from ingest.shop import Shop, awake
from ingest.visitors import Visitors

LATE = 0.01
LATE_SECONDS = (5.0, 6 * 3600.0)
SENT_TWICE = 0.005
RESENT_AFTER_SECONDS = (0.1, 30.0)
GARBAGE = 0.001
NO_AGENT = 0.05
DAY_SWING = 0.25
"""Bots never sleep: by night their share rises, by day it falls. Over a day it averages ``bots`` (0.2 goes from 0.16
in the evening to 0.24 before dawn)."""


class Record(NamedTuple):
    """A record, who sent it (None for a second copy), and when it is due (seconds since the start)."""

    due: float
    value: bytes
    client: Client | None


class Traffic:
    """Records of a shop at ``rate`` per second, a share ``bots`` of them from bots.

    Args:
        seed: the same seed gives the same records.
        rate: records per second, duplicates and garbage included.
        bots: share of the events that bots send, 0 to 1.
        day_starts_at: time of day (or any time) at the start, seconds since 1970; it sets the rhythm only.
    """

    def __init__(self, seed: int, rate: float, bots: float, day_starts_at: float) -> None:
        self._rng = Random(seed)
        self._rate = rate
        self._bots_share = bots
        self._day_starts_at = day_starts_at
        shop = Shop(seed)
        without_agent = min(0.5, NO_AGENT / (1 - bots)) if bots < 1 else 0.0
        payments = Payments(self._rng)
        self._visitors = Visitors(shop, payments, rate * (1 - bots), without_agent)
        self._bots = Bots(shop)
        self._resends: list[tuple[float, int, bytes]] = []
        self._garbage_kinds = cycle(self._rng.sample(list(KINDS), len(KINDS)))
        self.sent = 0

    @property
    def next_due(self) -> float:
        """When the next record is due, in seconds since the start."""
        return self.sent / self._rate

    def until(self, offset: float, epoch: float, limit: float = math.inf) -> Iterator[Record]:
        """Yield the records due up to ``offset`` seconds after the start that were not yielded before.

        Args:
            offset: seconds since the start of the traffic.
            epoch: the start of the traffic, seconds since 1970; event times are counted from it.
            limit: stop before this record number, counted from the start of the traffic.
        """
        while self.sent < limit and (due := self.sent / self._rate) <= offset:
            self.sent += 1
            if self._resends and self._resends[0][0] <= due:
                yield Record(due, heapq.heappop(self._resends)[2], None)
            else:
                yield self._new_record(due, epoch)

    def _new_record(self, due: float, epoch: float) -> Record:
        rng = self._rng
        rhythm = awake(self._day_starts_at + due)
        bots = self._bots_share * (1 - DAY_SWING * (1 - self._bots_share) * rhythm)
        deed = self._bots.request(rng, due) if rng.random() < bots else self._visitors.click(rng, due, rhythm)
        luck = rng.random()
        happened = due - _log_uniform(rng, LATE_SECONDS) if luck < LATE else due
        epoch_ms = int((epoch + happened) * 1000)
        value = render(deed, new_id(rng), epoch_ms)
        if luck > 1 - SENT_TWICE:
            heapq.heappush(self._resends, (due + _log_uniform(rng, RESENT_AFTER_SECONDS), self.sent, value))
        elif luck > 1 - SENT_TWICE - GARBAGE:
            value = spoil(next(self._garbage_kinds), value, epoch_ms)
        return Record(due, value, deed.client)


def _log_uniform(rng: Random, bounds: tuple[float, float]) -> float:
    """Draw between the bounds, each order of magnitude as likely as the next."""
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))
