from __future__ import annotations

from ipaddress import ip_network

from frames import event, iso, line, records, seconds_of
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.contracts import MEASURES, names
from lake.url_rules import UrlRules
from spark.events.agents import Agents
from spark.events.claims import Ranges
from spark.events.counts import _in_pairs, amounts, conditions, count_windows, negative, sum_entries
from spark.events.judgement import Judgement
from spark.events.parse import parse_records


def counts(session: SparkSession, rules: UrlRules, *values: bytes, bots: list[str] | None = None, ingested: float = 0):  # type: ignore[no-untyped-def]
    events = parse_records(records(session, *values, ingested=ingested), rules)
    rows = (
        count_windows(events, Judgement(Agents(bots or []))).withColumn("second", seconds_of("window_start")).collect()
    )
    return {(row.dimension, row.second, row.key, row.is_bot): row for row in rows}


def test_every_measure_of_the_contract_has_an_expression(session: SparkSession) -> None:
    assert sorted([*conditions(Judgement()), *amounts()]) == sorted(names(MEASURES))


def test_an_odd_number_of_counts_goes_in_pairs_too(session: SparkSession) -> None:
    packed, unpacked = _in_pairs(
        {"all": F.lit(True), "even": F.col("id") % 2 == 0, "none": F.lit(None).cast("boolean")}
    )
    sums = session.range(5).select(*(column.alias(name) for name, column in packed.items()))
    sums = sums.groupBy().agg(*(F.sum(name).alias(name) for name in packed)).withColumns(unpacked)
    assert sums.select("all", "even", "none").first() == (5, 3, 0)


def test_a_view_at_ten_seconds_opens_the_next_window(session: SparkSession, rules: UrlRules) -> None:
    cells = counts(session, rules, *(event(timestamp=iso(second)) for second in (0, 9.999, 10)))
    assert {key: row.views for key, row in cells.items() if key[0] == "product"} == {
        ("product", 0, "p-1", False): 2,
        ("product", 10, "p-1", False): 1,
    }


def test_an_amount_that_sums_would_overflow_with_is_unknown(session: SparkSession, rules: UrlRules) -> None:
    slow = [event(event_id=name, response_time=9e15) for name in "ab"]
    large = [line("/", **{" 512 ": f" {2**63 - 1} "})] * 2
    row = counts(session, rules, *slow, *large, event())["all", 0, "all", False]
    assert (row.events, row.timed_events, row.response_ms, row.bytes) == (5, 1, 250, 0)


def test_all_dimensions_add_up_to_each_other(session: SparkSession, rules: UrlRules) -> None:
    cells = counts(
        session, rules, event(), event(action="checkout", product_id=None, status_code=503), line("/a.png"), line("/x")
    )
    totals = {d: sum(row.events for key, row in cells.items() if key[0] == d) for d in ("all", "action", "client")}
    assert totals == {"all": 4, "action": 4, "client": 4}
    assert {key[2] for key in cells if key[0] == "product"} == {"p-1"}
    assert {key[2]: row.events for key, row in cells.items() if key[0] == "status"} == {"200": 3, "503": 1}


TOTALS = {
    "events": 17,
    "views": 8,
    "add_to_carts": 1,
    "checkouts": 3,
    "client_errors": 3,
    "server_errors": 2,
    "payment_errors": 1,
    "late_events": 14,
    "response_ms": 3750,
    "timed_events": 10,
    "bytes": 2660,
    "assets": 1,
    "robots_reads": 1,
    "no_agent": 1,
    "pages": 5,
    "not_found": 2,
    "probes": 1,
    "posts": 1,
    "searches": 1,
    "failed_checkouts": 2,
    "crawler_events": 3,
    "tool_events": 2,
    "impostor_events": 1,
    "agents_0": 3,
    "agents_1": 1,
    "agents_2": 8,
    "agents_3": 4,
}
"""What the records of the next test add up to, worked out by hand; no measure stays 0."""


def test_measures_count_what_they_say(session: SparkSession, rules: UrlRules) -> None:
    on_time = iso(7)
    values = [
        event(action="checkout", status_code=502, response_time=1.5),
        event(action="checkout", status_code=402, response_time=None),
        event(action="add_to_cart", status_code=404, user_agent=None, timestamp=on_time),
        event(timestamp=on_time),
        event(timestamp=on_time),
        event(status_code=503, user_agent="Mozilla/5.0 Safari/17"),
        event(user_agent="Googlebot/2.1"),
        event(user_agent="ExampleBot/1.0"),
        event(user_agent="ExampleBot/1.0"),
        event(user_agent="curl/8"),
        event(user_agent="curl/8"),
        line("/robots.txt"),
        line("/logo.png"),
        line("/checkout"),
        line("/wp-login.php", **{" 200 512 ": " 404 100 "}),
        line("/login", GET="POST"),
        line("/en/search?q=teapot"),
    ]
    agents = Agents(
        crawlers=["Googlebot/2.1", "ExampleBot/1.0"], tools=["curl/8"], claims={"google": ["Googlebot/2.1"]}
    )
    judgement = Judgement(agents, Ranges({"google": (ip_network("66.249.64.0/19"),)}))
    windows = count_windows(parse_records(records(session, *values, ingested=605), rules), judgement)
    rows = windows.filter("dimension = 'all'").collect()
    assert [row.is_bot for row in rows if row.crawler_events or row.tool_events] == [True]
    assert {name: sum(row[name] for row in rows) for name in names(MEASURES)} == TOTALS
    assert 0 not in TOTALS.values()


def test_an_empty_request_is_neither_page_nor_probe_and_garbage_is(session: SparkSession, rules: UrlRules) -> None:
    unused = [line().replace(b'"GET / HTTP/1.1" 200', request) for request in (b'"-" 408', b'"" 400', b'"-" 400')]
    garbage = [
        line().replace(b'"GET / HTTP/1.1" 200', request) for request in (rb'"\x16\x03\x01" 400', b'"SSH-2.0-Go" 400')
    ]
    row = counts(session, rules, *unused, *garbage, line())["all", 0, "all", False]
    assert (row.events, row.pages, row.probes, row.client_errors) == (6, 3, 2, 5)


def test_what_an_app_asks_for_is_no_page_of_a_browser(session: SparkSession, rules: UrlRules) -> None:
    browser = "Mozilla/5.0 Firefox/131.0"
    apps = [line("/product/7", **{browser: agent}) for agent in ("okhttp/4.12.0", "Shop/7 CFNetwork/1485 Darwin/23")]
    row = counts(session, rules, *apps, line("/product/7"), line("/product/7", **{browser: "-"}))[
        "all", 0, "all", False
    ]
    assert (row.events, row.views, row.pages) == (4, 4, 2)


def test_an_event_is_late_after_more_than_ten_minutes(session: SparkSession, rules: UrlRules) -> None:
    on_time = counts(session, rules, event(), ingested=600)
    late = counts(session, rules, event(), ingested=600.001)
    assert [cells["all", 0, "all", False].late_events for cells in (on_time, late)] == [0, 1]


def test_bots_are_counted_apart(session: SparkSession, rules: UrlRules) -> None:
    cells = counts(session, rules, event(), event(user_agent="Bot-Agent/1.0"), bots=["Bot-Agent/1.0"])
    assert {key[3]: row.events for key, row in cells.items() if key[0] == "all"} == {False: 1, True: 1}


def test_entries_add_up_and_corrections_take_away(session: SparkSession, rules: UrlRules) -> None:
    entry = count_windows(parse_records(records(session, event(), event()), rules), Judgement())
    total = sum_entries(entry.unionAll(entry).unionAll(negative(entry))).filter("dimension = 'all'").first()
    assert total is not None
    assert total.events == 2
