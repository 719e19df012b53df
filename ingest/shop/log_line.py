"""The access-log line of the shop, in nginx's combined format, rendered as bytes. Pure: no clock, no I/O."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from random import Random

from ingest.shop.event import Deed
from lake.contracts import ADD_TO_CART, ASSET, CHECKOUT, VIEW

SHOP = "https://shop.example"
PROTOCOL = "HTTP/1.1"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ROBOTS = f"GET /robots.txt {PROTOCOL}"
BAD_REQUEST, FOUND, NOT_MODIFIED = 400, 302, 304
SIZES = {NOT_MODIFIED: 0, BAD_REQUEST: 157, FOUND: 0}
"""Bytes of the answers that are always the same, by HTTP status."""


def get(path: str) -> str:
    """Return the request line of a GET."""
    return f"GET {path} {PROTOCOL}"


def post(path: str) -> str:
    """Return the request line of a POST."""
    return f"POST {path} {PROTOCOL}"


def request_line(deed: Deed) -> str:
    """Return the request that the deed was; the URL rules that Weblake ships make the same action of it."""
    if deed.request:
        return deed.request
    if deed.action == VIEW:
        return f"GET /product/{deed.product_id} {PROTOCOL}"
    if deed.action == ADD_TO_CART:
        return f"POST /cart/add/{deed.product_id} {PROTOCOL}"
    assert deed.action == CHECKOUT, f"the action {deed.action!r} has no request"
    return f"POST /checkout {PROTOCOL}"


def page_of(deed: Deed) -> str:
    """Return the address of the page, a product's or another, that the deed asked for: the referrer of what follows."""
    return SHOP + deed.request.split(" ")[1] if deed.request else f"{SHOP}/product/{deed.product_id}"


def render_line(deed: Deed, rng: Random, epoch_seconds: int) -> bytes:
    """Return the line, without its end, as the server writes it; ``epoch_seconds`` counts from 1970."""
    client = deed.client
    return (
        f'{client.ip_address} - - [{log_time(epoch_seconds)}] "{request_line(deed)}" {deed.status_code} '
        f'{_size(deed, rng)} "{deed.referrer}" "{client.user_agent or "-"}"'
    ).encode()


@lru_cache(maxsize=1024)
def log_time(epoch_seconds: int) -> str:
    """Return a time as nginx writes it, in UTC, whatever the locale: ``15/Jan/2026:07:00:00 +0000``."""
    time = datetime.fromtimestamp(epoch_seconds, timezone.utc)
    return f"{time:%d}/{MONTHS[time.month - 1]}/{time:%Y:%H:%M:%S} +0000"


def _size(deed: Deed, rng: Random) -> int:
    """Draw the bytes of the answer: a page's differ a little from one time to the next, as its offers do."""
    if deed.status_code in SIZES:
        return SIZES[deed.status_code]
    if deed.request == ROBOTS:
        return 316
    if deed.status_code > NOT_MODIFIED:
        return 1_150 + int(rng.random() * 120)
    if deed.action == ASSET:
        return 900 + int(rng.expovariate(1 / 9_000))
    if deed.action in (ADD_TO_CART, CHECKOUT):
        return 310 + int(rng.random() * 90)
    return 28_000 + int(rng.random() * 4_000)
