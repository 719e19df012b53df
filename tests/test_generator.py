"""The traffic of the shop: reproducible, believable, and broken in the shares that it promises."""

from __future__ import annotations

import csv
import json
import re
import threading
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import ingest.shop.truth
from audit.oracle import LOG
from ingest.shop.catalogue import HOURLY_RHYTHM
from ingest.shop.event import Client, iso
from ingest.shop.garbage import KINDS, spoil
from ingest.shop.generate import Bounds, generate
from ingest.shop.robots import SPECIFIED_HAMMER
from ingest.shop.traffic import Record, Traffic
from ingest.shop.truth import Truth

START = datetime(2026, 1, 15, 7, tzinfo=timezone.utc)
EPOCH = START.timestamp()
RATE = 200.0
SECONDS = 400.0
PEOPLE = {"human", "office", "fast_human"}

Event = dict[str, Any]


def records(seed: int = 7, rate: float = RATE, bots: float = 0.2, until: float = SECONDS) -> list[Record]:
    return list(Traffic(seed, rate, bots, EPOCH).until(until, EPOCH))


def event(value: bytes) -> Event | None:
    try:
        parsed = json.loads(value)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


@pytest.fixture(scope="module")
def sent() -> list[Record]:
    return records()


@pytest.fixture(scope="module")
def events(sent: list[Record]) -> list[tuple[Record, Event]]:
    return [(record, parsed) for record in sent if (parsed := event(record.value)) and "timestamp" in parsed]


def test_the_same_seed_gives_the_same_bytes_however_they_are_sliced() -> None:
    whole = [record.value for record in records(until=20)]
    traffic = Traffic(7, RATE, 0.2, EPOCH)
    sliced = [record.value for tenths in range(0, 201, 7) for record in traffic.until(tenths / 10, EPOCH)]
    assert sliced == whole[: len(sliced)]
    assert len(sliced) > 3_900


def test_another_seed_gives_other_events() -> None:
    assert not {r.value for r in records(seed=1, until=5)} & {r.value for r in records(seed=2, until=5)}


def test_without_a_start_only_the_times_differ() -> None:
    now, later = Traffic(7, RATE, 0.2, EPOCH), Traffic(7, RATE, 0.2, EPOCH)
    pairs = zip(now.until(5, EPOCH), later.until(5, EPOCH + 86_400), strict=True)
    for first, second in pairs:
        one, two = event(first.value), event(second.value)
        if one and two:
            assert {**one, "timestamp": None} == {**two, "timestamp": None}


def test_the_rate_holds_exactly(sent: list[Record]) -> None:
    assert len(sent) == RATE * SECONDS + 1
    assert sent[1000].due == 1000 / RATE


def test_events_have_the_fields_of_the_contract(events: list[tuple[Record, Event]]) -> None:
    first = events[0][1]
    assert list(first) == [
        "event_id", "timestamp", "user_id", "ip_address", "action", "product_id", "user_agent", "response_time",
        "status_code",
    ]  # fmt: skip
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}", first["event_id"])
    assert re.fullmatch(r"2026-01-15T07:00:0\d\.\d{3}Z", first["timestamp"])
    assert isinstance(first["response_time"], float)
    assert isinstance(first["status_code"], int)


def test_the_funnel_of_people_is_a_hundred_to_twelve_to_four(events: list[tuple[Record, Event]]) -> None:
    counts = Counter(e.get("action") for r, e in events if r.client and r.client.kind in PEOPLE)
    assert 0.09 < counts["add_to_cart"] / counts["view_product"] < 0.15
    assert 0.02 < counts["checkout"] / counts["view_product"] < 0.06


def test_nobody_checks_out_what_was_not_put_into_the_cart() -> None:
    traffic = Traffic(7, 20, 0.0, EPOCH)
    carts: set[str] = set()
    bought: list[str] = []
    for record in traffic.until(3_000, EPOCH):
        parsed = event(record.value) or {}
        if parsed.get("action") == "add_to_cart":
            carts.add(parsed["product_id"])
        if parsed.get("action") == "checkout" and record.due > 1_500:
            bought.append(parsed["product_id"])
    assert bought
    assert sum(product in carts for product in bought) / len(bought) > 0.95  # sessions under way at the start aside


def test_products_are_popular_and_rare(events: list[tuple[Record, Event]]) -> None:
    counts = [count for _, count in Counter(e["product_id"] for r, e in events if r.client).most_common()]
    assert counts[0] > 8 * counts[len(counts) // 2] > 0
    assert 300 <= len(counts) <= 325


def test_one_event_in_twenty_has_no_agent(events: list[tuple[Record, Event]]) -> None:
    missing = sum(e["user_agent"] is None for _, e in events)
    assert missing / len(events) == pytest.approx(0.05, abs=0.01)


def seconds_late(record: Record, parsed: Event) -> float:
    happened = datetime.fromisoformat(parsed["timestamp"].replace("Z", "+00:00"))
    return (START + timedelta(seconds=record.due) - happened).total_seconds()


def test_one_event_in_a_hundred_is_late_by_seconds_to_hours(events: list[tuple[Record, Event]]) -> None:
    lateness = [seconds_late(r, e) for r, e in events if r.client and str(e["timestamp"]).startswith("2026-01-1")]
    late = [seconds for seconds in lateness if seconds > 1]
    assert len(late) / len(events) == pytest.approx(0.01, abs=0.003)
    assert 4.9 < min(late) < 60
    assert 3_600 < max(late) < 6 * 3600 + 1
    assert all(-0.01 < seconds < 0.01 for seconds in lateness if seconds < 1)


def test_one_event_in_two_hundred_is_sent_twice_as_the_same_bytes(sent: list[Record]) -> None:
    counts = Counter(record.value for record in sent)
    copies = [record for record in sent if record.client is None]
    assert len(copies) / len(sent) == pytest.approx(0.005, abs=0.002)
    assert all(counts[copy.value] == 2 for copy in copies)


def test_one_record_in_a_thousand_is_garbage_of_every_sort(sent: list[Record]) -> None:
    clean = re.compile(
        rb'\{"event_id":"[-0-9a-f]{36}","timestamp":"20[12]\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","user_id":"[a-z0-9]+",'
        rb'"ip_address":"(?!999)[0-9.]+","action":"(view_product|add_to_cart|checkout)","product_id":"\d+",'
        rb'"user_agent":(null|"[^"]+"),"response_time":[0-9.]+,"status_code":\d{3}\}'
    )
    lines = [record for record in sent if record.header is not None]
    garbage = [record for record in sent if record.header is None and not clean.fullmatch(record.value)]
    garbage += [record for record in lines if not LOG.match(record.value.decode("latin-1"), record.value.find(b" "))]
    assert len(garbage) / len(sent) == pytest.approx(0.001, abs=0.0005)
    assert len({record.value for record in garbage}) > len(KINDS) // 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_sort_of_garbage_differs_from_the_event(kind: str) -> None:
    value = next(Traffic(7, RATE, 0.0, EPOCH).until(0, EPOCH)).value
    assert spoil(kind, value, int(EPOCH * 1000)) != value


def test_failing_payments_come_in_bursts() -> None:
    failed = [
        int(record.due // 10)
        for record in Traffic(7, RATE, 0.0, EPOCH).until(600, EPOCH)
        if (parsed := event(record.value)) and parsed.get("action") == "checkout" and parsed["status_code"] >= 500
    ]
    per_window = Counter(failed)
    busiest = [count for _, count in per_window.most_common(6)]
    assert len(failed) > 50
    assert sum(busiest) > 0.4 * len(failed), "six of sixty windows hold most failures"


def test_bots_send_the_share_that_was_asked_for() -> None:
    for share in (0.0, 0.2, 0.5, 1.0):
        seen = [r for r in records(bots=share, until=100) if r.client]
        bots = sum(r.client.kind not in PEOPLE for r in seen if r.client)
        assert bots / len(seen) == pytest.approx(share, abs=0.015)


def test_the_rhythm_of_the_day_moves_who_comes_but_averages_out() -> None:
    assert sum(HOURLY_RHYTHM) == pytest.approx(0, abs=1e-9)

    def share(hour: int) -> float:
        seen = [r.client for r in Traffic(7, RATE, 0.2, hour * 3600).until(300, EPOCH) if r.client]
        return sum(client.kind not in PEOPLE for client in seen) / len(seen)

    assert share(3) > share(20) + 0.04


def test_iso_keeps_milliseconds_and_utc() -> None:
    assert iso(int(EPOCH * 1000) + 7) == "2026-01-15T07:00:00.007Z"
    assert iso(-1) == "1969-12-31T23:59:59.999Z"


def test_the_truth_lists_every_client_and_keeps_earlier_runs(tmp_path: Path) -> None:
    path = tmp_path / "truth" / "clients.csv"
    earlier = Truth(path)
    earlier.add(Client("203.0.113.9", "u1", None, "human"))
    earlier.write()
    truth = Truth(path)
    truth.add(SPECIFIED_HAMMER)
    truth.write()
    with path.open(newline="") as file:
        kinds = {row["ip_address"]: row["kind"] for row in csv.DictReader(file)}
    assert kinds == {"203.0.113.9": "human", "192.168.1.100": "hammer"}
    assert list(path.parent.iterdir()) == [path], "no draft is left behind"


def test_the_truth_keeps_the_clients_that_came_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.shop.truth, "MOST_CLIENTS", 2)
    path = tmp_path / "clients.csv"
    for addresses in ("abac", "d"):  # the second run goes on where the first one ended
        truth = Truth(path)
        for address in addresses:
            truth.add(Client(address, "u1", None, "human"))
        truth.write()
    with path.open(newline="") as file:
        assert [row["ip_address"] for row in csv.DictReader(file)] == ["c", "d"]


class FakeProducer:
    """Takes everything at once."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.headers: list[list[tuple[str, bytes]] | None] = []
        self.refused: list[str] = []

    @property
    def sent(self) -> int:
        return len(self.values)

    acknowledged = sent
    has_room = True

    def send(self, value: bytes, headers: list[tuple[str, bytes]] | None = None, label: str = "") -> None:
        self.values.append(value)
        self.headers.append(headers)

    def settle(self) -> None:
        pass

    def wait(self, _is_reached: object) -> bool:
        return True

    def flush(self, _seconds: float) -> bool:
        return True


@pytest.mark.parametrize(
    ("bounds", "count"), [(Bounds(seconds=0.5), 100), (Bounds(records=37), 37), (Bounds(0.1, 1000), 20)]
)
def test_generate_ends_at_its_bounds_and_sends_no_more(tmp_path: Path, bounds: Bounds, count: int) -> None:
    producer: Any = FakeProducer()
    traffic = Traffic(7, 200, 0.2, EPOCH)
    assert generate(traffic, producer, Truth(tmp_path / "t.csv"), bounds, EPOCH, threading.Event())
    expected = records(until=1)[:count]
    assert producer.values == [record.value for record in expected]
    assert producer.headers == [[("event_id", record.header)] if record.header else None for record in expected]
    assert (tmp_path / "t.csv").exists()


def test_generate_stops_when_it_is_told_to(tmp_path: Path) -> None:
    producer: Any = FakeProducer()
    stop = threading.Event()
    traffic = Traffic(7, 100, 0.2, EPOCH)

    def stop_after_a_few() -> None:
        while len(producer.values) <= 5:
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=stop_after_a_few, daemon=True).start()
    assert generate(traffic, producer, Truth(tmp_path / "t.csv"), Bounds(), None, stop)
    assert len(producer.values) == traffic.sent > 5
