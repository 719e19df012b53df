"""The audit's own reading of foreign formats: a line of each, envelopes, and lines that are broken."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from foreign_lines import ALB, CLF, COMBINED, COMMON, DECLARED, ENVOY, EPOCH, GET, HAPROXY, ISO, LINES, NOON, READ
from foreign_objects import AT_4096, CADDY, DOCKER, ENVELOPES, FILEBEAT, NGINX, OBJECTS
from frames import START, event

from audit.oracle import Event, Oracle, Record
from audit.oracle.scanner import Scanner
from audit.oracle.times import SECOND
from lake.formats.known import LogFormat, shipped_formats
from lake.formats.log_string import LONGEST_LINE, NAMED
from lake.proxies import load_proxies
from lake.url_rules import UrlRules


@pytest.fixture(scope="module")
def oracle(rules: UrlRules) -> Oracle:
    return Oracle(rules)


def read(oracle: Oracle, text: str, **headers: str | None) -> Event:
    return oracle.read(text.encode(), NOON, **headers)


def said(found: Event) -> dict[str, Any]:
    return {
        "reject_reason": found.reject_reason,
        "format": found.format,
        **{name: getattr(found, name) for name in READ},
    }


@pytest.mark.parametrize(("name", "text", "more"), [*LINES, *ENVELOPES])
def test_a_line_is_read_whatever_is_around_it(oracle: Oracle, name: str, text: str, more: dict[str, Any]) -> None:
    assert said(read(oracle, text)) == {"reject_reason": None, "format": name, **READ, **more}


@pytest.mark.parametrize(("name", "content", "more"), OBJECTS)
def test_a_json_log_is_read(oracle: Oracle, name: str, content: dict[str, Any], more: dict[str, Any]) -> None:
    assert said(read(oracle, json.dumps(content))) == {"reject_reason": None, "format": name, **READ, **more}


@pytest.mark.parametrize(("declared", "text", "more"), DECLARED)
def test_a_line_is_read_by_the_string_that_came_with_it(
    oracle: Oracle, declared: str, text: str, more: dict[str, Any]
) -> None:
    expected = {"reject_reason": None, "format": "declared", **READ, **more}
    assert said(read(oracle, text, declared=declared)) == expected
    assert said(read(oracle, json.dumps({"message": text}), declared=declared)) == expected


def test_every_known_format_is_tried_here() -> None:
    assert {one.name for one in shipped_formats()} <= {name for name, _, _ in LINES}


def test_a_line_that_its_string_does_not_fit_is_read_as_if_none_had_come(oracle: Oracle) -> None:
    assert said(read(oracle, COMBINED, declared="{time}|{request}")) == said(read(oracle, COMBINED))
    value = event().decode()
    assert said(read(oracle, value, declared="{time}|{request}")) == said(read(oracle, value))


@pytest.mark.parametrize(
    ("text", "reason", "name"),
    [
        (COMBINED[:60], "not_a_log_line", None),
        (f"{COMBINED}\n{COMBINED} 0.012", "several_records", None),
        (f"{COMBINED} 0.012 {COMBINED}", "not_a_log_line", None),
        (HAPROXY.format("10/12 OK 512", GET), "not_a_log_line", None),
        (ALB.format("-").replace(ISO, "yesterday"), "unreadable_time", "aws_alb"),
        (f"{COMBINED.replace('/2026:', '/2027:')} 0.012", "time_in_future", "combined_more"),
        (f"time:-\thost:203.0.113.7\treq:{GET}", "not_a_log_line", None),
        ("nginx: the configuration file syntax is ok", "not_a_log_line", None),
        (f"{ISO} stdout F started", "not_a_log_line", None),
        (json.dumps({**NGINX, "request_uri": None}), "not_an_event", "json"),
        (json.dumps({**NGINX, "time_iso8601": "-"}), "not_an_event", "json"),
        (json.dumps({**FILEBEAT, "message": "started"}), "not_an_event", "json"),
        (
            json.dumps({"@timestamp": ISO, "path": "/var/log/nginx/error.log", "message": "[error]"}),
            "not_an_event",
            "json",
        ),
        (json.dumps({"ts": EPOCH, "logger": "admin.api", "method": "POST", "uri": "/load"}), "not_an_event", "json"),
        (json.dumps({**FILEBEAT, "message": json.dumps({"message": json.dumps(DOCKER)})}), "not_an_event", "json"),
        (json.dumps(FILEBEAT)[:-1], "not_json", None),
        (json.dumps(CADDY) * 2, "several_records", None),
    ],
)
def test_what_is_no_record_says_why(oracle: Oracle, text: str, reason: str, name: str | None) -> None:
    found = read(oracle, text)
    assert (found.reject_reason, found.format) == (reason, name)


def test_longer_lines_are_read_in_the_combined_format_alone(oracle: Oracle) -> None:
    long = COMBINED.replace("/product/p7", "/product/p7?" + "x" * LONGEST_LINE)
    assert read(oracle, long).format == "access_log"
    assert read(oracle, f"{long} 0.012").reject_reason == "not_a_log_line"
    assert read(oracle, long, declared=NAMED["combined"]).format == "access_log"


def test_an_event_in_an_envelope_is_read_and_its_own_id_counts(oracle: Oracle) -> None:
    found = read(oracle, json.dumps({**FILEBEAT, "message": event(event_id="e-1").decode()}))
    assert (found.format, found.given_id, found.is_line) == ("json", "e-1", False)
    found = read(oracle, json.dumps({**FILEBEAT, "message": event(event_id=None).decode()}))
    assert found.given_id == AT_4096["given_id"]


@pytest.mark.parametrize(
    ("fields", "milliseconds"),
    [
        ({"reqtime": "1.5"}, 1500),
        ({"reqtime": "0.0005"}, 1),
        ({"reqtime": "-", "reqtime_microsec": "1499"}, 1),
        ({"reqtime_microsec": "86400000000"}, 86_400_000),
        ({"reqtime": "-1"}, None),
        ({"reqtime": "soon"}, None),
        ({"reqtime": "-"}, None),
    ],
)
def test_a_time_of_response_is_whole_milliseconds(oracle: Oracle, fields: dict[str, str], milliseconds: int) -> None:
    labels = {"time": ISO, "req": "GET / HTTP/1.1", **fields}
    assert read(oracle, "\t".join(f"{label}:{value}" for label, value in labels.items())).response_ms == milliseconds


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "404", "method": "POST"}, {"status_code": 404, "path": "/a"}),
        ({"status": "999", "size": "-"}, {"status_code": None, "bytes": None}),
        ({"uri": "/a", "query": "b=c"}, {"path": "/a?b=c"}),
        ({"req": "-", "uri": "-"}, {"path": "", "action": "other"}),
        ({"req": "", "uri": "-"}, {"path": "", "action": "other"}),
        ({"vhost": "[2001:DB8::1]:443"}, {"host": "[2001:db8::1]"}),
        ({"vhost": "Shop.Example"}, {"host": "shop.example"}),
        ({"vhost": "-", "uri": "http://u@Shop.example:8/a"}, {"host": "shop.example"}),
    ],
)
def test_fields_are_tidied(oracle: Oracle, fields: dict[str, str], expected: dict[str, Any]) -> None:
    labels = {"time": ISO, "uri": "/a", "status": "200", **fields}
    found = read(oracle, "\t".join(f"{label}:{value}" for label, value in labels.items()))
    assert found.reject_reason is None
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_time_without_a_zone_is_of_the_zone_that_is_set_unless_it_is_w3c(rules: UrlRules) -> None:
    oracle = Oracle(replace(rules, log_timezone="Europe/Berlin"))
    assert read(oracle, HAPROXY.format("10/12 200 512", GET)).time == NOON - 3600 * SECOND
    declared, text, _ = DECLARED[0]
    assert read(oracle, text, declared=declared).time == NOON


def test_a_list_of_forwarded_for_goes_by_the_trusted_proxies(rules: UrlRules) -> None:
    line = ENVOY.replace('"203.0.113.7"', '"203.0.113.7, 192.0.2.1"')
    assert read(Oracle(rules), line).ip_address == "192.0.2.1"
    assert read(Oracle(replace(rules, proxies=load_proxies("192.0.2.1"))), line).ip_address == "203.0.113.7"


EDGE = LogFormat("edge", "", ('{ip_address} {_} {host} [{time}] "{request}" {status_code} {bytes}',), first=True)


def test_a_format_that_is_first_goes_before_our_own(rules: UrlRules) -> None:
    line = COMMON.replace("- -", "- shop.example")
    oracle = Oracle(replace(rules, formats=(EDGE, *rules.formats)))
    found = read(oracle, line)
    assert (found.format, found.host) == ("edge", "shop.example")
    assert read(oracle, COMBINED).format == "access_log"
    assert read(oracle, event().decode()).format == "json"


def test_a_format_with_a_source_is_for_records_of_that_source(rules: UrlRules) -> None:
    line = COMMON.replace("- -", "- shop.example")
    oracle = Oracle(replace(rules, formats=(replace(EDGE, source="edge"),)))
    assert read(oracle, line).format == "access_log"
    assert read(oracle, line, source="web").format == "access_log"
    assert read(oracle, line, source="edge").format == "edge"


def test_a_position_or_a_server_s_id_tells_lines_apart(rules: UrlRules) -> None:
    second = START.timestamp()
    later = json.dumps({**FILEBEAT, "log": {"file": {"path": "/a"}, "offset": 9}}).encode()
    pipes, line, _ = DECLARED[2]
    sent = [
        Record(json.dumps(FILEBEAT).encode(), None, "0-0", second),
        Record(json.dumps(FILEBEAT).encode(), None, "0-1", second),
        Record(later, None, "0-2", second),
        Record(later, "header", "0-3", second),
        Record(line.encode(), None, "0-4", second, declared=pipes),
    ]
    cells, rejected, duplicates = Oracle(rules).count(sent)
    assert (rejected, duplicates) == (0, 1)
    assert cells["product", int(second), "p7"] == 4


@pytest.mark.parametrize(
    ("string", "text", "fields"),
    [
        ('"{user_agent}"|{url}', "a", None),
        ('"{user_agent}"|{url}', '"a\\"b"|c', {"user_agent": 'a\\"b', "url": "c"}),
        ("{user_agent}] ({url}", "a] b] (c", {"user_agent": "a] b", "url": "c"}),
        ("{ip_address}:{port} {url}", "2001:db8::1:443 /a", {"ip_address": "2001:db8::1", "url": "/a"}),
        ("{ip_address} {url}", "192.0.2.1, 192.0.2.2 /a", {"ip_address": "192.0.2.1, 192.0.2.2", "url": "/a"}),
        (
            "{request} {status_code} {url}",
            "GET 200 x 200 /a",
            {"request": "GET 200 x", "status_code": "200", "url": "/a"},
        ),
        (
            "{request} {user_agent} {status_code}",
            "a b c 200",
            {"request": "a", "user_agent": "b c", "status_code": "200"},
        ),
        ("{time} {url}", f"{CLF} /a", {"time": CLF, "url": "/a"}),
        ("{time} {url}", f"{ISO} +0000", {"time": ISO, "url": "+0000"}),
        ("{response_decimal}|{bytes}", "12|5", None),
        ("{url}|{url}", "/a|/b", {"url": "/a"}),
        ("{url}|{rest}", '/a|b] "c', None),
        ("{url}|{rest}", "/a|b c \t\r\n", {"url": "/a"}),
        ("{url}|{host}", "/a\n|b", None),
        ("{url}{pad}|", "/a", None),
    ],
)
def test_a_field_ends_where_the_string_says(string: str, text: str, fields: dict[str, str] | None) -> None:
    assert Scanner(string).scan(text) == fields


@pytest.mark.timeout(30)
def test_a_line_that_fits_nothing_is_given_up_soon() -> None:
    assert Scanner("{request} {user_agent} {status_code}").scan("a " * 30_000) is None
