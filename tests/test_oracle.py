"""The audit's own reading of records, against known cases and against the stream's parser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from examples import ACCEPTED, REJECTED
from frames import START, event, line, records
from mutations import mutations
from pyspark.sql import SparkSession

from audit.oracle import MEASURES, Oracle, Record, agents
from audit.oracle.agents import agent_kind
from audit.oracle.times import SECOND
from lake import contracts
from lake.errors import RulesError
from lake.url_rules import UrlRules
from spark.events.parse import parse_records

NOW = int(START.timestamp()) * SECOND
EDGES = [
    event(response_time="0.0005"),
    event(response_time=1.0005),
    event(response_time=2.5e-3),
    event(response_time="1e99"),
    *(
        event(response_time=time)
        for time in (9e15, 1234567890.5, 1e-9, 1e-99, 9e-100, 9e99, 1e100, 0.0, -0.0, -0.5, 1e308)
    ),
    event(status_code=599),
    event(status_code=600),
    event(product_id=""),
    event(product_id=1.50),
    event(product_id=True),
    event(user_agent=""),
    event(event_id=17),
    event(timestamp="2026-01-01T12:00:00+18:30"),
    event(timestamp="2026-01-01T24:00:00Z"),
    event(timestamp="2026-01-01T12:00:60Z"),
    event(timestamp="2026-01-01T12:00:09.9999999Z"),
    event(timestamp="2026-01-01T02:00:00-10"),
    event(ip_address="fe80::1%eth0"),
    event(ip_address="::ffff:1.2.3"),
    event(ip_address="1:2:3:4:5:6:1.2.3.4"),
    event(action="x" * 300),
    line(**{"01/Jan": "30/Feb"}),
    line(**{"01/Jan": "1/Jan"}),
    line(**{"12:00:00 +0000": "12:00:00"}),
    line(**{"12:00:00 +0000": "24:00:00 +0000"}),
    line(**{"200 512": "999 99999999999999999999"}),
    line(**{"203.0.113.7": "-"}),
    line("/product/7?a=1#b"),
    line("http://shop.example"),
    line("//x"),
    line("/robots.txt?x"),
    line("/" + "a" * 300),
    line("/product/" + "a" * 300),
    line(**{'"-" "Mozilla/5.0 Firefox/131.0"': '"-" "-"'}),
    line(**{'"-" "Mozilla/5.0 Firefox/131.0"': '"" ""'}),
    line(**{"GET ": "GET  "}),
    line(**{" 512 ": f" {'9' * 5000} "}),
    line(**{" 512 ": f" {'0' * 5000}7 "}),
    event(product_id="\ud800", user_agent="\udc00x"),
    event(user_agent="\U0001f9e8" * 3000),
    line(Mozilla="M" * 3000),
    event(user_agent="x" * 3000 + "\0"),
    event(timestamp="0000-02-29T00:00:00Z"),
    event(timestamp="0000-02-30T00:00:00Z"),
    line(**{"01/Jan/2026": "29/Feb/0000"}),
    line("/checkout\u2028"),
    line("/checkout\n"),
    line("/cart/add/\u2028?id=7"),
    line("/reunion20select"),
    line("/?union+%20+select"),
]


def test_every_reject_reason_is_found_by_the_oracle(rules: UrlRules) -> None:
    oracle = Oracle(rules)
    assert [(oracle.read(value, NOW).reject_reason, value) for _, value in REJECTED] == REJECTED
    assert [value for value in ACCEPTED if oracle.read(value, NOW).reject_reason] == []


def read_alike(session: SparkSession, rules: UrlRules, cases: list[bytes]) -> None:
    """Require that oracle and stream read all records alike; the message of the first that differs has it."""
    oracle = Oracle(rules)
    columns = ["action", "product_id", "ip_address", "status_code", "response_ms", "bytes", "path", "user_agent"]
    parsed = parse_records(records(session, *cases), rules).drop("occurred_at")  # Python has no year 0
    rows = parsed.orderBy("kafka_offset").collect()
    for value, row in zip(cases, rows, strict=True):
        found = oracle.read(value, NOW)
        assert found.reject_reason == row.reject_reason, value
        if row.reject_reason is None:
            assert [getattr(found, name) for name in columns] == [row[name] for name in columns], value
            assert found.window == int(row.window_start.timestamp()) * SECOND, value


def test_oracle_and_stream_read_every_case_alike(session: SparkSession, rules: UrlRules) -> None:
    read_alike(session, rules, [*(value for _, value in REJECTED), *ACCEPTED, *EDGES])


def test_oracle_and_stream_read_alike_what_is_nearly_right(session: SparkSession, rules: UrlRules) -> None:
    read_alike(session, replace(rules, log_timezone="America/New_York"), mutations(2_000))


def test_the_oracle_knows_every_measure() -> None:
    assert list(MEASURES) == contracts.names(contracts.MEASURES)


def test_the_first_of_equal_events_counts_once_in_each_dimension(rules: UrlRules) -> None:
    second = START.timestamp()
    sent = [
        Record(event(), None, "0-0", second),
        Record(event(), None, "0-1", second),
        Record(event(), "header", "0-2", second),
        Record(b"garbage", None, "0-3", second),
        Record(line("/"), None, "0-4", second),
    ]
    cells, rejected, duplicates = Oracle(rules).count(sent)
    assert (rejected, duplicates) == (1, 1)
    window = int(second)
    assert {cell: number for cell, number in cells.items() if cell[0] in {"all", "action", "product", "client"}} == {
        ("all", window, "all"): 3,
        ("action", window, "view_product"): 2,
        ("action", window, "other"): 1,
        ("product", window, "p-1"): 2,
        ("client", window, "203.0.113.7"): 3,
    }


PHONE = "Mozilla/5.0 (Linux; Android 9; CUBOT X30) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36"
KINDS = [("Googlebot/2.1", "crawler"), ("my-bot", "crawler"), ("curl/8", "tool"), (PHONE, "human")]


@pytest.mark.parametrize(("agent", "kind"), KINDS)
def test_an_agent_is_known_by_its_word(agent: str, kind: str) -> None:
    assert agent_kind(agent) == kind


@pytest.mark.parametrize("text", ["says_bot: [", "[]", "says_bot: ['(']", "says_bot: []", "\xff", "says_bot: bot"])
def test_broken_rules_for_agents_are_an_error_with_the_next_step(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agents.yml").write_text(text, encoding="latin-1")
    monkeypatch.setattr(agents, "AGENTS_FILE", tmp_path / "agents.yml")
    with pytest.raises(RulesError, match=r"agents\.yml .*; (restore the file|correct it|save it as UTF-8)"):
        agents._words.__wrapped__()
