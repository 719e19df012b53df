"""The shop: its products, its customers and its day. Faker builds the pools once, from a seed."""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from random import Random

from faker import Faker

from ingest.event import Client

PRODUCTS = 300
RETIRED_PRODUCTS = 20
USERS = 4_000
ADDRESSES = 3_000
AGENTS = 120
HUMAN = "human"

HOURLY_RHYTHM = (
    *(-0.7, -0.9, -1.0, -1.0, -0.9, -0.8),  # 00 to 05 UTC: asleep
    *(-0.5, 0.0, 0.1, 0.2, 0.3, 0.4),  # 06 to 11
    *(0.5, 0.4, 0.2, 0.2, 0.2, 0.3),  # 12 to 17
    *(0.5, 0.8, 1.0, 0.9, 0.3, -0.5),  # 18 to 23: the evening is busiest
)
"""How awake people are, per hour of the day: -1 (night) to 1 (peak); the mean over the day is zero."""


class Shop:
    """The pools that a seed gives: the same seed, the same products, addresses and agents."""

    def __init__(self, seed: int) -> None:
        rng = Random(f"shop {seed}")
        numbers = rng.sample(range(10_000, 99_999), PRODUCTS + RETIRED_PRODUCTS)
        self.products = [str(number) for number in numbers[:PRODUCTS]]
        self.retired_products = [str(number) for number in numbers[PRODUCTS:]]
        self._popularity = list(accumulate(1 / rank for rank in range(1, PRODUCTS + 1)))
        self._customers = _customers(rng, seed)

    def product(self, rng: Random) -> str:
        """Draw a product: the n-th most popular one is seen 1/n as often as the first (Zipf)."""
        return self.products[bisect(self._popularity, rng.random() * self._popularity[-1])]

    def retired_product(self, rng: Random) -> str:
        """Draw a product that the shop no longer has: old links lead there, the answer is 404."""
        return self.retired_products[int(rng.random() * RETIRED_PRODUCTS)]

    def customer(self, rng: Random, without_agent: float) -> Client:
        """Draw a customer, who sends no user agent with probability ``without_agent``."""
        known, anonymous = self._customers[int(rng.random() * USERS)]
        return anonymous if rng.random() < without_agent else known


def awake(epoch_seconds: float) -> float:
    """Return how awake people are at a time (seconds since 1970), -1 to 1. Constant within an hour."""
    return HOURLY_RHYTHM[int(epoch_seconds // 3600) % 24]


def _customers(rng: Random, seed: int) -> list[tuple[Client, Client]]:
    """Make the users, each with and without the agent; some share an address, as families and offices do."""
    faker = Faker("en_US")
    faker.seed_instance(seed)
    addresses = [faker.ipv4_public() for _ in range(ADDRESSES)]
    makers = (faker.chrome, faker.safari, faker.opera)
    agents = [makers[number % len(makers)]() for number in range(AGENTS)]
    agents += [f"Mozilla/5.0 (X11; Linux x86_64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0" for n in range(115, 146)]
    customers = []
    for number in range(USERS):
        address = addresses[number % ADDRESSES]
        user_id = f"u{number:05d}"
        agent = rng.choice(agents)
        customers.append((Client(address, user_id, agent, HUMAN), Client(address, user_id, None, HUMAN)))
    return customers
