from __future__ import annotations

from dataclasses import replace

import pytest
from examples import ACCEPTED, GOOD, REJECTED
from frames import event, line, records, seconds_of
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from lake.contracts import BEFORE_HORIZON, BRONZE, FORMER_REASONS, REJECT_REASONS, names
from lake.url_rules import UrlRule, UrlRules
from spark.events.parse import parse_records


def parse(session: SparkSession, rules: UrlRules, *values: bytes | None) -> list[Row]:
    parsed = parse_records(records(session, *values), rules).drop("occurred_at")  # Python has no year 0
    return parsed.withColumn("second", seconds_of("window_start")).orderBy("kafka_offset").collect()


def test_each_rejected_record_gets_its_reason_and_keeps_its_bytes(session: SparkSession, rules: UrlRules) -> None:
    rows = parse(session, rules, *(value for _, value in REJECTED))
    assert [(row.reject_reason, bytes(row.value)) for row in rows] == REJECTED
    assert all(row.window_start is None and row.event_key is None for row in rows)
    assert {str(row.event_date) for row in rows} == {"2026-01-01"}


def test_every_reason_of_the_contract_is_tried() -> None:
    assert {reason for reason, _ in REJECTED} == set(REJECT_REASONS) - {BEFORE_HORIZON}  # which no bytes have
    assert not set(REJECT_REASONS) & set(FORMER_REASONS)


def test_good_records_are_not_rejected(session: SparkSession, rules: UrlRules) -> None:
    rows = parse(session, rules, *ACCEPTED)
    assert [(value, row.reject_reason) for value, row in zip(ACCEPTED, rows, strict=True) if row.reject_reason] == []


def test_a_record_without_a_value_is_kept_and_rejected(session: SparkSession, rules: UrlRules) -> None:
    (row,) = parse(session, rules, None)
    assert (row.value, row.reject_reason) == (None, "not_a_log_line")


def test_an_event_fills_the_columns_of_bronze(session: SparkSession, rules: UrlRules) -> None:
    parsed = parse_records(records(session, GOOD), rules)
    assert parsed.columns == [name for name in names(BRONZE) if name != "batch"]
    row = parsed.first()
    assert row is not None
    assert (row.format, row.event_id, row.ip_address, row.user_id) == ("json", "e-1", "203.0.113.7", "u-1")
    assert (row.action, row.product_id, row.status_code, row.response_ms) == ("view_product", "p-1", 200, 250)


def test_what_cannot_be_read_is_null_and_the_event_counts(session: SparkSession, rules: UrlRules) -> None:
    odd: dict[str, list[bytes]] = {
        "response_ms": [event(response_time=time) for time in ("-", "", "0.1, 0.2", -1, True, [1])],
        "status_code": [event(status_code=code) for code in ("-", "", 0, 99, 600, 200.5, [200], "2OO")],
        "ip_address": [event(ip_address=address) for address in ("", "-", "256.1.1.1", 42, ["a"], ...)],
        "product_id": [event(product_id=product) for product in ({"id": 1}, ["p"], "", None)],
        "user_id": [event(user_id=user) for user in ({"id": 1}, [7])],
        "user_agent": [event(user_agent=agent) for agent in ({"a": 1}, None)],
    }
    rows = iter(parse(session, rules, *(value for values in odd.values() for value in values)))
    for column, values in odd.items():
        for value in values:
            row = next(rows)
            assert (row.reject_reason, row.action, row[column], value) == (None, "view_product", None, value)


def test_an_action_that_nobody_listed_counts_as_other(session: SparkSession, rules: UrlRules) -> None:
    rows = parse(session, rules, *(event(action=action) for action in ("search", "VIEW_PRODUCT", "", 42, ["checkout"])))
    assert {(row.reject_reason, row.action, row.product_id) for row in rows} == {(None, "other", "p-1")}


def test_an_overlong_product_is_cut_and_stays_itself(session: SparkSession, rules: UrlRules) -> None:
    long = "\N{GRINNING FACE}" * 256
    names = [long, long + "a", long + "b", long + "a"]
    kept, *cut = [row.product_id for row in parse(session, rules, *(event(product_id=name) for name in names))]
    assert kept == long
    assert [len(name) for name in cut] == [256] * 3
    assert cut[0] == cut[2] != cut[1]
    assert cut[0].startswith(long[:239] + "~")


def test_bytes_that_are_no_text_cost_nobody_the_event(session: SparkSession, rules: UrlRules) -> None:
    values = [
        GOOD.replace(b"u-1", b"u\xc3("),
        GOOD.replace(b"Firefox", b"\xe7\xba Firefox"),
        line(Mozilla="Agent \N{REGISTERED SIGN} ").replace(b"\xc2\xae", b"\xae"),
        b"\x00" * 4096 + line(Mozilla="Agent\x00"),
        GOOD.replace(b"p-1", b"p\\u0000"),
    ]
    rows = parse(session, rules, *values)
    assert [row.reject_reason for row in rows] == [None] * len(values)
    assert [bytes(row.value) for row in rows] == values
    assert rows[0].user_id == "u\ufffd("
    assert rows[1].user_agent.endswith("\ufffd Firefox/131.0")
    assert rows[2].user_agent == "Agent \ufffd /5.0 Firefox/131.0"
    assert rows[3].user_agent == "Agent\ufffd/5.0 Firefox/131.0"
    assert rows[4].product_id == "p\ufffd"


def test_an_event_that_nginx_wrote_without_escaping_for_json_is_read(session: SparkSession, rules: UrlRules) -> None:
    written = {
        rb"Tab 10\x22": 'Tab 10"',
        rb"\xE7\xBA\xA2%41+": "\u7ea2%41+",
        rb"a\x5Cb\x09": "a\\b\t",
        rb"\xE7\x22": '\ufffd"',
        rb"a\\x41": r"a\x41",
        rb"\\\x41": r"\A",
        rb"\x00": "\ufffd",
    }
    rows = parse(session, rules, *(GOOD.replace(b"p-1", part) for part in written))
    assert [(row.reject_reason, row.product_id) for row in rows] == [(None, product) for product in written.values()]


def test_quotes_that_nobody_escaped_stay_in_the_agent(session: SparkSession, rules: UrlRules) -> None:
    agents = {
        '"Tab 10" FHD) Safari"': 'Tab 10" FHD) Safari',
        '""Mozilla/5.0""': '"Mozilla/5.0"',
        '"Tab 10" FHD" "198.51.100.1"': 'Tab 10" FHD',
        r'"say \"hi\" 10""': r"say \"hi\" 10" + '"',
    }
    rows = parse(session, rules, *(line(**{'"Mozilla/5.0 Firefox/131.0"': agent}) for agent in agents))
    assert [row.user_agent for row in rows] == list(agents.values())


SAME_INSTANT = [
    "2026-01-01T12:00:00.250Z",
    "2026-01-01T12:00:00,250Z",
    "2026-01-01 12:00:00.25 UTC",
    "2026-01-01 12:00:00.25 GMT",
    "2026-01-01 13:30:00.25 +0130",
    "2026-01-01T12:00:00.25+00",
    "2026-01-01T12:00:00.25",
    "Thu, 01 Jan 2026 12:00:00.25 GMT",
    "1 Jan 2026 11:00:00,25 -0100",
    "01/Jan/2026:12:00:00.250 +0000",
    1767268800.25,
    "1767268800.25",
    1767268800250,
    1767268800250.0,
    "1767268800250",
    1767268800250000,
    1767268800250000999,
]


def test_a_time_is_read_however_it_is_written(session: SparkSession, rules: UrlRules) -> None:
    lines = (line(**{"01/Jan/2026:12:00:00 +0000": str(time)}) for time in SAME_INSTANT)
    parsed = parse_records(records(session, *(event(timestamp=time) for time in SAME_INSTANT), *lines), rules)
    rows = parsed.selectExpr("kafka_offset", "unix_micros(occurred_at) as micros").orderBy("kafka_offset").collect()
    assert [row.micros for row in rows] == [1767268800250000] * len(rows)


def test_a_time_without_seconds_and_one_of_an_archive_are_read(session: SparkSession, rules: UrlRules) -> None:
    rows = parse(session, rules, event(timestamp="2026-01-01T12:00Z"), line(**{"01/Jan/2026": "01/Aug/1995"}))
    assert [(row.reject_reason, str(row.event_date)) for row in rows] == [(None, "2026-01-01"), (None, "1995-08-01")]


def test_a_time_without_a_zone_is_of_the_zone_of_the_settings(session: SparkSession, rules: UrlRules) -> None:
    berlin = replace(rules, log_timezone="Europe/Berlin")
    summer = {"01/Jan/2026:12:00:00 +0000": "29/Mar/2026:03:30:00", " 512": " 513"}
    skipped = {**summer, "03:30": "02:30"}
    value = [event(timestamp="2026-01-01T13:00:00"), event(), line(**{" +0000": ""}), line(**summer), line(**skipped)]
    rows = parse_records(records(session, *value, ingested=86400 * 100), berlin)
    found = rows.withColumn("second", seconds_of("window_start")).orderBy("kafka_offset").collect()
    change = 86400 * 87 - 12 * 3600 + 90 * 60
    assert [row.second for row in found] == [0, 0, -3600, change, change]


def test_a_clock_may_run_ahead_by_as_much_as_the_settings_say(session: SparkSession, rules: UrlRules) -> None:
    early = event(timestamp="2026-01-01T12:59:59Z")
    (refused,) = parse(session, rules, early)
    (taken,) = parse(session, replace(rules, future_seconds=3600), early)
    assert (refused.reject_reason, taken.reject_reason) == ("time_in_future", None)


def test_the_server_that_wrote_a_record_is_in_its_header(session: SparkSession, rules: UrlRules) -> None:
    sources = F.when(F.col("kafka_offset") == 0, "web1").when(F.col("kafka_offset") == 1, "")
    frame = records(session, line(), line(), line()).withColumn("header_source", sources)
    rows = parse_records(frame, rules).orderBy("kafka_offset").collect()
    assert [row.source for row in rows] == ["web1", None, None]


@pytest.mark.parametrize(
    ("response_time", "response_ms"),
    [(0, 0), (0.0, 0), (1e-5, 0), (0.0005, 1), (0.2504, 250), (3, 3000), (1e6, 10**9), (1.5e6, 1_500_000_000)],
)
def test_a_number_says_in_quotes_what_it_says_without(
    session: SparkSession, rules: UrlRules, response_time: float, response_ms: int
) -> None:
    said = [(response_time, 404), (str(response_time), 404), (response_time, "404"), (response_time, "0404")]
    rows = parse(session, rules, *(event(response_time=time, status_code=status) for time, status in said))
    assert [(row.response_ms, row.status_code) for row in rows] == [(response_ms, 404)] * len(said)


def test_a_log_line_fills_the_columns_of_bronze(session: SparkSession, rules: UrlRules) -> None:
    value = line("/m/product/31893/kettle?color=red", **{'"-"': '"https://shop.example/"', "+0000": "+0330"})
    (row,) = parse(session, rules, value)
    assert (row.format, row.second, row.path) == ("access_log", -12_600, "/m/product/31893/kettle?color=red")
    assert (row.action, row.product_id, row.status_code, row.bytes) == ("view_product", "31893", 200, 512)
    assert (row.referrer, row.user_agent) == ("https://shop.example/", "Mozilla/5.0 Firefox/131.0")
    assert row.response_ms is None


def test_a_window_takes_in_its_first_instant_and_not_its_last(session: SparkSession, rules: UrlRules) -> None:
    times = ("11:59:59.999999", "12:00:00", "12:00:09.999", "12:00:10")
    rows = parse(session, rules, *(event(timestamp=f"2026-01-01T{time}Z") for time in times))
    assert [row.second for row in rows] == [-10, 0, 0, 10]


def test_identity_is_the_header_then_the_field_then_the_position(session: SparkSession, rules: UrlRules) -> None:
    frame = records(session, GOOD, GOOD, event(event_id=...), line(), ids={0: "h-1"})
    rows = parse_records(frame, rules).orderBy("kafka_offset").collect()
    assert [row.event_id for row in rows] == ["h-1", "e-1", "0-2", "0-3"]
    assert [row.event_key is None for row in rows] == [False, False, True, True]


def test_what_a_header_says_is_made_fit_to_be_kept(session: SparkSession, rules: UrlRules) -> None:
    said = F.concat(
        F.lit("h"), F.when(F.col("kafka_offset") == 0, F.unhex(F.lit("ff"))).otherwise(F.unhex(F.lit("00")))
    )
    text = said.cast("string")
    frame = records(session, GOOD, GOOD).withColumns({"header_event_id": text, "header_source": text})
    rows = parse_records(frame, rules).orderBy("kafka_offset").select("event_id", "source").collect()
    assert [tuple(row) for row in rows] == [("h\ufffd", "h\ufffd")] * 2


def test_a_dash_is_no_agent(session: SparkSession, rules: UrlRules) -> None:
    (row,) = parse(session, rules, line(**{"Mozilla/5.0 Firefox/131.0": "-"}))
    assert row.user_agent is None


def test_a_rule_may_repeat_a_choice_as_often_as_a_target_has_characters(session: SparkSession) -> None:
    rules = UrlRules(("buy",), (UrlRule("chosen", "^/(?:a|b|c(?:d|e)?)*f$", 0),))
    rows = parse(session, rules, line("/" + "a" * 8_190 + "f"), line("/" + "cd" * 4_000 + "!"))
    assert [row.action for row in rows] == ["chosen", "other"]


@pytest.mark.parametrize(
    ("target", "action", "product"),
    [
        ("/product/31893", "view_product", "31893"),
        ("/products/a-b?x=1", "view_product", "a-b"),
        ("/p/9", "view_product", "9"),
        ("/de/item/9/", "view_product", "9"),
        ("/en-us/dp/B00X", "view_product", "B00X"),
        ("/product/7/photo.jpg", "view_product", "7"),
        ("http://shop.example/product/7", "view_product", "7"),
        ("/product", "other", None),
        ("/product/", "other", None),
        ("/basket/add/5544?mobile=1", "add_to_cart", "5544"),
        ("/cart/add?qty=1&product_id=12&x=2", "add_to_cart", "12"),
        ("/cart/add", "add_to_cart", None),
        ("/basket/address", "other", None),
        ("/basket/checkout?step=2", "checkout", None),
        ("/checkout", "checkout", None),
        ("/checkouts", "other", None),
        ("/?next=/checkout", "other", None),
        ("/image/60844/productModel/200x200", "asset", None),
        ("/static/app", "asset", None),
        ("/theme/site.CSS?v=2", "asset", None),
        ("/robots.txt", "other", None),
        ("/" + "x" * 8182 + "/checkout", "checkout", None),  # the rules see 8,192 characters …
        ("/" + "x" * 8183 + "/checkout", "other", None),  # … and no more
        ("/" + "\N{GRINNING FACE}" * 8182 + "/checkout", "checkout", None),
        ("/product/" + "1" * 200 + "?" + "x" * 880_000, "view_product", "1" * 200),
        ("/", "other", None),
    ],
)
def test_url_rules_name_action_and_product(
    session: SparkSession, rules: UrlRules, target: str, action: str, product: str | None
) -> None:
    (row,) = parse(session, rules, line(target))
    assert (row.action, row.product_id) == (action, product)
    assert row.path == target.removeprefix("http://shop.example")
