"""The generator's access logs: every line is one that the pipeline reads, and browsers behave as browsers do."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest
from oracle import Record as Arrived
from oracle import count

from audit.oracle import Event, Oracle
from ingest.files.identity import LineIds
from ingest.shop.garbage import LINE_KINDS, spoil
from ingest.shop.log_line import log_time
from ingest.shop.traffic import LOG, Record, Traffic, records
from lake.settings import load_settings
from lake.url_rules import load_url_rules

EPOCH = 1_768_460_400.0
MICROS = 1_000_000
SECONDS = 600.0
PEOPLE = {"human", "office", "fast_human"}
NO_BROWSERS = {"hammer", "crawler", "walker", "rotating", "card_tester", "polite_crawler", "impostor", "prober"}


@pytest.fixture(scope="module")
def sent() -> list[Record]:
    return list(records(SECONDS, 7, 50, 0.2, LOG, EPOCH))


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle(load_url_rules(load_settings().rules_file))


@pytest.fixture(scope="module")
def read(sent: list[Record], oracle: Oracle) -> list[tuple[Record, Event]]:
    return [(record, oracle.read(record.value, int((EPOCH + record.due) * MICROS))) for record in sent]


def test_the_same_seed_gives_the_same_lines_however_they_are_sliced(sent: list[Record]) -> None:
    traffic = Traffic(7, 50, 0.2, EPOCH, LOG)
    sliced = [record for tenths in range(0, 201, 7) for record in traffic.until(tenths / 10, EPOCH)]
    assert [(r.value, r.header) for r in sliced] == [(r.value, r.header) for r in sent[: len(sliced)]]
    assert len(sliced) > 900


def test_all_lines_are_read_but_for_one_in_a_thousand(read: list[tuple[Record, Event]]) -> None:
    rejected = Counter(event.reject_reason for _, event in read)
    assert 1 - rejected[None] / len(read) == pytest.approx(0.001, abs=0.0007)


@pytest.mark.parametrize("kind", LINE_KINDS)
def test_every_sort_of_garbage_differs_from_the_line(kind: str, sent: list[Record]) -> None:
    value = next(record.value for record in sent if b":07:00:00 " in record.value)
    assert spoil(kind, value, int(EPOCH * 1000)) != value


def test_the_rules_make_views_carts_and_checkouts_of_them(read: list[tuple[Record, Event]]) -> None:
    actions = Counter(event.action for record, event in read if record.client and record.client.kind in PEOPLE)
    assert set(actions) > {"asset", "view_product", "add_to_cart", "checkout", "post", "other"}
    assert 0.08 < actions["add_to_cart"] / actions["view_product"] < 0.16
    assert 0.01 < actions["checkout"] / actions["view_product"] < 0.06
    assert all(event.product_id for _, event in read if event.action in {"view_product", "add_to_cart"})


def test_people_fetch_assets_with_their_pages_and_bots_that_are_no_browsers_none(
    read: list[tuple[Record, Event]],
) -> None:
    assets = Counter(record.client.kind for record, event in read if record.client and event.action == "asset")
    pages = Counter(record.client.kind for record, event in read if record.client and event.action != "asset")
    assert all(3 < assets[kind] / pages[kind] < 10 for kind in PEOPLE)
    assert not set(assets) & NO_BROWSERS
    scrapers = {r.client.ip_address for r, _ in read if r.client and r.client.kind == "scraper"}
    headless = {r.client.ip_address for r, e in read if r.client and r.client.kind == "scraper" and e.action == "asset"}
    assert len(headless) == len(scrapers) / 2


def test_the_first_page_of_a_visit_brings_ten_to_forty_assets(read: list[tuple[Record, Event]]) -> None:
    brought = Counter(
        (record.client.ip_address, match[1])
        for record, event in read
        if record.client and event.action == "asset" and (match := re.search(rb'"(https://shop[^"]*)"', record.value))
        if record.client.kind == "human"
    )
    assert 10 < max(brought.values()) <= 80  # two visits that land on one page look like one
    assert sum(number >= 10 for number in brought.values()) > 50


def test_lines_have_referrers_methods_and_answers_of_all_sorts(sent: list[Record]) -> None:
    text = b"\n".join(record.value for record in sent if record.client and record.client.kind in PEOPLE).decode(
        "latin-1"
    )
    for part in (
        *('"POST /login HTTP/1.1" 302 ', '"POST /login HTTP/1.1" 401 ', '"POST /checkout HTTP/1.1" 200 '),
        *('"GET /category/', '"GET /search?q=', '"GET / HTTP/1.1" 200 ', '"https://www.google.com/"', " 304 0 "),
    ):
        assert part in text
    assert re.search(r'"GET /product/\d+ HTTP/1.1" 200 \d+ "https://shop.example/(product/\d+|category/)', text)


def test_a_line_has_the_id_that_the_importer_would_give_it(sent: list[Record]) -> None:
    ids = LineIds()
    assert all(
        record.header == ids.take(record.value, number) for number, record in enumerate(sent, 1) if record.client
    )


def test_a_second_copy_is_a_duplicate_and_nothing_else_is(sent: list[Record]) -> None:
    arrived = [
        Arrived(r.value, (r.header or b"").decode(), f"0-{number}", EPOCH + r.due) for number, r in enumerate(sent)
    ]
    _, rejected, duplicates = count(arrived)
    copies = sum(record.client is None for record in sent)
    assert copies > 100
    assert duplicates == copies
    assert rejected < 60


def test_a_record_comes_without_broker_and_without_waiting() -> None:
    first = next(records(1e9, 7, 5_000, 0.2, LOG, EPOCH))
    assert first.due == 0.0
    assert len(list(records(2, 7, 50, 0.2, LOG, EPOCH))) == 100
    one, other = (records(seconds, 7, 50, 0.2, LOG, EPOCH) for seconds in (2, 9))
    assert [record.value for record in one] == [record.value for record in islice(other, 100)]


def test_log_time_is_utc_whatever_the_locale() -> None:
    assert log_time(int(EPOCH)) == "15/Jan/2026:07:00:00 +0000"
