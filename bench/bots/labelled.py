"""Labelled traffic for judging the detector of bots: records on one side, the truth on the other."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bench.bots.look_alikes import ADMIN, APP_USER, CROWD, PRECONNECTOR, look_alikes
from bench.bots.proxied import DECLARED_PROXY, PROXY, through_proxy
from ingest.shop.traffic import LOG, Record, records

EPOCH = 1_768_461_780.0
"""When all traffic starts: 2026-01-15 07:23 UTC, so that no hour of the clock is the traffic's."""
BOTS_SHARE = 0.2
PEOPLE = ("human", "office", "fast_human", PRECONNECTOR, ADMIN, APP_USER, CROWD, PROXY)
"""The kinds of people, and of what stands for many of them."""


@dataclass(frozen=True)
class Scenario:
    """One stream of traffic: its seed, the generator's records per second, format (``json`` or ``log``) and seconds."""

    seed: int
    rate: float
    record_format: str
    seconds: float = 3_600.0

    @property
    def is_proxied(self) -> bool:
        """Whether its lines come through a proxy that Weblake knows, and name their client at their end."""
        return self.record_format == LOG and self.seed % 2 == 0

    def __str__(self) -> str:
        proxied = " through a proxy" if self.is_proxied else ""
        return f"seed {self.seed}, {self.record_format}{proxied}, {self.rate:g}/s"


class Sent(NamedTuple):
    """What the detector gets of a record: when it is due (seconds since the start), its bytes and its Kafka header."""

    due: float
    value: bytes
    header: bytes | None


@dataclass
class Truth:
    """What only the judge knows: each client's kind by its address, and when it sent its requests."""

    kinds: dict[str, str]
    dues: dict[str, list[float]]

    def requests(self, address: str) -> int:
        """Return how many requests the client made, assets included, second copies left out."""
        return len(self.dues.get(address, ()))

    def is_bot(self, address: str) -> bool:
        """Say whether the client is none of the kinds of people."""
        return self.kinds[address] not in PEOPLE


def traffic(scenario: Scenario) -> Iterator[Record]:
    """Yield the scenario's records, as fast as they can be made: the generator's, and people who look like bots."""
    shop = records(scenario.seconds, scenario.seed, scenario.rate, BOTS_SHARE, scenario.record_format, EPOCH)
    if scenario.is_proxied:
        shop = (record._replace(value=through_proxy(record.value, DECLARED_PROXY)) for record in shop)
    others = look_alikes(scenario.seconds, scenario.seed, scenario.record_format, EPOCH)
    return heapq.merge(shop, others, key=lambda record: record.due)


def split(labelled: Iterator[Record]) -> tuple[list[Sent], Truth]:
    """Part the records from the labels of their clients."""
    sent: list[Sent] = []
    kinds: dict[str, Counter[str]] = {}
    dues: dict[str, list[float]] = {}
    for record in labelled:
        sent.append(Sent(record.due, record.value, record.header))
        if record.client is not None:
            address = record.client.ip_address
            kinds.setdefault(address, Counter())[record.client.kind] += 1
            dues.setdefault(address, []).append(record.due)
    return sent, Truth({address: counts.most_common(1)[0][0] for address, counts in kinds.items()}, dues)
