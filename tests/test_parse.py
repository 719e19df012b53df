from __future__ import annotations

import pytest
from examples import ACCEPTED, GOOD, REJECTED
from frames import event, line, records, seconds_of
from pyspark.sql import Row, SparkSession

from lake.contracts import BRONZE, REJECT_REASONS, names
from lake.url_rules import UrlRule, UrlRules
from spark.events.parse import parse_records


def parse(session: SparkSession, rules: UrlRules, *values: bytes | None) -> list[Row]:
    parsed = parse_records(records(session, *values), rules)
    return parsed.withColumn("second", seconds_of("window_start")).orderBy("kafka_offset").collect()


def test_each_rejected_record_gets_its_reason_and_keeps_its_bytes(session: SparkSession, rules: UrlRules) -> None:
    rows = parse(session, rules, *(value for _, value in REJECTED))
    assert [(row.reject_reason, bytes(row.value)) for row in rows] == REJECTED
    assert all(row.window_start is None and row.event_key is None for row in rows)
    assert {str(row.event_date) for row in rows} == {"2026-01-01"}


def test_every_reason_of_the_contract_is_tried() -> None:
    assert {reason for reason, _ in REJECTED} == set(REJECT_REASONS)


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
