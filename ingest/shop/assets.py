"""The images, styles and scripts that browsers fetch with their pages. Pure: time is an argument."""

from __future__ import annotations

import heapq
from random import Random

from ingest.shop.catalogue import response_ms
from ingest.shop.event import Client, Deed
from ingest.shop.log_line import NOT_MODIFIED, get, page_of
from lake.contracts import ASSET

FIRST_PAGE = (10, 40)
LATER_PAGE = 8
"""How many assets: from and to with the first page of a visit; at most so many later, when the rest is cached."""
SECONDS_TO_PARSE = 0.15
MEAN_SECONDS_BETWEEN = 0.04
UNCHANGED = 0.12
"""Share of answers 304: the browser asks whether its copy is still good."""

PARTS = (
    *("/static/css/main.css", "/static/css/shop.css", "/static/js/vendor.js", "/static/js/app.js"),
    *("/static/fonts/text.woff2", "/images/logo.svg", "/images/cart.svg", "/favicon.ico"),
)
"""What all pages share, and browsers fetch first."""


def first_page(rng: Random) -> int:
    """Draw how many assets a browser fetches with the first page of a visit."""
    return FIRST_PAGE[0] + int(rng.random() * (FIRST_PAGE[1] - FIRST_PAGE[0] + 1))


def later_page(rng: Random) -> int:
    """Draw how many assets a browser fetches with a page when it knows the shop's styles and scripts already."""
    return 1 + int(rng.random() * LATER_PAGE)


class _Fetch:
    """What a browser still has to fetch for one page."""

    __slots__ = ("client", "count", "folder", "left", "referrer", "shared")

    def __init__(self, deed: Deed, rng: Random) -> None:
        self.client: Client = deed.client
        self.left = deed.assets
        self.referrer = page_of(deed)
        self.shared = len(PARTS) if deed.assets >= FIRST_PAGE[0] else 0
        self.folder = deed.product_id or f"teasers/{rng.randint(1, 40)}"
        self.count = 0


class Assets:
    """All pages whose assets are being fetched. Offsets are seconds since the start, and never go backwards."""

    def __init__(self) -> None:
        self._fetches: list[tuple[float, int, _Fetch]] = []
        self._opened = 0

    def open(self, deed: Deed, rng: Random, offset: float) -> None:
        """Note that a browser got a page at ``offset`` seconds, and fetches its ``deed.assets`` assets right after."""
        self._opened += 1
        heapq.heappush(self._fetches, (offset + SECONDS_TO_PARSE, self._opened, _Fetch(deed, rng)))

    def next(self, rng: Random, offset: float) -> Deed | None:
        """Return the next asset that a browser wants by ``offset``, None where none does."""
        if not self._fetches or self._fetches[0][0] > offset:
            return None
        due, number, fetch = self._fetches[0]
        fetch.left -= 1
        if fetch.left:
            heapq.heapreplace(self._fetches, (due + rng.expovariate(1 / MEAN_SECONDS_BETWEEN), number, fetch))
        else:
            heapq.heappop(self._fetches)
        path = PARTS[fetch.count] if fetch.count < fetch.shared else f"/images/{fetch.folder}/{fetch.count + 1}.jpg"
        fetch.count += 1
        status_code = NOT_MODIFIED if rng.random() < UNCHANGED else 200
        return Deed(fetch.client, ASSET, "", status_code, response_ms(rng, 3), get(path), fetch.referrer)
