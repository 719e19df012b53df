"""Traffic that came through a proxy, and what the log then says: its address, and behind it those it forwarded for.

A proxy that nobody has declared to Weblake is one client, which stands for a whole shop: people, bots and a scanner.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from random import Random

from ingest.shop.catalogue import GUEST, public_address
from ingest.shop.event import Client
from ingest.shop.habits import probe
from ingest.shop.log_line import render_line
from ingest.shop.robots import PROBER
from ingest.shop.traffic import Record, records

PROXY = "proxy"
DECLARED_PROXY = "10.20.0.4"
"""A private address, of which Weblake takes for granted that it is a proxy's."""
RATE, BOTS_SHARE, SCANS_SHARE = 5.0, 0.2, 0.02
PURCHASES = 0.3
"""Of what is put into carts and paid, so much is left: few shops sell as well as the generator's."""
PURCHASE = re.compile(rb"/cart/add/|add_to_cart|checkout")
LINE_ADDRESS = re.compile(rb"^(\d+\.\d+\.\d+\.\d+)(?= - )")
EVENT_ADDRESS = re.compile(rb'(?<="ip_address":")\d+\.\d+\.\d+\.\d+(?=")')


def through_proxy(value: bytes, proxy: str) -> bytes:
    """Return a record as it would be had its client come through a proxy; a line names the client at its end."""
    if line := LINE_ADDRESS.match(value):
        return proxy.encode() + value[line.end() :] + b' "%b"' % line[1]
    return EVENT_ADDRESS.sub(proxy.encode(), value, count=1)


def proxied_shop(seconds: float, seed: int, record_format: str, epoch: float) -> Iterator[Record]:
    """Yield the records of another shop, all of them through one public proxy, and 2 % more by a scanner.

    All have the label of the proxy, which must never be convicted. The arguments are those of
    :func:`ingest.shop.traffic.records`.
    """
    rng = Random(f"proxied {seed}")
    proxy = Client(public_address(rng), GUEST, None, PROXY)
    traffic = heapq.merge(
        records(seconds, seed + 1_000, RATE, BOTS_SHARE, record_format, epoch),
        _scans(seconds, rng, epoch),
        key=lambda record: record.due,
    )
    for record in traffic:
        if not PURCHASE.search(record.value) or rng.random() < PURCHASES:
            client = record.client and proxy
            yield record._replace(value=through_proxy(record.value, proxy.ip_address), client=client)


def _scans(seconds: float, rng: Random, epoch: float) -> Iterator[Record]:
    scanner = Client(public_address(rng), GUEST, "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0", PROBER)
    due = 0.0
    for number, deed in enumerate(probe(scanner, rng)):
        due += rng.expovariate(RATE * SCANS_SHARE)
        if due >= seconds:
            return
        yield Record(due, render_line(deed, rng, int(epoch + due)), scanner, b"scan-%d" % number)
