"""Record formats: a third is one value, and a dimension one entry."""

from __future__ import annotations

import re

import pytest
from frames import event, line, records
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.contracts import DIMENSIONS, ERASED, Dimension
from lake.formats import FORMATS, LineFormat, TimeFormat
from lake.url_rules import UrlRules
from spark.events import counts, formats, parse
from spark.events.counts import count_windows
from spark.events.judgement import Judgement
from spark.events.parse import parse_records

PIPED = LineFormat(
    name="piped",
    description="a line of fields with bars between them",
    pattern=r"^([^|]+)\|([^|]+)\|([^|]+)\|([^|]+)\z",
    fields=("time", "ip_address", "request", "user_agent"),
    time=TimeFormat(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\z"),
    erased=f"{{time}}|{ERASED}|{{request}}|{{user_agent}}",
    dashed=("user_agent",),
)
BAR_LINE = b"2026-01-01 12:00:01|203.0.113.7|GET /product/7 HTTP/1.1|-"


@pytest.fixture
def third_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, PIPED))
    monkeypatch.setattr(formats, "LINES", (*formats.LINES, PIPED))
    monkeypatch.setattr(parse, "FORMATS", (*FORMATS, PIPED))


@pytest.mark.usefixtures("third_format")
def test_a_third_format_is_parsed_by_its_value_alone(session: SparkSession, rules: UrlRules) -> None:
    rows = parse_records(records(session, BAR_LINE, event(), line("/product/8"), b"a|b|c"), rules)
    found = [
        (row["format"], row["reject_reason"], row["action"], row["product_id"], row["user_agent"] is None)
        for row in rows.orderBy("kafka_offset").collect()
    ]
    assert found == [
        ("piped", None, "view_product", "7", True),
        ("json", None, "view_product", "p-1", False),
        ("access_log", None, "view_product", "8", False),
        (None, "not_a_log_line", None, None, True),
    ]


def test_a_line_is_erased_by_its_template(session: SparkSession) -> None:
    value = formats.erased(PIPED, F.lit("erased bot 1")).alias("value")
    (row,) = formats.with_text(records(session, BAR_LINE)).select(value).collect()
    assert row["value"] == "2026-01-01 12:00:01|erased|GET /product/7 HTTP/1.1|erased bot 1"


def test_formats_differ_in_name_and_say_what_they_are() -> None:
    assert len({record_format.name for record_format in FORMATS}) == len(FORMATS)
    assert all(re.fullmatch("[a-z_]+", record_format.name) for record_format in FORMATS)
    assert all(record_format.description for record_format in FORMATS)


def test_a_dimension_is_one_entry(session: SparkSession, rules: UrlRules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "DIMENSIONS", {**DIMENSIONS, "page": Dimension("page", "path", "the page")})
    lines = (line(target) for target in ("/a", "/b", "/b?c=1"))
    parsed = parse_records(records(session, event(), *lines), rules)
    counted = count_windows(parsed, Judgement()).filter("dimension = 'page'")
    assert {(row["key"], row["is_bot"], row["events"]) for row in counted.collect()} == {
        ("/a", False, 1),
        ("/b", False, 1),
        ("/b?c=1", False, 1),
    }


def test_a_key_that_is_a_number_has_its_digits(session: SparkSession, rules: UrlRules) -> None:
    lines = (line(**{" 200 ": f" {code} "}) for code in ("099", "404", "404"))
    parsed = parse_records(records(session, event(status_code=None), *lines), rules)
    counted = count_windows(parsed, Judgement()).filter("dimension = 'status'")
    assert {(row["key"], row["is_bot"], row["events"]) for row in counted.collect()} == {
        ("099", False, 1),
        ("404", False, 2),
    }


def test_an_event_counts_once_in_each_dimension_that_it_has_a_key_for(session: SparkSession, rules: UrlRules) -> None:
    counted = count_windows(parse_records(records(session, event(), line("/product/8")), rules), Judgement())
    assert {(row["dimension"], row["key"], row["events"]) for row in counted.collect()} >= {
        ("all", "all", 2),
        ("action", "view_product", 2),
        ("product", "p-1", 1),
        ("product", "8", 1),
        ("client", "203.0.113.7", 2),
    }
