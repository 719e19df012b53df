"""The bots that visit the shop, each kind with its own habits. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from ingest.event import Client, Deed
from ingest.shop import Shop
from lake.contracts import CHECKOUT, VIEW

HAMMER = "hammer"
CRAWLER = "crawler"
SCRAPER = "scraper"
WALKER = "walker"
CARD_TESTER = "card_tester"

_WINDOWS, _MAC = "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"
_CHROME = f"Mozilla/5.0 ({_WINDOWS}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
_SAFARI = f"Mozilla/5.0 ({_MAC}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15"
_FIREFOX = f"Mozilla/5.0 ({_WINDOWS}; rv:133.0) Gecko/20100101 Firefox/133.0"
_GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
_BING = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"

CLIENTS = (
    Client("192.168.1.100", "guest", "Bot-Agent/1.0", HAMMER),
    Client("66.249.66.1", "guest", _GOOGLE, CRAWLER),
    Client("66.249.66.2", "guest", _GOOGLE, CRAWLER),
    Client("40.77.167.12", "guest", _BING, CRAWLER),
    Client("45.155.205.10", "u90001", _CHROME, SCRAPER),
    Client("45.155.205.11", "u90002", _FIREFOX, SCRAPER),
    Client("51.81.46.212", "u90003", _SAFARI, WALKER),
    Client("185.220.101.34", "u90004", _CHROME, CARD_TESTER),
)
"""Stable addresses, the same for every seed. Only the crawlers and the hammer say what they are."""

DECLINED, PAID = 402, 200


@dataclass(frozen=True)
class Habit:
    """How often a kind comes (its weight among the bots) and, at any rate, how long it waits between two requests."""

    weight: float
    seconds_between: tuple[float, float] = (0.0, 0.0)


HABITS = {
    HAMMER: Habit(0.40),
    SCRAPER: Habit(0.27),
    CRAWLER: Habit(0.20),
    CARD_TESTER: Habit(0.09, (0.4, 2.0)),
    WALKER: Habit(0.04, (3.0, 8.0)),
}
"""A kind whose turn comes before it has waited leaves its turn to the hammer: slow bots stay slow at any rate."""


class Bots:
    """All bots. Offsets are seconds since the start of the traffic, and never go backwards."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._kinds = list(HABITS)
        self._weights = list(accumulate(habit.weight for habit in HABITS.values()))
        self._clients = {kind: [client for client in CLIENTS if client.kind == kind] for kind in HABITS}
        self._rests_until = dict.fromkeys(HABITS, 0.0)
        self._places = dict.fromkeys(HABITS, 0)
        self._catalogue = sorted(shop.products)
        self._deeds: dict[str, Callable[[Client, Random], Deed]] = {
            HAMMER: self._hammer,
            SCRAPER: self._scrape,
            CRAWLER: self._crawl,
            CARD_TESTER: self._test_card,
            WALKER: self._walk,
        }

    def request(self, rng: Random, offset: float) -> Deed:
        """Return the next deed of some bot; ``offset`` in seconds since the start."""
        kind = rng.choices(self._kinds, cum_weights=self._weights)[0]
        if offset < self._rests_until[kind]:
            kind = HAMMER
        self._rests_until[kind] = offset + rng.uniform(*HABITS[kind].seconds_between)
        return self._deeds[kind](rng.choice(self._clients[kind]), rng)

    def _hammer(self, client: Client, rng: Random) -> Deed:
        """One popular product after the other, far faster than anyone reads."""
        status_code = 200 if rng.random() < 0.97 else 429
        return Deed(client, VIEW, self._shop.product(rng), status_code, rng.randint(15, 120))

    def _scrape(self, client: Client, rng: Random) -> Deed:
        """The catalogue at random, popular or not: it wants every price."""
        return Deed(client, VIEW, rng.choice(self._catalogue), 200, rng.randint(30, 90))

    def _crawl(self, client: Client, rng: Random) -> Deed:
        """The catalogue in order, and old links that lead nowhere."""
        if rng.random() < 0.05:
            return Deed(client, VIEW, self._shop.retired_product(rng), 404, rng.randint(10, 40))
        return Deed(client, VIEW, self._next_page(CRAWLER), 200, rng.randint(40, 200))

    def _walk(self, client: Client, rng: Random) -> Deed:
        """The catalogue in order, slowly: no rate gives it away, only that it never skips, never buys."""
        return Deed(client, VIEW, self._next_page(WALKER), 200, rng.randint(40, 200))

    def _test_card(self, client: Client, rng: Random) -> Deed:
        """Checkouts of one cheap product with stolen cards: nearly all are declined, some break the payment."""
        luck = rng.random()
        status_code = DECLINED if luck < 0.90 else 500 if luck < 0.97 else PAID
        return Deed(client, CHECKOUT, self._catalogue[-1], status_code, rng.randint(200, 900))

    def _next_page(self, kind: str) -> str:
        self._places[kind] = (self._places[kind] + 1) % len(self._catalogue)
        return self._catalogue[self._places[kind]]
