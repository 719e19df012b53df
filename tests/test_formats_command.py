"""``weblake formats``, and an import of what cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from frames import line

from audit.format_trial import FormatTrial, unread_head
from ingest.files.content import Content, content_of
from ingest.headers import LineHeaders
from ingest.import_logs import ImportOptions, Outcome
from lake.formats.known import LogFormat
from lake.formats.strings.dialects import log_string
from lake.url_rules import UrlRules
from weblake.main import run

PIPED = "01/Jan/2026:12:00:0{}|203.0.113.7|GET|/product/7|200|0.012|Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0"
STRING = "$time_local|$remote_addr|$request_method|$request_uri|$status|$request_time|$http_user_agent"
IIS = [
    "#Software: Microsoft Internet Information Services 10.0",
    "#Fields: date time c-ip cs-method cs-uri-stem sc-status time-taken",
    "2026-01-01 12:00:00 203.0.113.7 GET /product/7 200 12",
    "#Fields: date time cs-method cs-uri-stem c-ip sc-status",
    "2026-01-01 12:00:01 GET /product/8 203.0.113.8 200",
]


def written(path: Path, *lines: str | bytes) -> str:
    path.write_bytes(b"".join((one if isinstance(one, bytes) else one.encode()) + b"\n" for one in lines))
    return str(path)


def piped(tmp_path: Path) -> str:
    return written(tmp_path / "piped.log", *(PIPED.format(number) for number in range(9)))


def test_a_log_is_shown_by_its_formats_and_field_by_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "a.log", line("/product/7"), line("/product/8") + b" 0.012", line("/about"), "garbage")
    assert run(["formats", path, "--limit", "2"]) == 0
    shown = capsys.readouterr().out
    assert "4 lines, of which 3 (75.0%) can be read" in shown
    assert all(text in shown for text in ("access_log", "combined_more", "25.0%", "response   12 ms", "product    8"))
    assert "view_product  rule" in shown
    assert "other         none" in shown
    assert "would be rejected: 1 (25.0%) not_a_log_line" in shown
    assert shown.count("  client ") == 2
    assert run(["formats", path, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["formats"] == {"access_log": 2, "combined_more": 1}
    assert told["actions"] == {"view_product": 2, "other": 1}
    assert told["rejected"] == {"not_a_log_line": {"lines": 1, "first": "garbage"}}


def test_what_nobody_can_read_is_guessed_and_then_declared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = piped(tmp_path)
    assert run(["formats", path]) == 1
    told = capsys.readouterr()
    assert "9 lines, of which 0 (0.0%) can be read" in told.out
    assert "which is a guess: LOG_FORMAT='{time}|{ip_address}|{method}|{url}|{status_code}" in told.err
    assert run(["formats", path, "--log-format", STRING, "--json"]) == 0
    told_again = json.loads(capsys.readouterr().out)
    assert told_again["formats"] == {"declared": 9}
    assert told_again["log_format"].startswith("{time}|{ip_address}|{method}|{url}|")
    assert run(["formats", path, "--log-format", "$remote_addr|$status"]) == 2
    assert "time" in capsys.readouterr().err


def test_a_w3c_log_is_read_by_its_own_fields_also_where_they_change(tmp_path: Path, rules: UrlRules) -> None:
    path = written(tmp_path / "iis.log", *IIS)
    assert list(content_of(path)) == [
        Content(IIS[2].encode(), "date time c-ip cs-method cs-uri-stem sc-status time-taken"),
        Content(IIS[4].encode(), "date time cs-method cs-uri-stem c-ip sc-status"),
    ]
    trial = FormatTrial(rules)
    for one in content_of(path):
        trial.take(*one)
    events = [event for _, event in trial.by_format["declared"].examples]
    assert [(event.ip_address, event.product_id, event.response_ms) for event in events] == [
        ("203.0.113.7", "7", 12),
        ("203.0.113.8", "8", None),
    ]


def test_the_headers_of_a_line_say_what_it_needs_to_be_read() -> None:
    headers = LineHeaders("web1", "{time}")
    assert headers.of(b"1") == [("event_id", b"1"), ("source", b"web1"), ("log_format", b"{time}")]
    headers.take_comment(b"#Fields: date time")
    headers.take_comment(b"#Date: 2026-01-01 12:00:00")
    assert dict(headers.of(b"2"))["fields"] == b"date time"
    assert LineHeaders().of(b"3") == [("event_id", b"3")]


def test_a_head_with_one_line_that_can_be_read_is_no_reason_to_refuse(rules: UrlRules) -> None:
    bad = [(PIPED.format(number).encode(), "") for number in range(9)]
    assert unread_head([*bad, (line("/"), "")], rules) is None
    assert unread_head([], rules) is None
    trial = unread_head(bad, rules)
    assert trial is not None
    assert (trial.lines, list(trial.by_reason)) == (9, ["not_a_log_line"])
    ahead = line("/", **{"2026": "9999"})
    assert unread_head([(ahead, "")], rules) is None, "it can be read, and its clock is wrong"


def test_a_format_of_one_server_is_read_for_that_server(rules: UrlRules) -> None:
    edge = LogFormat("edge", "", (log_string(STRING),), source="edge")
    ours = replace(rules, formats=(edge, *rules.formats))
    lines = [(PIPED.format(1).encode(), "")]
    assert unread_head(lines, ours, source="edge") is None
    assert unread_head(lines, ours) is not None


def test_an_import_of_what_cannot_be_read_sends_nothing_unless_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[ImportOptions] = []

    def import_files(_names: object, _settings: object, options: ImportOptions, _progress: object) -> Outcome:
        sent.append(options)
        return Outcome("9 lines read", [], False)

    monkeypatch.setattr("ingest.import_logs.import_files", import_files)
    path = piped(tmp_path)
    assert run(["import", path]) == 2
    told = capsys.readouterr().err
    assert f"none of the first 9 lines of {path} can be read (not_a_log_line)" in told
    assert "Nothing was sent" in told
    assert "LOG_FORMAT='{time}|" in told
    assert "UNREAD=1" in told
    assert sent == []
    assert run(["import", path, "--unread"]) == 0
    assert run(["import", path, "--log-format", STRING]) == 0
    assert [options.log_format[:20] for options in sent] == ["", "{time}|{ip_address}|"]
