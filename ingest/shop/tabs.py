"""People who open many products at once, each in a tab, read, buy or not, and come again. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ingest.shop.assets import first_page, later_page
from ingest.shop.catalogue import Shop, public_address, response_ms, user_id
from ingest.shop.event import Client, Deed
from ingest.shop.log_line import SHOP
from ingest.shop.payments import Payments
from ingest.shop.timetable import Life
from lake.contracts import ADD_TO_CART, CHECKOUT, VIEW

FAST_HUMAN = "fast_human"
FAST_HUMANS = 6
TABS = (10, 25)
BURST_SECONDS = 60.0
READING_SECONDS = (4.0, 15.0)
PAUSE_SECONDS = (60.0, 200.0)
CARTS_PER_TAB = 0.12
BUYERS = 0.4

CLICKS_PER_SECOND = 0.12
"""Clicks of one of them on average, all pauses included."""


def fast_humans(shop: Shop, rng: Random, payments: Payments, count: int) -> Iterator[Life]:
    """Yield what each of ``count`` fast humans does; each product is paid for by a request of its own."""
    for _ in range(count):
        client = Client(public_address(rng), user_id(rng), shop.agent(rng), FAST_HUMAN)
        yield _browse(shop, client, rng, payments)


def _browse(shop: Shop, client: Client, rng: Random, payments: Payments) -> Life:
    """Open tabs within a minute, read them, put some into the cart, sometimes pay; then do something else."""
    assets = first_page(rng)
    while True:
        category = f"{SHOP}{shop.aside(rng)}"
        tabs = rng.randint(*TABS)
        cart: list[str] = []
        for _ in range(tabs):
            product_id = shop.product(rng)
            deed = Deed(client, VIEW, product_id, 200, response_ms(rng, 80), "", category, assets)
            yield deed, rng.uniform(0.2, 1.6) * BURST_SECONDS / TABS[1]
            assets = later_page(rng)
            if rng.random() < CARTS_PER_TAB:
                cart.append(product_id)
        for product_id in cart:
            page = f"{SHOP}/product/{product_id}"
            deed = Deed(client, ADD_TO_CART, product_id, 200, response_ms(rng, 60), "", page)
            yield deed, rng.uniform(*READING_SECONDS)
        if cart and rng.random() < BUYERS:
            for product_id in cart:
                deed = Deed(client, CHECKOUT, product_id, payments.answer(), response_ms(rng, 350), "", page)
                yield deed, rng.uniform(*READING_SECONDS)
        last_look = Deed(client, VIEW, shop.product(rng), 200, response_ms(rng, 80), "", category, assets)
        yield last_look, rng.uniform(*PAUSE_SECONDS)
