"""Rows whose client is another than on arrival, because other proxies are trusted: replays, verdicts and erasures."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from frames import at, event, iso, line
from lakes import append_batch, copy_of, sums
from pyspark.sql import Row, SparkSession
from settings_in import settings_in

from audit.check import Verdict
from audit.client_records import records_of
from audit.lake import pin
from audit.ledger import check_counts, check_deeply
from audit.scope import Scope
from lake.addresses import address_pattern
from lake.contracts import CONVICTED, ERASED, RELEASED
from lake.contracts.records import BY_HAND, BY_MARTS, Change, VerdictRecord
from lake.requests import ReplayRequest, VerdictAnswer, VerdictRequest, ask, read_answer
from lake.settings import Settings
from lake.url_rules import load_rules
from spark.errands.erasure import erase_on_record
from spark.pipeline import Pipeline
from spark.tables.verdicts import Verdicts

PROXY = "192.0.2.6"
ANNA, BEN, CARL = "203.0.113.6", "198.51.100.6", "2001:db8::6"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def behind(client: str, second: int, target: str = "/product/7", proxy: str = PROXY, agent: str = "") -> bytes:
    """A line of a server behind the proxy."""
    text = line(target, **{"203.0.113.7": proxy, "12:00:00": f"12:00:{second:02}"}).decode()
    return f'{text.replace("Mozilla/5.0 Firefox/131.0", agent or "Mozilla/5.0 Firefox/131.0")} "{client}"'.encode()


@pytest.fixture(scope="module")
def undeclared(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake that counted all who came through a proxy as one client, and one who came past it in two spellings."""
    lake = settings_in(tmp_path_factory.mktemp("undeclared"))
    lines = [
        *(behind(ANNA, second) for second in range(5)),
        *(behind(f"10.9.9.9, {BEN}", second) for second in range(3)),
        behind("2001:DB8:0:0:0:0:0:6", 11),
        behind(ANNA, 12, agent=BOT),
        behind(BEN, 13, "/?from=203.0.113.6"),
        line("/product/8", **{"203.0.113.7": f"::ffff:{ANNA}"}),
        event(ip_address=ANNA, timestamp=iso(14)),
    ]
    append_batch(session, lake, lines)
    Pipeline(session, lake).count()
    return lake


@pytest.fixture
def declared(session: SparkSession, undeclared: Settings, tmp_path: Path) -> Settings:
    """A copy of that lake, replayed after the proxy was declared."""
    lake = replace(copy_of(undeclared, tmp_path), trusted_proxies=PROXY)
    replay(session, lake, "declared")
    return lake


def replay(session: SparkSession, settings: Settings, request_id: str) -> None:
    start = int(at(0).timestamp())
    ask(settings.requests, ReplayRequest(request_id, start - 600, start + 600))
    Pipeline(session, settings).count()


def events(counted: Counter[Row]) -> dict[tuple[str, bool], int]:
    """Events by client, people's and bots' apart."""
    clients: Counter[tuple[str, bool]] = Counter()
    for row in counted:
        if row.dimension == "client":
            clients[row.key, row.is_bot] += row.events
    return {key: number for key, number in clients.items() if number}


def wrong(session: SparkSession, settings: Settings) -> list[str]:
    lake, checks = pin(session, settings)
    checks += [*check_counts(lake, Scope()), *check_deeply(lake, Scope(), load_rules(settings))]
    session.conf.set("spark.sql.shuffle.partitions", "2")
    return [f"{check.name}: {check.note}" for check in checks if check.verdict is not Verdict.OK]


def test_a_replay_finds_the_clients_behind_a_proxy_that_is_declared_later(
    session: SparkSession, undeclared: Settings, declared: Settings
) -> None:
    assert events(sums(session, undeclared)) == {(PROXY, False): 10, (PROXY, True): 1, (ANNA, False): 2}
    assert wrong(session, undeclared) == []
    known = {(ANNA, False): 7, (ANNA, True): 1, (BEN, False): 4, (CARL, False): 1}
    assert events(sums(session, declared)) == known
    assert wrong(session, declared) == []


def test_a_verdict_moves_all_that_is_the_clients_by_todays_reading(session: SparkSession, declared: Settings) -> None:
    for client in (ANNA, CARL):
        ask(declared.requests, VerdictRequest(client, BY_HAND, (Change(client, CONVICTED, "a test"),)))
        Pipeline(session, declared).count()
        answer = read_answer(declared.requests, client, VerdictAnswer)
        assert answer is not None
        assert answer.changes == 1
    assert events(sums(session, declared)) == {(ANNA, True): 8, (BEN, False): 4, (CARL, True): 1}
    assert wrong(session, declared) == []


def test_an_erasure_finds_whom_each_reading_names(session: SparkSession, declared: Settings) -> None:
    before = events(sums(session, declared))
    record = erase_on_record(session, declared, ANNA, "")
    assert (record.own, record.others, record.rejected) == (8, 1, 0)
    bronze = session.read.format("delta").load(declared.bronze)
    assert not any(re.search(address_pattern(ANNA), str(row)) for row in bronze.collect())
    after = events(sums(session, declared))
    assert after == {(ERASED if key == ANNA else key, is_bot): number for (key, is_bot), number in before.items()}
    assert wrong(session, declared) == []
    replay(session, declared, "again")
    assert events(sums(session, declared)) == after
    erase_on_record(session, declared, "2001:DB8::0:6", "")
    assert (CARL, False) not in events(sums(session, declared))
    assert wrong(session, declared) == []


def test_an_erasure_before_the_replay_is_one_after_it_too(
    session: SparkSession, undeclared: Settings, tmp_path: Path
) -> None:
    lake = copy_of(undeclared, tmp_path)
    erase_on_record(session, lake, ANNA, "")
    assert events(sums(session, lake)) == {(PROXY, False): 10, (PROXY, True): 1, (ERASED, False): 2}
    assert wrong(session, lake) == []
    lake = replace(lake, trusted_proxies=PROXY)
    replay(session, lake, "declared")
    assert events(sums(session, lake)) == {(ERASED, False): 8, (BEN, False): 4, (CARL, False): 1}
    assert wrong(session, lake) == []


def test_the_records_of_a_client_are_found_behind_its_proxy_and_in_any_spelling(
    session: SparkSession, declared: Settings
) -> None:
    bronze, rules = session.read.format("delta").load(declared.bronze), load_rules(declared)
    assert records_of(bronze, ANNA, rules).count() == 8
    assert records_of(bronze, BEN, rules).count() == 4
    assert records_of(bronze, CARL, rules).count() == 1
    assert records_of(bronze, PROXY, rules).count() == 11  # as which they were counted on arrival


def test_a_verdict_on_record_holds_for_todays_spelling_too() -> None:
    changes = (Change("2001:DB8::6", CONVICTED), Change("::ffff:203.0.113.6", CONVICTED), Change(BEN, CONVICTED))
    verdicts = Verdicts({}).with_record(VerdictRecord(1, BY_HAND, 0.0, changes))
    assert set(verdicts.convicted) == {"2001:DB8::6", CARL, "::ffff:203.0.113.6", ANNA, BEN}
    by_marts = verdicts.with_changes((Change("2001:DB8::6", RELEASED),), BY_MARTS, 1.0)
    assert by_marts.last[CARL].verdict == CONVICTED
    assert verdicts.with_changes((Change("2001:DB8::6", RELEASED),), BY_HAND, 1.0).last[CARL].verdict == RELEASED
