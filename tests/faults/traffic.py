"""Seeded messages, each with what it must count as, known from its making and not from reading it."""

from __future__ import annotations

import datetime as dt
import json
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

DAY = 86_400
REMEMBERED = 2_000
LATES = (5, 60, 3_600, DAY, 30 * DAY, 400 * DAY)
BAD_CLOCKS = ("a year ahead", "1970", "year 9999")


@dataclass(frozen=True)
class Fact:
    """What a good message says. ``event_id`` is None where its place in the topic is its identity; times in ms."""

    event_id: str | None
    occurred_ms: int
    action: str
    product: str | None
    client: str

    @property
    def window(self) -> int:
        """Start of its window, epoch seconds."""
        return self.occurred_ms // 10_000 * 10


@dataclass(frozen=True)
class Message:
    """A Kafka record to be sent; ``fact`` is None where it must count nowhere."""

    value: bytes | None
    fact: Fact | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Traffic:
    """An endless row of messages: events and log lines, on time and late, some sent again, some garbage."""

    def __init__(
        self,
        dice: random.Random,
        late: float = 0.1,
        again: float = 0.2,
        bad_clock: float = 0.001,
        garbage: float = 0.02,
    ) -> None:
        """Set the shares of messages that are late, sent again, from a sender with a bad clock, and garbage."""
        self._dice = dice
        self._late = late
        self._again = again
        self._bad_clock = bad_clock
        self._garbage = garbage
        self._run = f"{dice.getrandbits(48):x}"
        self._serial = 0
        self._earlier: deque[Message] = deque(maxlen=REMEMBERED)

    @classmethod
    def well(cls, dice: random.Random) -> Traffic:
        """Return traffic of which ``status`` has nothing to say."""
        return cls(dice, bad_clock=0, garbage=0.005)

    def __iter__(self) -> Iterator[Message]:
        while True:
            yield self._next()

    def _next(self) -> Message:
        if self._earlier and self._dice.random() < self._again:
            return self._dice.choice(self._earlier)
        self._serial += 1
        late = self._dice.choice(LATES) if self._dice.random() < self._late else 0
        chance = self._dice.random()
        if chance < self._bad_clock:
            return self._with_bad_clock()
        if chance < self._bad_clock + self._garbage:
            return Message(self._dice.randbytes(40) + b"\xff", None)
        fact = Fact(
            event_id=f"{self._run}-{self._serial}",
            occurred_ms=int((time.time() - late) * 1000) - self._dice.randrange(3_000),
            action=self._dice.choice(("view_product", "view_product", "add_to_cart", "checkout")),
            product=f"p-{self._dice.randrange(9)}",
            client=f"198.51.100.{self._dice.randrange(20)}",
        )
        message = event(fact) if self._dice.random() < 0.9 else log_line(fact)
        self._earlier.append(message)
        return message

    def _with_bad_clock(self) -> Message:
        now = time.time()
        stamps = {
            "a year ahead": iso(int((now + 366 * DAY) * 1000)),
            "1970": "1970-01-01T00:00:07Z",
            "year 9999": "9999-12-31T23:59:59Z",
        }
        fact = Fact(f"{self._run}-{self._serial}", 0, "view_product", "p-1", "198.51.100.1")
        return Message(event(fact, timestamp=stamps[self._dice.choice(BAD_CLOCKS)]).value, None)


def event(fact: Fact, **changes: object) -> Message:
    """Return a fact as a JSON event, with some fields changed."""
    fields = {
        "event_id": fact.event_id,
        "timestamp": iso(fact.occurred_ms),
        "ip_address": fact.client,
        "action": fact.action,
        "product_id": fact.product,
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0",
        "response_time": 0.125,
        "status_code": 200,
    }
    return Message(json.dumps({**fields, **changes}).encode(), fact)


def log_line(fact: Fact, hours: int = 0) -> Message:
    """Return a fact, but for its action, as a line of an access log with its id in the header: a product view.

    The server's clock is ``hours`` ahead of UTC.
    """
    seconds = fact.occurred_ms // 1000
    zone = dt.timezone(dt.timedelta(hours=hours))
    stamp = f"{dt.datetime.fromtimestamp(seconds, zone):%d/%b/%Y:%H:%M:%S %z}"
    line = f'{fact.client} - - [{stamp}] "GET /product/{fact.product} HTTP/1.1" 200 512 "-" "Mozilla/5.0 Firefox/131.0"'
    seen = Fact(fact.event_id, seconds * 1000, "view_product", fact.product, fact.client)
    return Message(line.encode(), seen, (("event_id", str(fact.event_id).encode()),))


def iso(milliseconds: int) -> str:
    """Return epoch milliseconds as ISO 8601, UTC."""
    moment = dt.datetime.fromtimestamp(milliseconds // 1000, dt.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
