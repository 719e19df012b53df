"""Records of other formats than our own: Spark reads them as their samples say, and as the oracle does."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from envelopes import ENVELOPES as SHIPPED
from foreign_lines import CLOUDFRONT, DECLARED, IIS, LINES, NOON, READ
from foreign_objects import ENVELOPES, OBJECTS
from frames import START
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from audit.oracle import Event, Oracle
from audit.oracle.times import SECOND
from lake.formats import log_string, w3c
from lake.formats.known import DECLARED as BY_STRING
from lake.formats.known import LogFormat, shipped_formats
from lake.url_rules import UrlRules
from spark.events import declared
from spark.events.parse import parse_records

SCHEMA = (
    "value binary, header_event_id string, header_log_format string, header_fields string, header_source string, "
    "kafka_partition int, kafka_offset bigint, ingested_at timestamp"
)
LATER = START + dt.timedelta(days=400)
"""Late enough for all samples to lie in the past."""
COLUMNS = ("ip_address", "action", "product_id", "path", "user_agent", "status_code", "response_ms", "bytes", "host")
ODD = b' "-[],:;?/|\\1a\t{}\xff\x00%+='
BATCH, BATCHES = 500, 4
"""Records that one job of Spark reads, and how many such jobs."""


@dataclass(frozen=True)
class Sample:
    """A record: its bytes, and what came with it."""

    value: bytes
    log_format: str | None = None
    fields: str | None = None
    source: str | None = None


def sample(text: str, **headers: str) -> Sample:
    return Sample(text.encode(), **headers)


KNOWN: list[tuple[str, Sample, dict[str, Any]]] = [
    *((name, sample(text), says) for name, text, says in (*LINES, *ENVELOPES)),
    *((name, sample(json.dumps(content)), says) for name, content, says in OBJECTS),
    *((BY_STRING, sample(text, log_format=string), says) for string, text, says in DECLARED),
    (BY_STRING, sample(DECLARED[0][1], fields=IIS), DECLARED[0][2]),
    (BY_STRING, sample(DECLARED[1][1], fields=CLOUDFRONT), DECLARED[1][2]),
]
"""Format, record, and what it says beside ``READ``."""
SAMPLES = [
    *(one for _, one, _ in KNOWN),
    *(sample(shipped.record) for shippeds in SHIPPED.values() for shipped in shippeds),
]


def rows_of(session: SparkSession, rules: UrlRules, records: Sequence[Sample]) -> list[Row]:
    """The rows of bronze that Spark makes of records, in their order."""
    rows = [
        (one.value, None, one.log_format, one.fields, one.source, 0, offset, LATER)
        for offset, one in enumerate(records)
    ]
    frame = session.createDataFrame(rows, SCHEMA)
    return sorted(parse_records(frame, rules).collect(), key=lambda row: row["kafka_offset"])


def test_each_sample_is_read_as_it_says(session: SparkSession, rules: UrlRules) -> None:
    rows = rows_of(session, rules, [one for _, one, _ in KNOWN])
    assert [row["value"] for row in rows if row["reject_reason"]] == []
    for row, (name, one, says) in zip(rows, KNOWN, strict=True):
        expected = {**READ, **says}
        found = {column: row[column] for column in expected if column in COLUMNS}
        assert (row["format"], found) == (name, {column: expected[column] for column in found}), one
        given_id = None if row["event_id"] == f"0-{row['kafka_offset']}" else row["event_id"]
        assert given_id == expected["given_id"], one
        assert abs(row["occurred_at"].timestamp() * SECOND - NOON) < SECOND, one


def as_oracle(row: Row) -> dict[str, Any]:
    """What a row says, in the words of :func:`as_said`."""
    said = {"reject_reason": row["reject_reason"], "format": row["format"]}
    if row["reject_reason"] is None:
        is_position = row["event_id"] == f"0-{row['kafka_offset']}"
        said |= {column: row[column] for column in COLUMNS}
        said |= {"given_id": None if is_position else row["event_id"], "window": int(row["window_start"].timestamp())}
    return said


def as_said(event: Event) -> dict[str, Any]:
    """What the oracle reads."""
    said: dict[str, Any] = {"reject_reason": event.reject_reason, "format": event.format}
    if event.reject_reason is None:
        said |= {column: getattr(event, column) for column in COLUMNS}
        said |= {"given_id": event.given_id, "window": event.window // SECOND}
    return said


def require_agreement(session: SparkSession, rules: UrlRules, records: Sequence[Sample]) -> None:
    oracle = Oracle(rules)
    for row, one in zip(rows_of(session, rules, records), records, strict=True):
        event = oracle.read_deed(
            one.value, int(LATER.timestamp()) * SECOND, declared=row["declared"], source=one.source
        )
        assert as_oracle(row) == as_said(event), one


EDITS = st.lists(st.tuples(st.sampled_from("-+="), st.integers(0, 10_000), st.sampled_from(ODD)), max_size=5)


@st.composite
def damaged(draw: st.DrawFn) -> Sample:
    """A sample of which some bytes are missing, new or others; or bytes of which nobody knows anything."""
    one = draw(st.sampled_from(SAMPLES))
    if draw(st.integers(0, 9)) == 0:
        return Sample(draw(st.binary(max_size=60)), one.log_format, one.fields)
    value = bytearray(one.value)
    for kind, place, byte in draw(EDITS):
        at = place % (len(value) or 1)
        value[at : at + (kind != "+")] = b"" if kind == "-" else bytes([byte])
    return Sample(bytes(value), one.log_format, one.fields)


@settings(
    max_examples=BATCHES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(records=st.lists(damaged(), min_size=BATCH, max_size=BATCH))
def test_whatever_bytes_come_nothing_stops_and_both_readers_agree(
    session: SparkSession, rules: UrlRules, records: list[Sample]
) -> None:
    require_agreement(session, rules, records)


def test_spark_rewrites_a_string_as_python_does(session: SparkSession) -> None:
    strings = [string for one in shipped_formats() for string in one.strings] + [string for string, _, _ in DECLARED]
    frame = session.createDataFrame([(string,) for string in strings], "string string")
    rows = frame.select("string", declared.pattern(F.col("string")), declared.variables(F.col("string"))).collect()
    assert [tuple(row) for row in rows] == [
        (string, log_string.pattern_of(string), log_string.variables(string)) for string in strings
    ]


def test_the_fields_of_a_w3c_log_are_a_log_string(session: SparkSession) -> None:
    texts = [("a\tb", CLOUDFRONT, "\t"), ("a b", IIS, " "), ("a b", "time date time x cs(Host) cs-host", " ")]
    frame = session.createDataFrame(texts, "text string, fields string, separator string")
    strings = frame.select(declared.declared(F.lit(None).cast("string"), F.col("fields"), F.col("text"))).collect()
    assert [row[0] for row in strings] == [w3c.string_of(fields, separator) for _, fields, separator in texts]


@pytest.mark.parametrize(
    "string",
    [
        "{time} {request} {status_code} {nobody}",
        "{time} \\d+ {request}",
        "{time} {{request}}",
        "{request} {user_agent} {_text} {time} {status_code}",
        "{time}" * 1_000,
        "(a+)+",
    ],
)
def test_a_string_that_could_hold_up_the_stream_is_as_none(session: SparkSession, rules: UrlRules, string: str) -> None:
    line = '203.0.113.7 - - [01/Jan/2026:12:00:00 +0000] "GET /product/p7 HTTP/1.1" 200 512'
    (row,) = rows_of(session, rules, [sample(line, log_format=string)])
    is_usable = string == "(a+)+"  # plain text, which no line is
    assert (row["format"], row["declared"]) == ("access_log", string if is_usable else None)


OWN = LogFormat("our_edge", "", ("{ip_address} {_} [{time}] {method} {url} {status_code}",), first=True, source="edge")
TURNED = LogFormat("turned", "", ('{_} {ip_address} {user_id} [{time}] "{request}" {status_code} {bytes}',), first=True)


def test_the_formats_of_a_user_are_tried_first_if_they_ask_for_it(session: SparkSession, rules: UrlRules) -> None:
    from dataclasses import replace

    own = replace(rules, formats=(OWN, TURNED, *rules.formats))
    edge = "203.0.113.7 - [01/Jan/2026:12:00:00 +0000] GET /product/p7 200"
    turned = '10.0.0.1 203.0.113.7 - [01/Jan/2026:12:00:00 +0000] "GET /product/p7 HTTP/1.1" 200 512'
    records = [sample(edge, source="edge"), sample(edge), sample(edge, source="web1"), sample(turned)]
    rows = rows_of(session, own, records)
    assert [(row["format"], row["ip_address"]) for row in rows] == [
        ("our_edge", "203.0.113.7"),
        (None, None),
        (None, None),
        ("turned", "203.0.113.7"),
    ]
    require_agreement(session, own, records)
