"""The shop: its products, its customers and its day. The pools come from a seed."""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from random import Random

from faker import Faker

from ingest.shop.event import Client

PRODUCTS = 300
RETIRED_PRODUCTS = 20
USERS = 4_000
USERS_PER_ADDRESS = 4 / 3
GUEST, GUESTS = "guest", 0.4
"""Share of customers who do not log in; as many of the bots that pose as browsers have no user's name."""
AGENTS = 120
OFFICES = 3
OFFICE_WORKERS = 30
HUMAN = "human"
OFFICE = "office"
CATEGORIES = ("shoes", "bags", "jackets", "shirts", "watches", "kitchen", "garden", "toys", "books", "audio", "lamps")
WORDS = ("red", "blue", "leather", "kids", "winter", "light", "cheap", "gift", "cotton", "large", "set", "wireless")

NOT_DRAWN = {10, 34, 35, 40, 64, 66, 72, 74, 77, 100, 127, 157, 169, 172, 192, 198, 203, 207}
"""First numbers of addresses that nobody draws: private ones, documentation's, and those of the true crawlers."""

HOURLY_RHYTHM = (
    *(-0.7, -0.9, -1.0, -1.0, -0.9, -0.8),  # 00 to 05 UTC: asleep
    *(-0.5, 0.0, 0.1, 0.2, 0.3, 0.4),  # 06 to 11
    *(0.5, 0.4, 0.2, 0.2, 0.2, 0.3),  # 12 to 17
    *(0.5, 0.8, 1.0, 0.9, 0.3, -0.5),  # 18 to 23: the evening is busiest
)
"""How awake people are, per hour of the day: -1 (night) to 1 (peak); the mean over the day is zero."""


class Shop:
    """The pools that a seed gives: the same seed, the same products, addresses and agents.

    Args:
        seed: what all pools are drawn from.
        users: how many customers there are.
    """

    def __init__(self, seed: int, users: int = USERS) -> None:
        rng = Random(f"shop {seed}")
        numbers = rng.sample(range(10_000, 99_999), PRODUCTS + RETIRED_PRODUCTS)
        self.products = [str(number) for number in numbers[:PRODUCTS]]
        self.retired_products = [str(number) for number in numbers[PRODUCTS:]]
        self._popularity = list(accumulate(1 / rank for rank in range(1, PRODUCTS + 1)))
        self.agents = _agents(rng, seed)
        self._users = users
        self._addresses = [public_address(rng) for _ in range(int(users / USERS_PER_ADDRESS))]
        self._customers: dict[int, tuple[Client, Client]] = {}
        self.offices = [self._office(rng) for _ in range(OFFICES)]
        self._seed = seed

    def product(self, rng: Random) -> str:
        """Draw a product: the n-th most popular one is seen 1/n as often as the first (Zipf)."""
        return self.products[bisect(self._popularity, rng.random() * self._popularity[-1])]

    def retired_product(self, rng: Random) -> str:
        """Draw a product that the shop no longer has: old links lead there, the answer is 404."""
        return self.retired_products[int(rng.random() * RETIRED_PRODUCTS)]

    def customer(self, rng: Random, without_agent: float) -> Client:
        """Draw a customer, who sends no user agent with probability ``without_agent``.

        Some share an address, as families do.
        """
        number = int(rng.random() * self._users)
        pair = self._customers.get(number)
        if pair is None:
            own = Random(f"customer {self._seed} {number}")
            address = self._addresses[number % len(self._addresses)]
            pair = self._customers[number] = self._person(own, address, HUMAN)
        return pair[rng.random() < without_agent]

    def worker(self, rng: Random, office: int, without_agent: float) -> Client:
        """Draw one of the people who share the address of an office (0 to :data:`OFFICES` - 1)."""
        return rng.choice(self.offices[office])[rng.random() < without_agent]

    def agent(self, rng: Random) -> str:
        """Draw a browser. Bots that pose as browsers say the same as people do."""
        return rng.choice(self.agents)

    def aside(self, rng: Random) -> str:
        """Draw the path of a page without a product: the start page, a category or a search."""
        luck = rng.random()
        if luck < 0.25:
            return "/"
        if luck < 0.70:
            page = int(rng.expovariate(1.0))
            return f"/category/{rng.choice(CATEGORIES)}{f'?page={page + 1}' if page else ''}"
        return self.search(rng)

    def search(self, rng: Random) -> str:
        """Draw the path of a search."""
        return f"/search?q={rng.choice(WORDS)}+{rng.choice(CATEGORIES)}"

    def _office(self, rng: Random) -> list[tuple[Client, Client]]:
        address = public_address(rng)
        return [self._person(rng, address, OFFICE) for _ in range(OFFICE_WORKERS)]

    def _person(self, rng: Random, address: str, kind: str) -> tuple[Client, Client]:
        """Make a person, with and without the agent."""
        user, agent = user_id(rng), self.agent(rng)
        return Client(address, user, agent, kind), Client(address, user, None, kind)


def user_id(rng: Random) -> str:
    """Draw a user id."""
    return GUEST if rng.random() < GUESTS else f"u{int(rng.random() * 1_000_000):06d}"


def public_address(rng: Random) -> str:
    """Draw a public IPv4 address."""
    first = rng.randint(1, 223)
    while first in NOT_DRAWN:
        first = rng.randint(1, 223)
    return f"{first}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def response_ms(rng: Random, typical: int) -> int:
    """Draw a response time around ``typical`` milliseconds, with a long tail: the page's, whoever asks for it."""
    return int(typical * (0.5 + rng.expovariate(1.0)))


def awake(epoch_seconds: float) -> float:
    """Return how awake people are at a time (seconds since 1970), -1 to 1. Constant within an hour."""
    return HOURLY_RHYTHM[int(epoch_seconds // 3600) % 24]


def _agents(rng: Random, seed: int) -> list[str]:
    faker = Faker("en_US")
    faker.seed_instance(seed)
    makers = (faker.chrome, faker.safari, faker.opera)
    agents = [makers[number % len(makers)]() for number in range(AGENTS)]
    agents += [f"Mozilla/5.0 (X11; Linux x86_64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0" for n in range(115, 146)]
    rng.shuffle(agents)
    return agents
