"""Erasure on real Delta tables: nothing says any more who the client was, and all counts are what they were."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from frames import at, event, iso, line
from lakes import append_batch, copy_of, sums
from pyspark.sql import Row, SparkSession
from settings_in import settings_in

from audit.check import Verdict
from audit.lake import pin
from audit.ledger import check_deeply
from audit.scope import Scope
from lake.addresses import address_pattern
from lake.contracts import CONVICTED, ERASED
from lake.contracts.records import BY_HAND, Change, ErasureRecord, ReplayRecord
from lake.errors import LakeError
from lake.requests import ReplayAnswer, ReplayRequest, VerdictRequest, ask, read_answer, withdraw
from lake.settings import Settings
from lake.url_rules import UrlRules, load_rules
from spark.errands.erasure import erase_on_record
from spark.pipeline import Pipeline
from spark.tables.delta import snapshot
from spark.tables.ledger_parts import added_files
from spark.tables.storage import list_texts

CLIENT = "198.51.100.7"
NEIGHBOUR = "198.51.100.77"
KNOWN = {"203.0.113.7": CLIENT, '"-"': '"https://jane.example/?from=198.51.100.7"', "- - [": "- jane ["}


@pytest.fixture(scope="module")
def filled(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    lake = settings_in(tmp_path_factory.mktemp("filled"))
    fill(session, lake)
    return lake


@pytest.fixture
def settings(filled: Settings, tmp_path: Path) -> Settings:
    """A copy of the filled lake, for one test."""
    return copy_of(filled, tmp_path)


def fill(session: SparkSession, settings: Settings) -> None:
    """Events and lines of the client, of a neighbour, and of others that mention the client; good ones and garbage."""
    mentioned = {"Firefox/131.0": f'Firefox/131.0" "{CLIENT}'}
    first = [
        event(event_id="a", ip_address=CLIENT, user_id="jane", timestamp=iso(1)),
        event(event_id="b", ip_address=CLIENT, user_agent=None, response_time=1e-3, timestamp=iso(2)),
        event(event_id="c", ip_address=CLIENT, user_agent="Googlebot/2.1", product_id=None, timestamp=iso(11)),
        event(event_id=f"d-{CLIENT}", ip_address=CLIENT, action="checkout", status_code=503, timestamp=iso(12)),
        event(event_id="e", ip_address=NEIGHBOUR, timestamp=iso(13)),
        event(event_id="f", product_id=CLIENT, timestamp=iso(14)),
        line("/product/31893?ref=198.51.100.7", **KNOWN),
        line("/robots.txt", **KNOWN),
        line("/basket/add/5544", **mentioned),
        event(event_id="g", ip_address=CLIENT, action="search"),
        f"garbage of {CLIENT}".encode(),
        b"\xff\xfe " + CLIENT.encode(),
        f"garbage of {NEIGHBOUR}".encode(),
    ]
    append_batch(session, settings, first)
    append_batch(session, settings, [event(event_id="a", ip_address=CLIENT, timestamp=iso(3)), first[0], first[3]])
    Pipeline(session, settings).count()


def everything(folder: Path) -> Iterator[str]:
    """The text of every file, and every row of every Parquet file, in use or not."""
    for path in folder.rglob("*"):
        if path.suffix == ".parquet" and "_delta_log" not in path.parts:
            yield from map(repr, pq.read_table(path, partitioning=None).to_pylist())
        elif path.is_file():
            yield path.read_bytes().decode(errors="replace")


def mentions(folder: Path) -> int:
    return sum(bool(re.search(address_pattern(CLIENT), text)) for text in everything(folder))


def replayed(settings: Settings) -> ReplayRecord:
    """The record of replay ``r``, as it was answered."""
    answer = read_answer(settings.requests, "r", ReplayAnswer)
    assert answer
    return answer.outcome()


def renamed(cells: Counter[Row]) -> Counter[tuple[object, ...]]:
    """The cells with the client's key as it is to be."""
    names = (cell.asDict() | {"key": ERASED if cell["key"] == CLIENT else cell["key"]} for cell in cells)
    return Counter(tuple(name.values()) for name in names)


def wrong(session: SparkSession, settings: Settings, rules: UrlRules) -> list[str]:
    lake, checks = pin(session, settings)
    checks += check_deeply(lake, Scope(), rules)
    session.conf.set("spark.sql.shuffle.partitions", "2")
    return [f"{check.name}: {check.note}" for check in checks if check.verdict is not Verdict.OK]


def test_an_erased_client_is_nowhere_and_all_still_counts(
    session: SparkSession, settings: Settings, rules: UrlRules
) -> None:
    before, version = sums(session, settings), snapshot(session, settings.ledger).version
    assert mentions(settings.data) > 0

    record = erase_on_record(session, settings, CLIENT, f"asked for by {CLIENT} itself")
    assert (record.own, record.rejected, record.others) == (10, 2, 2)
    assert (record.reason, record.finished) == ("asked for by erased itself", True)
    assert [ErasureRecord.of(json.loads(text)) for text in list_texts(session, settings.erasures)] == [record]
    assert mentions(settings.data) == 0
    assert not any("jane" in text or "Googlebot" in text for text in everything(settings.data))
    assert any(NEIGHBOUR in text for text in everything(settings.data))

    assert Counter(tuple(cell) for cell in sums(session, settings)) == renamed(before)
    assert wrong(session, settings, rules) == []
    start = int(at(0).timestamp())
    ask(settings.requests, ReplayRequest("r", start - 600, start + 600))
    Pipeline(session, settings).count()
    assert replayed(settings).corrections == 0
    with pytest.raises(LakeError, match="erased"):  # which has the mirror fill PostgreSQL anew
        added_files(session, settings.ledger, version, snapshot(session, settings.ledger).version)

    # Who comes again is counted as anybody, and what was sent before is still known.
    again = event(event_id="b", ip_address=CLIENT, timestamp=iso(2))
    append_batch(session, settings, [again, event(ip_address=CLIENT)])
    Pipeline(session, settings).count()
    assert [row["events"] for row in sums(session, settings) if row["key"] == CLIENT] == [1]


def foreign_records() -> list[bytes]:
    """What the client did, in other formats than ours; it says who it was in each."""
    log = {
        "time_iso8601": iso(20),
        "remote_addr": CLIENT,
        "request": "GET /product/7 HTTP/1.1",
        "status": "200",
        "body_bytes_sent": 512,
        "request_time": "0.012",
        "http_referer": "https://jane.example/",
        "http_user_agent": "Googlebot/2.1",
        "http_host": "shop.example",
    }
    wrapped = {"message": line("/product/8", **KNOWN).decode(), "file": f"/logs/{CLIENT}.log", "offset": 7, "host": "a"}
    inner = {"log": event(event_id="h", ip_address=CLIENT, user_id="jane", timestamp=iso(21)).decode()}
    counts = "a b/c 0/0/1/2/12 503 512 - - ---- 1/1/0/0/0 0/0"
    haproxy = f'{CLIENT}:5 [01/Jan/2026:12:00:22.000] {counts} "POST /checkout HTTP/1.1"'
    return [
        *(json.dumps(one).encode() for one in (log, {**log, "request": "-", "time_iso8601": iso(23)}, wrapped, inner)),
        f"<134>Jan  1 12:00:22 haproxy[7]: {haproxy}".encode(),
        line("/product/9", **KNOWN) + b" 0.012 jane",
    ]


def test_a_client_of_foreign_formats_is_erased_and_all_still_counts(
    session: SparkSession, settings: Settings, rules: UrlRules
) -> None:
    append_batch(session, settings, foreign_records())
    declared = [f"{iso(24)}|{CLIENT}|GET|/product/10|200|0.034|jane's browser".encode()]
    string = "{time}|{ip_address}|{method}|{url}|{status_code}|{response_time}|{user_agent}"
    append_batch(session, settings, declared, log_format=string)
    Pipeline(session, settings).count()
    before = sums(session, settings)
    assert wrong(session, settings, rules) == []
    record = erase_on_record(session, settings, CLIENT, "")
    assert (record.own, record.rejected, record.others) == (10 + len(foreign_records()) + 1, 2, 2)
    assert mentions(settings.data) == 0
    assert not any("jane" in text or "Googlebot" in text for text in everything(settings.data))
    assert Counter(tuple(cell) for cell in sums(session, settings)) == renamed(before)
    assert wrong(session, settings, rules) == []
    start = int(at(0).timestamp())
    ask(settings.requests, ReplayRequest("r", start - 600, start + 600))
    Pipeline(session, settings).count()
    assert replayed(settings).corrections == 0


def test_what_a_replay_has_counted_counts_on_and_records_forget_the_client(
    session: SparkSession, settings: Settings
) -> None:
    early = [event(event_id="early", ip_address=CLIENT, timestamp=iso(3600)), line(**{"12:00:00": "13:00:00", **KNOWN})]
    append_batch(session, settings, early)
    Pipeline(session, settings).count()
    settings = replace(settings, future_seconds=7200)
    start = int(at(0).timestamp())
    ask(settings.requests, ReplayRequest("r", start - 600, start + 7200, reason=f"for {CLIENT}"))
    Pipeline(session, settings).count()
    assert replayed(settings).moved["events"] == 2
    ask(settings.requests, VerdictRequest("v", BY_HAND, (Change(CLIENT, CONVICTED, f"{CLIENT} is one"),)))
    Pipeline(session, settings).count()
    before = sums(session, settings)
    for request_id in ("r", "v"):
        withdraw(settings.requests, request_id)
    for folder in (settings.replays, settings.verdicts):
        assert mentions(Path(folder)) == 1

    record = erase_on_record(session, settings, CLIENT, "")
    assert (record.own, record.rejected, record.others) == (12, 2, 2)
    assert mentions(settings.data) == 0
    assert Counter(tuple(cell) for cell in sums(session, settings)) == renamed(before)
    assert wrong(session, settings, load_rules(settings)) == []


@pytest.mark.parametrize(
    ("address", "text", "is_in"),
    [
        ("10.0.0.1", "10.0.0.1 - -", True),
        ("10.0.0.1", "from 10.0.0.1.", True),
        ("10.0.0.1", '"10.0.0.1"', True),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("10.0.0.1", "10.0.0.12", False),
        ("10.0.0.1", "110.0.0.1", False),
        ("10.0.0.1", "9.10.0.0.1", False),
        ("10.0.0.1", "10.0.0.1.5", False),
        ("10.0.0.1", "10a0b0c1", False),
        ("2001:db8::1", "[2001:DB8::1]", True),
        ("2001:db8::1", "2001:db8::1f", False),
        ("2001:db8::1", "2001:db8::1:2", False),
    ],
)
def test_an_address_is_found_where_it_stands_alone(address: str, text: str, is_in: bool) -> None:
    assert bool(re.search(address_pattern(address), text)) is is_in
