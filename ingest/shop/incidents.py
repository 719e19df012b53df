"""What goes wrong in the shop, and when: labelled, so that alerts can be judged by it. Pure: time is an argument.

Nights and weekends are in it too, because nobody is to be woken by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from ingest.shop.catalogue import Shop, public_address
from ingest.shop.event import Client, Deed
from ingest.shop.habits import hammer
from ingest.shop.robots import HAMMER
from lake.contracts import CHECKOUT, VIEW
from lake.errors import SettingsError

OUTAGE, PROVIDER_DOWN, BREAKDOWN = "outage", "provider_down", "breakdown"
FLOOD, VIRAL, SLOW_CHECKOUT = "flood", "viral", "slow_checkout"
NIGHT, WEEKEND = "night", "weekend"
KINDS = (OUTAGE, PROVIDER_DOWN, BREAKDOWN, FLOOD, VIRAL, SLOW_CHECKOUT, NIGHT, WEEKEND)
"""Nothing arrives; payments fail; the server fails; bots come in numbers; everybody looks at one product; a checkout
takes long; few people come; fewer people come."""
PEOPLE_AWAY = {NIGHT: 0.9, WEEKEND: 0.5}
"""The share of people's requests that are not made."""
PAYMENTS_LOST, PAGES_BROKEN, VIRAL_VIEWS = 0.95, 0.3, 0.5
SLOWER = 8
FLOOD_RECORDS = 2
"""So many requests of the flood come with each record of the usual traffic."""
WRITTEN = re.compile(r"(?P<kind>[a-z_]+)@(?P<starts>\d{1,9})\+(?P<seconds>\d{1,9})", re.ASCII)


class Incident(NamedTuple):
    """One incident: its kind, when it starts (seconds since the start of the traffic), and how long it lasts."""

    kind: str
    starts: float
    seconds: float

    @property
    def ends(self) -> float:
        """When it is over, seconds since the start of the traffic."""
        return self.starts + self.seconds

    @classmethod
    def of(cls, text: str) -> Incident:
        """Read ``provider_down@120+600``: from the 120th second on, for 600 seconds.

        Raises:
            SettingsError: it is none.
        """
        match = WRITTEN.fullmatch(text)
        if match is None or match["kind"] not in KINDS:
            raise SettingsError(
                f"--incident {text!r} is none; write kind@start+seconds, such as {OUTAGE}@120+600, with one of "
                f"{', '.join(KINDS)}"
            )
        return cls(match["kind"], float(match["starts"]), float(match["seconds"]))


class Incidents:
    """Some incidents, which change what clients do and how the shop answers.

    Args:
        shop: where they happen.
        seed: what is drawn for them is drawn from it, and nothing else's draws change.
        incidents: which; they may overlap.
    """

    def __init__(self, shop: Shop, seed: int, incidents: Sequence[Incident] = ()) -> None:
        self._shop = shop
        self._rng = Random(f"incidents {seed}")
        self._waiting = sorted(incidents, key=lambda one: one.starts, reverse=True)
        self._present: list[Incident] = []
        self._viral_product = self._rng.choice(shop.products[50:])
        client = Client(public_address(self._rng), "guest", shop.agent(self._rng), HAMMER)
        self._flood = hammer(shop, client, self._rng)

    def at(self, due: float) -> frozenset[str]:
        """Return the kinds of the incidents at a time (seconds since the start), which never goes backwards."""
        while self._waiting and self._waiting[-1].starts <= due:
            self._present.append(self._waiting.pop())
        if self._present and any(one.ends <= due for one in self._present):
            self._present = [one for one in self._present if one.ends > due]
        return frozenset(one.kind for one in self._present) if self._present else frozenset()

    def changed(self, deed: Deed, present: frozenset[str], is_person: bool) -> Deed | None:
        """Return a deed as it happens in these incidents; None where it does not happen, or nobody writes it down."""
        rng = self._rng
        if OUTAGE in present or any(
            is_person and kind in present and rng.random() < away for kind, away in PEOPLE_AWAY.items()
        ):
            return None
        if deed.action == CHECKOUT:
            if PROVIDER_DOWN in present and rng.random() < PAYMENTS_LOST:
                deed = deed._replace(status_code=503)
            if SLOW_CHECKOUT in present:
                deed = deed._replace(response_ms=deed.response_ms * SLOWER)
        if VIRAL in present and is_person and deed.action == VIEW and rng.random() < VIRAL_VIEWS:
            deed = deed._replace(product_id=self._viral_product)
        if BREAKDOWN in present and rng.random() < PAGES_BROKEN:
            deed = deed._replace(status_code=500)
        return deed

    def flood(self, present: frozenset[str]) -> Iterator[Deed]:
        """Yield the flood's requests that come with one record of the usual traffic."""
        if FLOOD in present and OUTAGE not in present:
            for _ in range(FLOOD_RECORDS):
                yield next(self._flood)
