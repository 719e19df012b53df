"""The kinds of clients that the generator makes: each with its habits, none with a label on it."""

from __future__ import annotations

import ipaddress
import json
import random
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import pytest

from audit.oracle import LOG
from ingest.shop.catalogue import Shop
from ingest.shop.event import Client
from ingest.shop.habits import FORBIDDEN
from ingest.shop.robots import draw_clients
from ingest.shop.traffic import FORMATS, JSON, records
from ingest.shop.traffic import LOG as LOG_FORMAT

EPOCH = 1_768_460_400.0
SEED = 7
SHOP = Shop(SEED)
GOOGLE = ipaddress.ip_network("66.249.64.0/19")
PEOPLE = {"human", "office", "fast_human"}
SLOW = {
    "walker": 3.0, "card_tester": 1.0, "polite_crawler": 6.0, "impostor": 2.0, "login_hammerer": 1.0, "prober": 2.0,
}  # fmt: skip
KINDS = {*PEOPLE, *SLOW, "hammer", "crawler", "scraper", "rotating", "monitor"}
ACTIONS = {"view_product": "GET /product/", "add_to_cart": "POST /cart/add/", "checkout": "POST /checkout"}


class Request(NamedTuple):
    """What one record says of a request, in either format; ``due`` in seconds since the start."""

    due: float
    kind: str
    ip_address: str
    line: str
    status: int
    agent: str | None
    time: str


def request(due: float, kind: str, value: bytes) -> Request | None:
    """Read a record; None where it is garbage."""
    address, blank, rest = value.decode("latin-1").partition(" ")
    if address[:1].isdigit() and (match := LOG.fullmatch(blank + rest)):
        _, _, time, line, status, _, _, agent, _ = match.groups()
        return Request(due, kind, address, line, int(status), None if agent == "-" else agent, time)
    try:
        event = json.loads(value)
        line = ACTIONS[event["action"]] + event["product_id"]
        return Request(
            due, kind, event["ip_address"], line, int(event["status_code"]), event["user_agent"], event["timestamp"]
        )
    except (ValueError, KeyError, TypeError):
        return None


@cache
def requests(record_format: str, seed: int, seconds: float = 600, rate: float = 50, bots: float = 0.2) -> list[Request]:
    """Read the traffic, second copies and garbage left out."""
    sent = records(seconds, seed, rate, bots, record_format, EPOCH)
    read = (request(r.due, r.client.kind, r.value) for r in sent if r.client is not None)
    return [one for one in read if one is not None]


def of_kind(kind: str, record_format: str = LOG_FORMAT) -> list[Request]:
    return [one for one in requests(record_format, SEED) if one.kind == kind]


def by_address(seen: list[Request]) -> dict[str, list[Request]]:
    turns: dict[str, list[Request]] = {}
    for one in seen:
        turns.setdefault(one.ip_address, []).append(one)
    return turns


def is_asset(one: Request) -> bool:
    return any(f" {folder}" in one.line for folder in ("/images/", "/static/", "/favicon.ico"))


@pytest.mark.parametrize("record_format", FORMATS)
@pytest.mark.parametrize("seed", [SEED, 8])
def test_every_kind_comes_thirty_times_in_ten_minutes_from_several_addresses(record_format: str, seed: int) -> None:
    seen = requests(record_format, seed)
    counts = Counter(one.kind for one in seen if not is_asset(one))
    assert set(counts) == KINDS
    assert min(counts.values()) >= 30
    for kind in KINDS:
        clients = by_address([one for one in seen if one.kind == kind])
        assert len(clients) >= 2
        if kind not in {"human", "rotating", "monitor"}:
            assert min(map(len, clients.values())) >= 30, kind


def test_slow_kinds_are_slow_at_any_rate() -> None:
    seen = requests(JSON, SEED, seconds=60, rate=2_000)
    for kind, seconds in SLOW.items():
        for turns in by_address([one for one in seen if one.kind == kind]).values():
            assert all(later.due - earlier.due >= seconds - 0.001 for earlier, later in pairwise(turns)), kind
    assert sum(one.kind == "hammer" for one in seen) > 5_000


@pytest.mark.parametrize("record_format", FORMATS)
def test_a_polite_crawler_reads_robots_txt_first_and_goes_nowhere_else_than_it_may(record_format: str) -> None:
    for turns in by_address(of_kind("polite_crawler", record_format)).values():
        assert turns[0].line.startswith("GET /robots.txt ")
        assert not [one for one in turns if one.line.split(" ")[1].startswith(FORBIDDEN)]
        assert {one.agent is not None and "bot" in one.agent.lower() for one in turns} == {True}


def test_an_impostor_says_googlebot_from_elsewhere_and_goes_where_it_may_not() -> None:
    impostors, crawlers = of_kind("impostor"), of_kind("crawler")
    assert {"Googlebot" in (one.agent or "") for one in impostors} == {True}
    assert not any(ipaddress.ip_address(one.ip_address) in GOOGLE for one in impostors)
    assert any(one.line.startswith("GET /search") for one in impostors)
    google = [one for one in crawlers if "Googlebot" in (one.agent or "")]
    assert google
    assert all(ipaddress.ip_address(one.ip_address) in GOOGLE for one in google)


@pytest.mark.parametrize("record_format", FORMATS)
def test_a_login_hammerer_posts_the_login_and_is_refused(record_format: str) -> None:
    seen = of_kind("login_hammerer", record_format)
    assert {one.line for one in seen} == {"POST /login HTTP/1.1"}
    assert sum(one.status == 401 for one in seen) > 0.97 * len(seen)
    assert {one.agent for one in seen} <= set(SHOP.agents)


@pytest.mark.parametrize("record_format", FORMATS)
def test_a_prober_finds_nothing_and_sends_bytes_that_are_no_request(record_format: str) -> None:
    seen = of_kind("prober", record_format)
    assert sum(one.status in (400, 404) for one in seen) > 0.85 * len(seen)
    assert any(one.line.startswith(r"\x16\x03\x01") and one.status == 400 for one in seen)
    assert {"GET /.env HTTP/1.1", "GET /.git/config HTTP/1.1", "GET /wp-login.php HTTP/1.1"} <= {
        one.line for one in seen
    }


def test_a_rotating_scraper_uses_many_addresses_of_one_net_and_many_browsers() -> None:
    seen = of_kind("rotating")
    assert len({one.ip_address.rsplit(".", 1)[0] for one in seen}) == 1
    assert len({one.ip_address for one in seen}) > 40
    assert len({one.agent for one in seen}) > 40


def test_a_monitor_comes_once_a_minute_to_the_second() -> None:
    seen = [one for one in requests(LOG_FORMAT, SEED, seconds=3_600, rate=2) if one.kind == "monitor"]
    for turns in by_address(seen).values():
        assert 57 <= len(turns) <= 60  # but for garbage
        assert len({one.time[-8:] for one in turns}) == 1
        assert {one.line for one in turns} == {"GET / HTTP/1.1"}
    agents = {one.agent for one in seen}
    assert 0 < len(agents & set(SHOP.agents)) < len(agents), "some say what they are, some pose as browsers"


@pytest.mark.parametrize("record_format", FORMATS)
def test_a_fast_human_opens_many_tabs_then_pauses_and_buys(record_format: str) -> None:
    seen = of_kind("fast_human", record_format)
    for turns in by_address(seen).values():
        views = [one.due for one in turns if one.line.startswith("GET /product/")]
        assert max(sum(start <= due < start + 60 for due in views) for start in views) >= 10
        assert max(later - earlier for earlier, later in pairwise(one.due for one in turns)) > 50
    assert any(one.line.startswith("POST /cart/add/") for one in seen)
    assert any(one.line.startswith("POST /checkout") for one in seen)


@pytest.mark.parametrize("record_format", FORMATS)
def test_an_office_is_many_people_behind_one_address(record_format: str) -> None:
    offices = by_address(of_kind("office", record_format))
    for turns in offices.values():
        assert len({one.agent for one in turns}) > 10
        assert any(one.line.startswith("POST /cart/add/") for one in turns)
    checkouts = [one for turns in offices.values() for one in turns if one.line.startswith("POST /checkout")]
    assert any(one.status == 200 for one in checkouts)


def test_addresses_of_bots_differ_from_seed_to_seed_but_for_the_specified_one() -> None:
    one, other = (
        {client.ip_address for clients in draw_clients(Shop(seed), random.Random(seed)).values() for client in clients}
        for seed in (1, 2)
    )
    assert {
        address for address in one & other if not address.startswith(("66.249.", "40.", "157.", "207.", "77."))
    } == {"192.168.1.100"}
    assert len(one) == len(other) == 31


def test_bots_that_pose_as_people_have_the_browsers_and_names_that_people_have() -> None:
    seen = requests(JSON, SEED)
    agents = {one.agent for one in seen if one.kind in {"scraper", "walker", "rotating", "login_hammerer"}}
    assert agents <= {*SHOP.agents, None}
    clients = [client for clients in draw_clients(SHOP, random.Random(7)).values() for client in clients]
    bots = {json.loads(f"{{{client.who_json}}}")["user_id"] for client in clients}
    people = [SHOP.customer(random.Random(number), 0.0) for number in range(200)]
    names = Counter(json.loads(f"{{{client.who_json}}}")["user_id"] for client in people)
    assert 0.3 < names["guest"] / 200 < 0.5
    assert {len(name) for name in bots} == {len(name) for name in names} == {5, 7}


def test_people_send_log_lines_among_the_events_too() -> None:
    lines = [one for one in requests(JSON, SEED) if one.kind in PEOPLE and one.line.endswith("HTTP/1.1")]
    assert {"GET / HTTP/1.1", "POST /login HTTP/1.1"} <= {one.line for one in lines}
    assert any(one.status == 401 for one in lines), "people mistype passwords"


@pytest.mark.parametrize("record_format", FORMATS)
def test_labels_are_in_no_byte(record_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = [(r.due, r.value, r.header) for r in records(60, 7, 50, 0.3, record_format, EPOCH)]
    make, dice = Client.__init__, random.Random(1)

    def mislabel(self: Client, ip_address: str, user_id: str, user_agent: str | None, kind: str) -> None:
        make(self, ip_address, user_id, user_agent, dice.choice(sorted(KINDS)))

    monkeypatch.setattr(Client, "__init__", mislabel)
    assert [(r.due, r.value, r.header) for r in records(60, 7, 50, 0.3, record_format, EPOCH)] == honest
