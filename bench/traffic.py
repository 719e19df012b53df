"""The benchmark's own events: made up, with known truth, sharing no code with the streams."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

PRODUCTS = 200
ADDRESSES = 5_000
WINDOW_SECONDS = 10
EVENTS_PER_WINDOW = 50_000
"""Twenty windows per million."""

ACTIONS = {"view_product": 80, "add_to_cart": 14, "checkout": 6}
STATUSES = {200: 93, 404: 3, 500: 2, 503: 2}
NO_PRODUCT_SHARE = 0.02
NO_RESPONSE_TIME_SHARE = 0.02
BORROWED_AGENT_SHARE = 0.03
"""Share of events whose client uses another agent than its own, so that an address is at times bot and human."""

PEOPLE = (
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64) Firefox/128.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X) Safari/17",
    "Mozilla/5.0 (Android 14; Mobile) Firefox/128.0",
    "Opera/9.80 (Windows NT 6.1) Version/12.18",
)
BOTS = (
    "Mozilla/5.0 (compatible; SemrushBot/7)",
    "Mozilla/5.0 (compatible; PetalBot/1.0)",
    "Bot-Agent/1.0",
)


class Agent(NamedTuple):
    """A user agent as sent (None: none was sent), and whether we made it as a bot."""

    text: str | None
    is_bot: bool


AGENTS = (*(Agent(text, False) for text in PEOPLE * 3), *(Agent(text, True) for text in BOTS), Agent(None, False))


class Event(NamedTuple):
    """One event as we know it, its fields named as the columns of bronze; times in milliseconds."""

    event_id: str
    occurred_ms: int
    user_id: str
    ip_address: str
    action: str
    product_id: str | None
    agent: Agent
    response_ms: int | None
    status_code: int


class Shop:
    """The pools that events draw from; the same seed makes the same pools."""

    def __init__(self, seed: int) -> None:
        """Make products, popular and rare, and clients, each with an agent of its own."""
        rng = random.Random(seed)
        self.products = [str(10_000 + number) for number in rng.sample(range(90_000), PRODUCTS)]
        self.popularity = [1 / (rank + 5) for rank in range(PRODUCTS)]
        numbers = rng.sample(range(1, 2**24), ADDRESSES)
        addresses = [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in numbers]
        self.clients = [(address, f"user-{number:05d}", rng.choice(AGENTS)) for number, address in enumerate(addresses)]


def make_events(shop: Shop, rng: random.Random, times_ms: list[int]) -> Iterator[Event]:
    """Yield one event for each of the times."""
    count = len(times_ms)
    draws = zip(
        times_ms,
        rng.choices(shop.clients, k=count),
        rng.choices(list(ACTIONS), list(ACTIONS.values()), k=count),
        rng.choices(shop.products, shop.popularity, k=count),
        rng.choices(list(STATUSES), list(STATUSES.values()), k=count),
        strict=True,
    )
    for occurred_ms, (address, user_id, own_agent), action, product, status in draws:
        yield Event(
            event_id=str(uuid.UUID(int=rng.getrandbits(128))),
            occurred_ms=occurred_ms,
            user_id=user_id,
            ip_address=address,
            action=action,
            product_id=None if rng.random() < NO_PRODUCT_SHARE else product,
            agent=rng.choice(AGENTS) if rng.random() < BORROWED_AGENT_SHARE else own_agent,
            response_ms=None if rng.random() < NO_RESPONSE_TIME_SHARE else int(rng.expovariate(0.01)) + 1,
            status_code=status,
        )


def times_in_window(rng: random.Random, window_start: int, count: int) -> list[int]:
    """Return ``count`` times (epoch milliseconds) in order within the ten seconds from ``window_start`` (seconds)."""
    return sorted(window_start * 1000 + rng.randrange(WINDOW_SECONDS * 1000) for _ in range(count))


def encode(event: Event) -> bytes:
    """Return the event's JSON, about 270 bytes. The texts that we make need no escapes."""
    second, millisecond = divmod(event.occurred_ms, 1000)
    response = "null" if event.response_ms is None else f"{event.response_ms / 1000:.3f}"
    return (
        f'{{"event_id":"{event.event_id}","timestamp":"{_second_text(second)}.{millisecond:03d}Z",'
        f'"user_id":"{event.user_id}","ip_address":"{event.ip_address}","action":"{event.action}",'
        f'"product_id":{_text(event.product_id)},"user_agent":{_text(event.agent.text)},'
        f'"response_time":{response},"status_code":{event.status_code}}}'
    ).encode()


def _text(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'


@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
