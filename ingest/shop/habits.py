"""What each kind of bot asks for, one request after the other, for ever. Pure: ``bots`` decides when it asks."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ingest.shop.assets import first_page, later_page
from ingest.shop.catalogue import GUEST, Shop, response_ms
from ingest.shop.event import Client, Deed
from ingest.shop.log_line import BAD_REQUEST, ROBOTS, SHOP, get, post
from ingest.shop.payments import DECLINED
from ingest.shop.robots import Rotation
from lake.contracts import ADD_TO_CART, CHECKOUT, VIEW

FORBIDDEN = ("/cart", "/checkout", "/login", "/search", "/account")
"""What the shop's robots.txt asks crawlers to leave alone."""
OLD_LINKS = 0.05
TOO_FAST = 429

PROBED = (
    *("/.env", "/.git/config", "/.git/HEAD", "/wp-login.php", "/wp-admin/setup-config.php", "/xmlrpc.php"),
    *("/phpmyadmin/index.php", "/phpMyAdmin/scripts/setup.php", "/pma/", "/admin/config.php", "/.aws/credentials"),
    *("/backup.sql", "/config.json", "/actuator/env", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php"),
    *("/cgi-bin/luci/;stok=/locale", "/boaform/admin/formLogin", "/solr/admin/info/system", "/.DS_Store", "/old/.env"),
)
GARBAGE = (
    r"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03",
    r"\x16\x03\x01\x00\xEE\x01\x00\x00\xEA\x03\x03",
    r"\x03\x00\x00/*\xE0\x00\x00\x00\x00\x00Cookie: mstshash=Administr",
    r"\x04\x01\x00P\x05\xBC\xD2e\x00",
    r"SSH-2.0-Go",
)
"""Requests in other protocols, as nginx logs them."""


def hammer(shop: Shop, client: Client, rng: Random) -> Iterator[Deed]:
    """One popular product after the other, far faster than anyone reads."""
    while True:
        status_code = 200 if rng.random() < 0.97 else TOO_FAST
        yield Deed(client, VIEW, shop.product(rng), status_code, response_ms(rng, 80))


def scrape(shop: Shop, client: Client, rng: Random, is_headless: bool = False) -> Iterator[Deed]:
    """The catalogue at random, popular or not: it wants every price. A headless browser fetches assets too."""
    assets = first_page(rng) if is_headless else 0
    while True:
        status_code = 200 if rng.random() < 0.99 else TOO_FAST
        page_assets = assets if status_code == 200 else 0
        yield Deed(client, VIEW, rng.choice(shop.products), status_code, response_ms(rng, 80), assets=page_assets)
        assets = later_page(rng) if is_headless else 0


def rotate(shop: Shop, rotation: Rotation, rng: Random) -> Iterator[Deed]:
    """As :func:`scrape`, but each request comes from another address and browser."""
    while True:
        yield Deed(rotation.client(rng), VIEW, rng.choice(shop.products), 200, response_ms(rng, 80))


def crawl(shop: Shop, client: Client, rng: Random) -> Iterator[Deed]:
    """The catalogue in order, old links that lead nowhere, and now and then robots.txt."""
    for number, page in enumerate(_catalogue(shop, client, rng)):
        if number % 100 == 0:
            yield _robots(client, rng)
        yield _old_link(shop, client, rng) if rng.random() < OLD_LINKS else page


def crawl_politely(shop: Shop, client: Client, rng: Random) -> Iterator[Deed]:
    """What robots.txt allows, which it reads first and again: products, categories, the start page."""
    for number, page in enumerate(_catalogue(shop, client, rng)):
        if number % 40 == 0:
            yield _robots(client, rng)
        if rng.random() < 0.2:
            path = shop.aside(rng)
            yield _page(client, "/" if path.startswith(FORBIDDEN) else path, rng)
        yield _old_link(shop, client, rng) if rng.random() < OLD_LINKS else page


def impersonate(shop: Shop, client: Client, rng: Random) -> Iterator[Deed]:
    """Products and searches, which robots.txt forbids; half of these bots read it first."""
    if rng.random() < 0.5:
        yield _robots(client, rng)
    while True:
        if rng.random() < 0.15:
            yield _page(client, shop.search(rng), rng)
        yield Deed(client, VIEW, rng.choice(shop.products), 200, response_ms(rng, 80))


def walk(shop: Shop, client: Client, rng: Random) -> Iterator[Deed]:
    """The catalogue in order, slowly: its rate is a person's, but it skips no page and buys nothing."""
    return _catalogue(shop, client, rng)


def try_cards(shop: Shop, client: Client, rng: Random) -> Iterator[Deed]:
    """Checkouts of one product with stolen cards: nearly all are declined, some break the payment.

    The shop wants something in the cart first.
    """
    product_id = rng.choice(shop.products)
    yield Deed(client, ADD_TO_CART, product_id, 200, response_ms(rng, 60))
    while True:
        luck = rng.random()
        status_code = DECLINED if luck < 0.90 else 500 if luck < 0.97 else 200
        yield Deed(client, CHECKOUT, product_id, status_code, response_ms(rng, 350))


def hammer_login(client: Client, rng: Random) -> Iterator[Deed]:
    """One password after the other. Hardly any is right."""
    referrer = rng.choice(("-", f"{SHOP}/login"))
    while True:
        yield login(client, rng, is_right=rng.random() < 0.004, referrer=referrer)


def probe(client: Client, rng: Random) -> Iterator[Deed]:
    """Files that should not be there, in other people's software; sometimes bytes that are no request at all."""
    nobody = Client(client.ip_address, GUEST, None, client.kind)
    while True:
        if rng.random() < 0.08:
            yield Deed(nobody, "", "", BAD_REQUEST, 0, rng.choice(GARBAGE))
        else:
            luck = rng.random()
            status_code = 404 if luck < 0.88 else 403 if luck < 0.96 else 200
            path = rng.choice(PROBED) if status_code != 200 else "/"
            yield Deed(client, "", "", status_code, response_ms(rng, 20), get(path))


def watch(client: Client, rng: Random) -> Iterator[Deed]:
    """The start page, again and again: is the shop up?"""
    while True:
        yield _page(client, "/", rng)


def login(client: Client, rng: Random, is_right: bool, referrer: str) -> Deed:
    """Return an attempt to log in, which people get wrong too."""
    return Deed(client, "", "", 302 if is_right else 401, response_ms(rng, 120), post("/login"), referrer)


def _catalogue(shop: Shop, client: Client, rng: Random) -> Iterator[Deed]:
    """Every product page in order, again and again, from a page of its own."""
    pages = sorted(shop.products)
    index = rng.randrange(len(pages))
    while True:
        index = (index + 1) % len(pages)
        yield Deed(client, VIEW, pages[index], 200, response_ms(rng, 80))


def _old_link(shop: Shop, client: Client, rng: Random) -> Deed:
    return Deed(client, VIEW, shop.retired_product(rng), 404, response_ms(rng, 20))


def _page(client: Client, path: str, rng: Random) -> Deed:
    return Deed(client, "", "", 200, response_ms(rng, 60), get(path))


def _robots(client: Client, rng: Random) -> Deed:
    return Deed(client, "", "", 200, response_ms(rng, 5), ROBOTS)
