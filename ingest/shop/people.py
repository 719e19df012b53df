"""All people: visitors, those with many tabs, and what their browsers fetch. Pure: time is an argument."""

from __future__ import annotations

from random import Random

from ingest.shop.assets import Assets
from ingest.shop.catalogue import Shop
from ingest.shop.event import Deed
from ingest.shop.payments import Payments
from ingest.shop.tabs import CLICKS_PER_SECOND, FAST_HUMANS, PAUSE_SECONDS, fast_humans
from ingest.shop.timetable import Timetable
from ingest.shop.visitors import Visitors

RECORDS_PER_CLICK = 6.8
"""Log lines that a click makes on average, assets included."""
ASIDES, ASIDES_AMONG_EVENTS = 0.25, 0.03
"""See :class:`ingest.shop.visitors.Visitors`. Few among JSON events: no event can say them, so
each is a log line."""
FAST_SHARE = 0.15
"""People with many tabs make at most this share of the clicks: at a low rate they would leave room for nobody else."""


class People:
    """All people. Offsets are seconds since the start of the traffic, and never go backwards.

    Args:
        shop: what they visit.
        rng: everything is drawn from it.
        per_second: records that people send per second.
        without_agent: share of the visits that send no user agent.
        with_assets: whether browsers fetch what belongs to a page, as all traffic of a web server has it.
    """

    def __init__(
        self, shop: Shop, rng: Random, per_second: float, without_agent: float, with_assets: bool = False
    ) -> None:
        clicks_per_second = per_second / RECORDS_PER_CLICK if with_assets else per_second
        self._with_assets = with_assets
        self._assets = Assets()
        self._payments = Payments(rng)
        asides = ASIDES if with_assets else ASIDES_AMONG_EVENTS
        self._visitors = Visitors(shop, self._payments, clicks_per_second, without_agent, asides, with_assets)
        self._fast = Timetable()
        count = min(FAST_HUMANS, int(clicks_per_second * FAST_SHARE / CLICKS_PER_SECOND))
        for life in fast_humans(shop, rng, self._payments, count):
            self._fast.add(life, first=rng.uniform(0, PAUSE_SECONDS[0]))

    def request(self, rng: Random, offset: float, awake: float) -> Deed:
        """Return the next deed; ``offset`` in seconds, ``awake`` from :func:`ingest.shop.catalogue.awake`."""
        self._payments.now = offset
        if self._with_assets and (asset := self._assets.next(rng, offset)):
            return asset
        turn = self._fast.next(offset)
        deed = turn.deed if turn else self._visitors.click(rng, awake)
        if deed.assets and self._with_assets:
            self._assets.open(deed, rng, offset)
        return deed
