"""What a request of a log line means: one product is one, and a rule may ask for method, status, host and query."""

from __future__ import annotations

from frames import line, records
from pyspark.sql import Row, SparkSession

from lake.url_rules import UrlRule, UrlRules
from spark.events.parse import parse_records


def read(session: SparkSession, rules: UrlRules, *values: bytes) -> list[Row]:
    return parse_records(records(session, *values), rules).orderBy("kafka_offset").collect()


def requested(request: str, status: int = 200) -> bytes:
    return line(**{"GET / HTTP/1.1": request, " 200 ": f" {status} "})


ONE_PRODUCT = {
    "caf\N{LATIN SMALL LETTER E WITH ACUTE} 7": [
        "/product/caf%C3%A9%207",
        "/product/caf%c3%a9%207",
        "/product/caf\N{LATIN SMALL LETTER E WITH ACUTE} 7",
        r"/product/caf\xC3\xA9 7",
        "/product/%63af%C3%A9%207",
        "/%70roduct/caf%C3%A9%207",
        "/product/caf%C3%A9 7?color=red",
    ],
    "p7": [
        "/product/p7;jsessionid=A1",
        "/product/p7;jsessionid=B2?color=red",
        "/product/p7%3Bjsessionid=C3",
        "/product;v=1/p7",
        "//product/p7",
        "/product///p7",
        "/./product/././p7",
        "/product/%2e/p7/",
        "HTTPS://Shop.Example/product/p7",
        "http://shop.example:8080//product/p7",
    ],
    "a+b": ["/product/a+b", "/product/a%2Bb"],
    "50%": ["/product/50%25", "/product/50%"],
    "a\ufffd": ["/product/a%E9", r"/product/a\xE9", "/product/a%00"],
}


def test_one_product_is_one_product_however_its_address_is_written(session: SparkSession, rules: UrlRules) -> None:
    written = [(product, target) for product, targets in ONE_PRODUCT.items() for target in targets]
    rows = read(session, rules, *(line(target) for _, target in written))
    found = [(row.product_id, target) for row, (_, target) in zip(rows, written, strict=True)]
    assert found == written
    assert {row.action for row in rows} == {"view_product"}


def test_a_product_in_a_query_is_the_same_with_plus_blank_and_code(session: SparkSession, rules: UrlRules) -> None:
    targets = (f"/cart/add?name=blue kettle&sku=blue{blank}kettle&n=1" for blank in (" ", "+", "%20"))
    rows = read(session, rules, *(line(target) for target in targets))
    assert {(row.action, row.product_id) for row in rows} == {("add_to_cart", "blue kettle")}


def test_bronze_keeps_the_path_as_it_was_asked_for(session: SparkSession, rules: UrlRules) -> None:
    (row,) = read(session, rules, line("HTTPS://shop.example//product/a%2fb;jsessionid=1?x=a b"))
    assert (row.path, row.product_id) == ("//product/a%2fb;jsessionid=1?x=a b", "a/b")


DEEDS = [
    ("GET /product/7 HTTP/1.1", 200, "view_product"),
    ("GET /product/7 HTTP/1.1", 206, "view_product"),
    ("GET /product/7 HTTP/1.1", 304, "view_product"),
    ("GET /product/7", 200, "view_product"),
    ("GET /product/7 HTTP/1.1", 301, "other"),
    ("GET /product/7 HTTP/1.1", 404, "other"),
    ("GET /product/7 HTTP/1.1", 503, "other"),
    ("HEAD /product/7 HTTP/1.1", 200, "other"),
    ("OPTIONS /product/7 HTTP/1.1", 204, "other"),
    ("POST /product/7 HTTP/1.1", 200, "post"),
    ("POST /cart/add/7 HTTP/1.1", 200, "add_to_cart"),
    ("POST /cart/add/7 HTTP/1.1", 302, "add_to_cart"),
    ("GET /cart/add?id=7 HTTP/1.1", 303, "add_to_cart"),
    ("POST /cart/add/7 HTTP/1.1", 409, "other"),
    ("GET /cart/add/7 HTTP/1.1", 500, "other"),
    ("HEAD /cart/add/7 HTTP/1.1", 200, "other"),
    ("OPTIONS /cart/add/7 HTTP/1.1", 204, "other"),
    ("POST /checkout HTTP/1.1", 200, "checkout"),
    ("POST /checkout HTTP/1.1", 402, "checkout"),
    ("POST /checkout HTTP/1.1", 503, "checkout"),
    ("GET /checkout HTTP/1.1", 302, "checkout"),
    ("OPTIONS /checkout HTTP/1.1", 204, "other"),
    ("GET /..%2f..%2fetc HTTP/1.1", 404, "probe"),
    ("GET /%2e%2e/etc HTTP/1.1", 404, "probe"),
    ("GET /?q=%3Cscript%3E HTTP/1.1", 200, "probe"),
    ("GET /?id=1 union  select 2 HTTP/1.1", 200, "probe"),
    ("GET /?id=1+union+select HTTP/1.1", 200, "probe"),
    ("-", 408, "other"),
    ("", 400, "other"),
    (r"\x16\x03\x01\x02\x00\x01", 400, "probe"),
    (r"\x16\x03\x01 \x03", 400, "probe"),
    (r"A\x00 b", 400, "probe"),
    ("GET", 400, "probe"),
    ("GET  HTTP/1.1", 400, "probe"),
    ("get / HTTP/1.1", 400, "probe"),
    ("OPTIONS * HTTP/1.0", 200, "other"),
    ("CONNECT shop.example:443 HTTP/1.1", 400, "other"),
]


def test_method_and_status_decide_what_was_done(session: SparkSession, rules: UrlRules) -> None:
    rows = read(session, rules, *(requested(request, status) for request, status, _ in DEEDS))
    found = [(request, row.status_code, row.action) for row, (request, *_) in zip(rows, DEEDS, strict=True)]
    assert found == DEEDS
    assert not any(row.reject_reason for row in rows)


def test_a_rule_may_ask_for_host_and_query(session: SparkSession) -> None:
    rules = UrlRules(
        ("buy",),
        (
            UrlRule("mobile", "^/p/", 0, host=r"^m\.shop\.example$"),
            UrlRule("red", "^/p/", 0, query=r"(?:^|&)color=red(?:&|$)"),
            UrlRule("deleted", "^/p/", 0, methods=("DELETE", "PURGE"), statuses=("2xx", "404")),
        ),
    )
    requests = {
        "GET http://M.Shop.example:80/p/1 HTTP/1.1": "mobile",
        "GET https://me@m.shop.example/p/1 HTTP/1.1": "mobile",
        "GET http://shop.example/p/1 HTTP/1.1": "other",
        "GET /p/1?a=1&color=red HTTP/1.1": "red",
        "GET /p/1?color=redder HTTP/1.1": "other",
        "GET /p/color=red HTTP/1.1": "other",
        "DELETE /p/1 HTTP/1.1": "deleted",
        "PURGE /p/1 HTTP/1.1": "deleted",
    }
    rows = read(session, rules, *(requested(request) for request in requests), requested("DELETE /p/1", 500))
    assert [row.action for row in rows] == [*requests.values(), "other"]
