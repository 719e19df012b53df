"""The stream of records of a shop: what is sent, and when. Pure: the same arguments give the same bytes.

Record n is due n / rate seconds after the start, so the rate holds exactly. The time of day changes only who comes: see
:data:`DAY_SWING` and :class:`ingest.shop.people.People`. :func:`records` makes the same traffic without waiting.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from itertools import cycle
from random import Random
from typing import NamedTuple

from ingest.files.identity import LineIds
from ingest.shop.bots import Bots
from ingest.shop.catalogue import USERS, Shop, awake
from ingest.shop.event import Client, Deed, new_id, render
from ingest.shop.garbage import KINDS, LINE_KINDS, spoil
from ingest.shop.incidents import Incident, Incidents
from ingest.shop.log_line import render_line
from ingest.shop.people import RECORDS_PER_CLICK, People
from ingest.shop.visitors import MAX_SESSIONS, SECONDS_BETWEEN_CLICKS

JSON, LOG = "json", "log"
FORMATS = (JSON, LOG)
LATE = 0.01
LATE_SECONDS = (5.0, 6 * 3600.0)
SENT_TWICE = 0.005
RESENT_AFTER_SECONDS = (0.1, 30.0)
GARBAGE = 0.001
NO_AGENT = 0.05
DAY_SWING = 0.25
"""Bots never sleep: their share rises by night and falls by day. Over a day it averages ``bots`` (0.2 goes from 0.16
in the evening to 0.24 before dawn)."""
USERS_PER_SESSION = 4


class Record(NamedTuple):
    """A record, who sent it, when it is due, and its id.

    Attributes:
        due: seconds since the start.
        value: the bytes that go to Kafka.
        client: who sent it; None for a second copy. ``client.kind`` is the truth, which is nowhere in the bytes.
        header: the Kafka header ``event_id`` of a log line, None for a JSON event, which carries its own.
    """

    due: float
    value: bytes
    client: Client | None
    header: bytes | None = None


def records(seconds: float, seed: int, rate: float, bots: float, record_format: str, epoch: float) -> Iterator[Record]:
    """Yield the records of so many seconds of traffic, as fast as they can be made.

    Args:
        seconds: how long the traffic goes on, in its own time.
        seed: the same seed gives the same records.
        rate: records per second.
        bots: share of the records that bots send, 0 to 1.
        record_format: ``json`` or ``log``, see :class:`Traffic`.
        epoch: when it starts, seconds since 1970; it also is the time of day.
    """
    traffic = Traffic(seed, rate, bots, epoch, record_format)
    return traffic.until(math.nextafter(seconds, 0.0), epoch)


class Traffic:
    """Records of a shop at ``rate`` per second, a share ``bots`` of them from bots.

    Args:
        seed: the same seed gives the same records.
        rate: records per second, assets, duplicates and garbage included.
        bots: share of the records that bots send, 0 to 1.
        day_starts_at: time of day (or any time) at the start, seconds since 1970; it sets the rhythm only.
        record_format: ``json``: events, and log lines for what an event cannot say; ``log``: log lines, in which
            browsers also fetch images, styles and scripts.
        incidents: what goes wrong meanwhile. They take records away from the rate, and a flood adds some.
    """

    def __init__(
        self,
        seed: int,
        rate: float,
        bots: float,
        day_starts_at: float,
        record_format: str = JSON,
        incidents: Sequence[Incident] = (),
    ) -> None:
        assert record_format in FORMATS, f"{record_format!r} is none of {FORMATS}"
        self._rng = Random(seed)
        self._rate = rate
        self._bots_share = bots
        self._day_starts_at = day_starts_at
        self._is_log = record_format == LOG
        people_per_second = rate * (1 - bots)
        shop = Shop(seed, _users(people_per_second / (RECORDS_PER_CLICK if self._is_log else 1)))
        without_agent = min(0.5, NO_AGENT / (1 - bots)) if bots < 1 else 0.0
        self._people = People(shop, self._rng, people_per_second, without_agent, with_assets=self._is_log)
        self._bots = Bots(shop, self._rng, with_assets=self._is_log)
        self._resends: list[tuple[float, int, bytes, bytes | None]] = []
        self._garbage_kinds = cycle(self._rng.sample(list(KINDS), len(KINDS)))
        self._line_garbage_kinds = cycle(self._rng.sample(list(LINE_KINDS), len(LINE_KINDS)))
        self._line_ids = LineIds()
        self._incidents = Incidents(shop, seed, incidents)
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
                _, _, value, header = heapq.heappop(self._resends)
                yield Record(due, value, None, header)
            else:
                for deed, happened in self._next_deeds(due):
                    yield self._record(deed, happened, due, epoch)

    def deeds(self, seconds: float) -> Iterator[tuple[Deed, float]]:
        """Yield what happens in so many seconds, and when; unlike records, nothing is late, spoiled or sent twice."""
        while (due := self.sent / self._rate) < seconds:
            self.sent += 1
            yield from self._next_deeds(due)

    def _next_deeds(self, due: float) -> Iterator[tuple[Deed, float]]:
        """Yield what happens next, and when: one deed, unless an incident takes it away or adds some."""
        rng = self._rng
        rhythm = awake(self._day_starts_at + due)
        bots = self._bots_share * (1 - DAY_SWING * (1 - self._bots_share) * rhythm)
        is_person = rng.random() >= bots
        if is_person:
            deed, happened = self._people.request(rng, due, rhythm), due
        else:
            deed, happened = self._bots.request(rng, due)
        present = self._incidents.at(due)
        if not present:
            yield deed, happened
            return
        changed = self._incidents.changed(deed, present, is_person)
        if changed is not None:
            yield changed, happened
        yield from ((more, due) for more in self._incidents.flood(present))

    def _record(self, deed: Deed, happened: float, due: float, epoch: float) -> Record:
        rng = self._rng
        luck = rng.random()
        if luck < LATE and happened == due:  # monitors, which come to the second, are never late
            happened -= _log_uniform(rng, LATE_SECONDS)
        epoch_ms = int((epoch + happened) * 1000)
        is_line = self._is_log or bool(deed.request)
        value = render_line(deed, rng, epoch_ms // 1000) if is_line else render(deed, new_id(rng), epoch_ms)
        is_garbage = 1 - SENT_TWICE - GARBAGE < luck <= 1 - SENT_TWICE
        if is_garbage:
            value = spoil(next(self._line_garbage_kinds if is_line else self._garbage_kinds), value, epoch_ms)
        header = self._line_ids.take(value, self.sent) if is_line else None
        if luck > 1 - SENT_TWICE:
            again = due + _log_uniform(rng, RESENT_AFTER_SECONDS)
            heapq.heappush(self._resends, (again, self.sent, value, header))
        return Record(due, value, deed.client, header)


def _users(clicks_per_second: float) -> int:
    """Return how many customers the shop has: so many that none of them is in it all the time."""
    sessions = min(MAX_SESSIONS, clicks_per_second * SECONDS_BETWEEN_CLICKS)
    return max(USERS, int(sessions * USERS_PER_SESSION))


def _log_uniform(rng: Random, bounds: tuple[float, float]) -> float:
    """Draw between the bounds, each order of magnitude as likely as the next."""
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))
