"""The live page on a port of its own, asked as a browser asks it; and counts of a shop with people and bots."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from frames import at
from mirrors import Cell, Counts, count, put_on_record

from lake.settings import Settings
from page.server import build_server
from spark.tables.postgres import News
from spark.tables.records import Records
from spark.tables.verdicts import Verdicts
from stack.servers.waiting import wait_until

ODD_PRODUCT = "<script>alert(1)</script>"
FORMULA_PRODUCT = "=HYPERLINK(1)"
VIEW: Counts = {"events": 1, "views": 1, "response_ms": 40, "timed_events": 1}
CART: Counts = {"events": 1, "add_to_carts": 1, "client_errors": 1}
PAID: Counts = {"events": 1, "checkouts": 1, "response_ms": 300, "timed_events": 1}
DECLINED: Counts = {**PAID, "failed_checkouts": 1, "client_errors": 1}
FAILED: Counts = {**PAID, "failed_checkouts": 1, "payment_errors": 1, "server_errors": 1}


@dataclass(frozen=True)
class Deed:
    """What somebody does, so many times, in a window that begins so many seconds after the start."""

    second: int
    action: str
    product: str | None
    is_bot: bool
    times: int
    counts: Counts


DEEDS = (
    Deed(0, "view_product", "p-1", False, 7, VIEW),
    Deed(70, "view_product", "p-1", True, 30, VIEW),
    Deed(70, "view_product", ODD_PRODUCT, False, 5, VIEW),
    Deed(310, "view_product", FORMULA_PRODUCT, True, 2, {**VIEW, "response_ms": 400}),
    Deed(310, "add_to_cart", "p-1", False, 4, CART),
    Deed(320, "add_to_cart", "p-1", True, 1, CART),
    Deed(400, "checkout", "p-1", False, 3, PAID),
    Deed(400, "checkout", "p-1", False, 1, DECLINED),
    Deed(400, "checkout", "p-1", False, 1, FAILED),
    Deed(410, "checkout", None, True, 6, DECLINED),
    Deed(410, "checkout", None, True, 2, FAILED),
)
CLIENTS = {False: "198.51.100.4", True: "203.0.113.9"}


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def table(self, name: str) -> list[dict[str, Any]]:
        """Return a table of a panel's answer, a dictionary for each row."""
        table = self.json["tables"][name]
        return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


@dataclass(frozen=True)
class Reader:
    """Somebody who asks the page."""

    port: int

    def ask(self, path: str, body: str | None = None, **headers: str) -> Reply:
        with self.connected() as connection:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET" if body is None else "POST", path, body, names)
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())

    @contextmanager
    def connected(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def served(settings: Settings, **outlook: Any) -> Iterator[Reader]:
    """Serve the page in a thread, with some settings changed."""
    changed = {"page_host": "127.0.0.1", "page_port": 0, "page_password": "", **outlook}
    server = build_server(replace(settings, outlook=replace(settings.outlook, **changed)))
    thread = threading.Thread(target=server.run, name="page")
    thread.start()
    try:
        wait_until(lambda: server.started, 30, "the page is served")
        yield Reader(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


def count_deeds(settings: Settings, version: int, *deeds: Deed) -> None:
    """Count deeds in all dimensions as the stream does, and take Kafka's word that nothing else came by then."""
    cells: dict[Cell, Counter[str]] = {}
    for deed in deeds:
        keys = {"all": "all", "action": deed.action, "client": CLIENTS[deed.is_bot], "product": deed.product}
        for dimension, key in keys.items():
            if key is not None:
                cell = (dimension, at(deed.second // 10 * 10), key, deed.is_bot)
                sums = {name: value * deed.times for name, value in deed.counts.items()}
                cells.setdefault(cell, Counter()).update(sums)
    count(settings, version, {cell: dict(counts) for cell, counts in cells.items()})
    last = max(deed.second for deed in deeds) + 60
    put_on_record(settings, Records(Verdicts({})), version, News(at(last).timestamp(), 100, 3))


def count_rejected(settings: Settings, version: int, records: int) -> None:
    """Count records that count nowhere."""
    count(settings, version, {("rejected", at(60), "not_json|none", False): {"events": records}})
