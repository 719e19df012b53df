"""People whom rules for bots easily wrong, as labelled records: what the generator's own people never do.

Each kind is there because a log of a real shop had it. Pure: the same arguments give the same bytes.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from random import Random

from bench.bots.proxied import proxied_shop
from ingest.shop.catalogue import GUEST, Shop, public_address, response_ms, user_id
from ingest.shop.event import Client, Deed, new_id, render
from ingest.shop.log_line import ROBOTS, get, page_of, post, render_line
from ingest.shop.people import RECORDS_PER_CLICK, People
from ingest.shop.timetable import Life
from ingest.shop.traffic import LOG, Record
from lake.contracts import ADD_TO_CART, ASSET, CHECKOUT, VIEW

PRECONNECTOR, ADMIN, APP_USER, CROWD = "preconnector", "shop_admin", "app_user", "office_of_forty"
PRECONNECTORS, ADMINS, APP_USERS = 20, 6, 24
WORKERS = 40
CLICKS_PER_SECOND = 1.2
"""Of one office of forty."""
UNUSED, TIMED_OUT = "-", 408
APP_AGENTS = (
    "okhttp/4.12.0",
    "ExampleShop/812 CFNetwork/1485 Darwin/23.1.0",
    "Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A.220624.014)",
)
CURL, SECONDS_BETWEEN_CURLS, SECONDS_BETWEEN_PROBES = "curl/8.5.0", 90.0, 280.0
HEARTBEAT_SECONDS = 15.0


class Office(Shop):
    """A shop all of whose customers sit in one office of forty; with ``agents`` browsers among them."""

    def __init__(self, seed: int, address: str, agents: int) -> None:
        super().__init__(seed)
        dice = Random(f"office {seed} {address}")
        used = self.agents[:agents]
        self._people = [self._worker(dice, address, dice.choice(used)) for _ in range(WORKERS)]

    def customer(self, rng: Random, without_agent: float) -> Client:
        """Draw one of the forty."""
        return rng.choice(self._people)[rng.random() < without_agent]

    def worker(self, rng: Random, office: int, without_agent: float) -> Client:  # noqa: ARG002
        """Draw one of the forty: there is no other office."""
        return self.customer(rng, without_agent)

    def _worker(self, dice: Random, address: str, agent: str) -> tuple[Client, Client]:
        user = user_id(dice)
        return Client(address, user, agent, CROWD), Client(address, user, None, CROWD)


def look_alikes(seconds: float, seed: int, record_format: str, epoch: float) -> Iterator[Record]:
    """Yield the records of all these people in the order in which they are due.

    Args:
        seconds: how long the traffic goes on.
        seed: the same seed gives the same records.
        record_format: ``json`` or ``log``, in which apps and offices speak; browsers' connections are log lines always.
        epoch: when it starts, seconds since 1970.
    """
    rng, shop = Random(f"look-alikes {seed}"), Shop(seed)
    lives = [
        *(_preconnect(shop, _person(rng, PRECONNECTOR, shop.agent(rng)), rng) for _ in range(PRECONNECTORS)),
        *(_run_shop(shop, _person(rng, ADMIN, shop.agent(rng)), rng) for _ in range(ADMINS)),
        *(_use_app(shop, _person(rng, APP_USER, APP_AGENTS[n % len(APP_AGENTS)]), rng) for n in range(APP_USERS)),
    ]
    turns = [_timed(life, rng.uniform(0, 120)) for life in lives]
    for agents in (len(shop.agents), 1):
        address = public_address(rng)
        turns.append(_office(Office(seed, address, agents), rng.randrange(2**32), record_format == LOG))
        turns += [_timed(life, rng.uniform(0, 60)) for life in _colleagues(address, rng)]
    ids = (b"look-alike-%d" % number for number in itertools.count())
    written = _records(heapq.merge(*turns, key=lambda turn: turn[0]), seconds, rng, record_format, epoch, ids)
    return heapq.merge(written, proxied_shop(seconds, seed, record_format, epoch), key=lambda record: record.due)


def _records(
    turns: Iterator[tuple[float, Deed]],
    seconds: float,
    rng: Random,
    record_format: str,
    epoch: float,
    ids: Iterator[bytes],
) -> Iterator[Record]:
    for due, deed in turns:
        if due >= seconds:
            return
        if record_format == LOG or deed.request or deed.action == ASSET:
            yield Record(due, render_line(deed, rng, int(epoch + due)), deed.client, next(ids))
        else:
            yield Record(due, render(deed, new_id(rng), int((epoch + due) * 1000)), deed.client)


def _timed(life: Life, first: float) -> Iterator[tuple[float, Deed]]:
    due = first
    for deed, wait in life:
        yield due, deed
        due += wait


def _office(office: Office, seed: int, with_assets: bool) -> Iterator[tuple[float, Deed]]:
    """What the forty do; with assets each click makes several requests, which come at once."""
    rng = Random(seed)
    per_second = CLICKS_PER_SECOND * (RECORDS_PER_CLICK if with_assets else 1.0)
    people = People(office, rng, per_second, 0.02, with_assets)
    due = 0.0
    while True:
        yield due, people.request(rng, due, 0.0)
        due += rng.expovariate(per_second)


def _colleagues(address: str, rng: Random) -> Iterator[Life]:
    """A script of somebody's, a machine that a worm has, and whoever is curious, behind the office's address."""
    script, worm = Client(address, GUEST, CURL, CROWD), Client(address, GUEST, None, CROWD)
    yield _repeat(Deed(script, "", "", 200, 20, get("/")), SECONDS_BETWEEN_CURLS)
    yield _repeat(Deed(worm, "", "", 404, 5, get("/.env")), SECONDS_BETWEEN_PROBES)
    yield _repeat(Deed(script, "", "", 200, 5, ROBOTS), rng.uniform(900, 1_800))


def _repeat(deed: Deed, wait: float) -> Life:
    while True:
        yield deed, wait


def _person(rng: Random, kind: str, agent: str) -> Client:
    return Client(public_address(rng), user_id(rng), agent, kind)


def _preconnect(shop: Shop, client: Client, rng: Random) -> Life:
    """Look at a few products with a browser that opens connections ahead, most of which it does not use."""
    nobody = Client(client.ip_address, GUEST, None, client.kind)
    while True:
        for _ in range(rng.randint(1, 6)):
            product = shop.product(rng)
            page = Deed(client, VIEW, product, 200, response_ms(rng, 80), get(f"/product/{product}"))
            yield page, 0.2
            yield from _fetch(client, page, rng.randint(2, 9), rng)
            for _ in range(rng.randint(0, 3)):
                yield Deed(nobody, "", "", rng.choice((TIMED_OUT, TIMED_OUT, 400)), 0, UNUSED), rng.uniform(0.1, 9)
            if rng.random() < 0.1:
                yield Deed(client, ADD_TO_CART, product, 302, response_ms(rng, 60), post(f"/cart/add/{product}")), 5.0
            yield page._replace(request=get("/")), rng.uniform(5, 60)
        yield page, rng.uniform(300, 900)


def _run_shop(shop: Shop, client: Client, rng: Random) -> Life:
    """Run a shop with WooCommerce: log in, edit products with a page that calls home all the time, look at orders."""

    def ask(request: str, status: int = 200) -> Deed:
        return Deed(client, "", "", status, response_ms(rng, 120), request)

    while True:
        for request, status in ((get("/wp-login.php"), 200), (post("/wp-login.php"), 302), (get("/wp-admin/"), 200)):
            yield ask(request, status), rng.uniform(0.5, 9)
        for part in ("load-styles.php?c=1&load=common", "load-scripts.php?c=1&load=jquery", "js/common.min.js?ver=6.4"):
            yield ask(get(f"/wp-admin/{part}")), 0.1
        for number in rng.sample(range(1_000, 9_000), rng.randint(8, 20)):
            yield ask(get("/wp-admin/edit.php?post_type=product")), rng.uniform(2, 20)
            yield ask(get(f"/wp-admin/post.php?post={number}&action=edit")), 1.0
            for _ in range(rng.randint(1, 12)):
                yield ask(post("/wp-admin/admin-ajax.php")), HEARTBEAT_SECONDS
            yield ask(post(f"/wp-json/wp/v2/product/{number}/autosaves")), rng.uniform(1, 5)
            yield ask(post("/wp-admin/post.php"), 302), 0.3
            if rng.random() < 0.4:
                yield ask(get(f"/product/{shop.product(rng)}")), rng.uniform(3, 30)
            if rng.random() < 0.3:
                yield ask(get("/wp-admin/admin.php?page=wc-orders")), rng.uniform(5, 60)
            if rng.random() < 0.1:
                yield ask(get("/wp-content/uploads/gone.jpg"), 404), 1.0


def _use_app(shop: Shop, client: Client, rng: Random) -> Life:
    """Look around the shop with its app, which fetches no page and no image from the shop's own server."""
    is_buyer = rng.random() < 0.3
    while True:
        for _ in range(rng.randint(5, 25)):
            product = shop.product(rng)
            yield Deed(client, VIEW, product, 200, response_ms(rng, 40)), rng.uniform(3, 40)
            if rng.random() < 0.08:
                yield Deed(client, ADD_TO_CART, product, 200, response_ms(rng, 40)), rng.uniform(3, 9)
            if rng.random() < 0.2:
                yield Deed(client, "", "", 200, response_ms(rng, 40), get(shop.search(rng))), rng.uniform(3, 9)
        if is_buyer:
            yield Deed(client, CHECKOUT, product, 200, response_ms(rng, 300)), 30.0
        yield Deed(client, VIEW, product, 200, response_ms(rng, 40)), rng.uniform(200, 900)


def _fetch(client: Client, page: Deed, count: int, rng: Random) -> Life:
    for number in range(count):
        yield Deed(client, ASSET, "", 200, response_ms(rng, 3), get(f"/images/{number}.jpg"), page_of(page)), 0.05
