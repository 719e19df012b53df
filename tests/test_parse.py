from __future__ import annotations

import pytest
from frames import event, line, records, seconds_of
from pyspark.sql import Row, SparkSession

from lake.contracts import BRONZE, REJECT_REASONS, names
from lake.url_rules import UrlRules
from spark.events.parse import parse_records

GOOD = event()
REJECTED = [
    ("invalid_utf8", b'\xff\xfe{"a":1}'),
    ("invalid_utf8", GOOD.replace(b"u-1", b"u\xc3(")),
    ("nul_character", b"a\x00b"),
    ("nul_character", GOOD.replace(b"p-1", b"p\x00")),
    ("nul_character", GOOD.replace(b"p-1", b"p\\u0000")),
    ("trailing_bytes", GOOD + GOOD),
    ("trailing_bytes", GOOD + b"," + GOOD),
    ("trailing_bytes", GOOD + b" and more"),
    ("not_json", b"{"),
    ("not_json", GOOD[:-1]),
    ("not_json", GOOD[:40]),
    ("not_json", GOOD.replace(b'"', b"'")),
    ("not_json", event(response_time=float("nan"))),
    ("not_a_log_line", b""),
    ("not_a_log_line", b"null"),
    ("not_a_log_line", b'""'),
    ("not_a_log_line", b"[" + GOOD + b"]"),
    ("not_a_log_line", b"hello"),
    ("not_a_log_line", line()[:-4]),
    ("not_a_log_line", line(HTTP='"')),
    ("missing_time", b"{}"),
    ("missing_time", event(timestamp=...)),
    ("missing_time", event(timestamp=None)),
    ("missing_time", event(timestamp="")),
    ("unreadable_time", event(timestamp="yesterday")),
    ("unreadable_time", event(timestamp=1767268800000)),
    ("unreadable_time", event(timestamp="1767268800000")),
    ("unreadable_time", event(timestamp="2026-02-30T12:00:00Z")),
    ("unreadable_time", event(timestamp="12:00:00")),
    ("unreadable_time", event(timestamp="2026")),
    ("unreadable_time", event(timestamp="2026-01-01T12:00Z")),
    ("unreadable_time", event(timestamp="2026-01-01T25:00:00Z")),
    ("unreadable_time", line(Jan="Foo")),
    ("time_too_old", event(timestamp="1970-01-01T00:00:00Z")),
    ("time_too_old", event(timestamp="1999-12-31T23:59:59.999Z")),
    ("time_in_future", event(timestamp="2026-01-01T12:05:00.001Z")),
    ("time_in_future", event(timestamp="9999-12-31T23:59:59Z")),
    ("missing_ip", event(ip_address=...)),
    ("missing_ip", event(ip_address=None)),
    ("missing_ip", event(ip_address="")),
    ("invalid_ip", event(ip_address="256.1.1.1")),
    ("invalid_ip", event(ip_address="1.2.3")),
    ("invalid_ip", event(ip_address="01.2.3.4")),
    ("invalid_ip", event(ip_address="1::2::3")),
    ("invalid_ip", event(ip_address="12345::")),
    ("invalid_ip", event(ip_address=42)),
    ("invalid_ip", event(ip_address={"v4": "1.2.3.4"})),
    ("invalid_ip", line(**{"203.0.113.7": "shop.example"})),
    ("unknown_action", event(action="search")),
    ("unknown_action", event(action=...)),
    ("unknown_action", event(action=None)),
    ("unknown_action", event(action="other")),
    ("wrong_type", event(status_code="ok")),
    ("wrong_type", event(status_code="abc")),
    ("wrong_type", event(status_code="1e2")),
    ("wrong_type", event(status_code="+200")),
    ("wrong_type", event(status_code=" 200")),
    ("wrong_type", event(status_code=99)),
    ("wrong_type", event(status_code=600)),
    ("wrong_type", event(status_code=2**40)),
    ("wrong_type", event(status_code="ok", response_time=None)),
    ("wrong_type", event(status_code=False, response_time="fast")),
    ("wrong_type", event(status_code=200.5)),
    ("wrong_type", event(status_code=[200])),
    ("wrong_type", event(response_time="fast")),
    ("wrong_type", event(response_time=-1)),
    ("wrong_type", event(response_time=True)),
    ("wrong_type", event(response_time={"ms": 1})),
    ("wrong_type", event(response_time="fast", status_code=None)),
    ("wrong_type", event(product_id={"id": 1})),
    ("wrong_type", event(user_id=["u"])),
    ("wrong_type", event(user_agent={})),
    ("wrong_type", event(event_id=[])),
    ("key_too_long", event(product_id="x" * 257)),
    ("invalid_ip", event(ip_address="66.249.66.1\u2028")),
    ("invalid_ip", event(ip_address="66.249.66.1\n")),
    ("invalid_ip", event(ip_address="::1\u0085")),
    ("invalid_ip", line(**{"203.0.113.7": "203.0.113.7\u2028"})),
    ("unreadable_time", event(timestamp="2026-01-01T12:00:00Z\u2029")),
    ("unreadable_time", line(**{"01/Jan/2026": "01/Jan/+999999999"})),
    ("unreadable_time", line(**{"01/Jan/2026": "01/Jan/-999999999"})),
    ("unreadable_time", line(**{"01/Jan": "01/jan"})),
    ("wrong_type", event(status_code="200\n")),
    ("wrong_type", event(response_time="0.5\n")),
]
ACCEPTED = [
    GOOD + b"\n",
    b"{ " + GOOD[1:],
    event(timestamp="2026-01-01T12:05:00Z"),
    event(timestamp="2000-01-01T00:00:00Z"),
    event(timestamp="2026-01-01 12:00:00"),
    event(timestamp="2026-01-01T15:30:00+03:30"),
    event(timestamp="2026-01-01T15:30:00+0330"),
    event(timestamp="2026-01-01T12:00:00.123456789Z"),
    event(ip_address="::1"),
    event(ip_address="2001:db8::8a2e:370:7334"),
    event(ip_address="1:2:3:4:5:6:7:8"),
    event(ip_address="::ffff:192.0.2.1"),
    event(ip_address="fe80::"),
    event(product_id=31893),
    event(product_id="x" * 256),
    event(product_id=None),
    event(user_agent=None),
    event(user_agent="[FBAN/FBIOS]"),
    event(user_agent='{"a": 1}'),
    event(status_code="200"),
    event(status_code="0200"),
    event(status_code=None),
    event(response_time=None),
    event(response_time=..., status_code=...),
    event(response_time=1e-3),
    event(response_time="1e99"),
    event(unknown_field={"a": [1]}),
    event(user_id="{curly}"),
    event(product_id="back\\u0000slash"),
    line(),
    line(**{' "-" "Mozilla/5.0 Firefox/131.0"': ""}),
    line() + b' "-"',
    line() + b"\r\n",
    line(**{"GET / HTTP/1.1": "\\x16\\x03\\x01"}),
    line(**{"GET / HTTP/1.1": ""}),
    line(**{"512": "-"}),
    line(**{"Mozilla": 'say \\"hi\\" '}),
    line(**{"- -": "- Jane Doe"}),
    line("/" + "\\x41" * 100_000),
    line("/?union" + "+" * 500_000),
    event(user_agent="x" * 500_000),
]


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
        ("/", "other", None),
    ],
)
def test_url_rules_name_action_and_product(
    session: SparkSession, rules: UrlRules, target: str, action: str, product: str | None
) -> None:
    (row,) = parse(session, rules, line(target))
    assert (row.action, row.product_id) == (action, product)
