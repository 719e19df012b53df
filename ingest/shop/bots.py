"""The bots that visit the shop: which comes when. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from random import Random

from ingest.shop import habits
from ingest.shop.assets import Assets
from ingest.shop.catalogue import Shop
from ingest.shop.event import Client, Deed
from ingest.shop.robots import (
    CARD_TESTER,
    CRAWLER,
    HAMMER,
    IMPOSTOR,
    LOGIN_HAMMERER,
    MONITOR,
    POLITE_CRAWLER,
    PROBER,
    ROTATING,
    SCRAPER,
    WALKER,
    Rotation,
    draw_clients,
)
from ingest.shop.timetable import Timetable, Turn, paced

WEIGHTS = {HAMMER: (0.45, 0.08, 0.08), SCRAPER: (0.06,) * 4, CRAWLER: (0.05,) * 3}
"""The fast kinds, which come as often as the rate of the traffic allows; a weight for each client."""

SECONDS_BETWEEN = {
    WALKER: (3.0, 8.0),
    CARD_TESTER: (1.0, 6.0),
    POLITE_CRAWLER: (6.0, 14.0),
    IMPOSTOR: (2.0, 9.0),
    LOGIN_HAMMERER: (1.0, 6.0),
    PROBER: (2.0, 10.0),
    ROTATING: (0.8, 2.5),
}
"""How long each client of a slow kind waits between two requests, at any rate."""

MONITOR_SECONDS = 60
SLOW_TURNS = 0.6
"""At most this share of the turns goes to the slow bots, so that at a low rate the others have turns too. Monitors are
not counted: they always come on time."""


class Bots:
    """All bots. Offsets are seconds since the start of the traffic, and never go backwards.

    Args:
        shop: what they visit.
        rng: everything is drawn from it.
        with_assets: whether those that are browsers fetch what belongs to a page.
    """

    def __init__(self, shop: Shop, rng: Random, with_assets: bool = False) -> None:
        clients = draw_clients(shop, rng)
        self._with_assets = with_assets
        self._assets = Assets()
        self._fast = _fast(shop, rng, clients)
        weights = [weight for kind in WEIGHTS for weight in WEIGHTS[kind]]
        self._weights = list(accumulate(weights))
        self._slow, self._monitors = Timetable(), Timetable()
        for kind, deeds in _slow(shop, rng, clients):
            pace = SECONDS_BETWEEN[kind]
            self._slow.add(paced(deeds, rng, pace), first=rng.uniform(0, pace[1]))
        for client in clients[MONITOR]:
            life = paced(habits.watch(client, rng), rng, (0.0, 0.0))
            self._monitors.add(life, first=rng.randrange(MONITOR_SECONDS), every=MONITOR_SECONDS)

    def request(self, rng: Random, offset: float) -> Turn:
        """Return the next deed of some bot; ``offset`` in seconds since the start."""
        if turn := self._monitors.next(offset):
            return turn
        if rng.random() < SLOW_TURNS and (turn := self._slow.next(offset)):
            return turn
        if self._with_assets and (asset := self._assets.next(rng, offset)):
            return Turn(asset, offset)
        deed = next(rng.choices(self._fast, cum_weights=self._weights)[0])
        if deed.assets and self._with_assets:
            self._assets.open(deed, rng, offset)
        return Turn(deed, offset)


def _fast(shop: Shop, rng: Random, clients: dict[str, list[Client]]) -> list[Iterator[Deed]]:
    """Return what the fast kinds do, in the order of :data:`WEIGHTS`."""
    return [
        *(habits.hammer(shop, client, rng) for client in clients[HAMMER]),
        *(
            habits.scrape(shop, client, rng, is_headless=number % 2 == 1)
            for number, client in enumerate(clients[SCRAPER])
        ),
        *(habits.crawl(shop, client, rng) for client in clients[CRAWLER]),
    ]


def _slow(shop: Shop, rng: Random, clients: dict[str, list[Client]]) -> Iterator[tuple[str, Iterator[Deed]]]:
    """Yield kind and deeds of each slow client."""
    in_shop = {
        WALKER: habits.walk,
        CARD_TESTER: habits.try_cards,
        POLITE_CRAWLER: habits.crawl_politely,
        IMPOSTOR: habits.impersonate,
    }
    at_door = {LOGIN_HAMMERER: habits.hammer_login, PROBER: habits.probe}
    for kind, visit in in_shop.items():
        for client in clients[kind]:
            yield kind, visit(shop, client, rng)
    for kind, knock in at_door.items():
        for client in clients[kind]:
            yield kind, knock(client, rng)
    yield ROTATING, habits.rotate(shop, Rotation(shop, rng), rng)
