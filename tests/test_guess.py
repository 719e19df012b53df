"""Log strings that are guessed from lines."""

from __future__ import annotations

import pytest
from pasted_strings import fields, written

from lake.formats.strings.guess import guess

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/126.0"
BOT = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"


def test_cells_between_pipes_are_told_by_their_values() -> None:
    lines = [
        f"TIME|ADDRESS|HOST|0.120|5120|-|{AGENT}|-|192.0.2.74|GET|https://HOST/p/1|192.0.2.75:80|0.119|200",
        f"TIME|ADDRESS|HOST|0.080|512|-|{BOT}|REFERRER|192.0.2.74|POST|https://HOST/p/1?a=b|-|-|302",
        "TIME|203.0.113.8|HOST|0.080|0|-|-|-|192.0.2.74|GET|https://HOST/p/2|192.0.2.75:80, 192.0.2.76:80|0.1, 0.2|200",
    ]
    string = guess(list(map(written, lines)))
    assert string == (
        "{time}|{ip_address}|{host}|{response_time}|{_}|{_}|{user_agent}|{referrer}|{_}|{method}|{url}|{_}|{_numbers}"
        "|{status_code}"
    )


def test_keys_before_quotes_tell_their_fields() -> None:
    lines = [
        f'time="TIME" http_method="GET" site="HOST" src="ADDRESS" user="-" status="200" bytes_out="512" ua="{AGENT}" '
        'uri_path="/p/1" uri_query="a=b" request_time="0.120"',
        'time="TIME" http_method="GET" site="HOST" src="ADDRESS" user="eve" status="404" bytes_out="0" ua="curl/8.0" '
        'uri_path="/p/2" uri_query="-" request_time="0.080"',
    ]
    assert guess(list(map(written, lines))) == (
        'time="{time}" http_method="{method}" site="{host}" src="{ip_address}" user="{user_id}" status="{status_code}" '
        'bytes_out="{bytes}" ua="{user_agent}" uri_path="{url}" uri_query="{query}" request_time="{response_time}"'
    )


def test_words_in_brackets_stay_as_they_are() -> None:
    lines = [
        f'[TIME] [HOST:443] [client LIST] "REQUEST" 200 512 "{AGENT}"',
        '[TIME] [HOST:443] [client ADDRESS] "REQUEST" 301 - "curl/8.0"',
    ]
    assert guess(list(map(written, lines))) == (
        '[{time}] [{host}] [client {ip_address}] "{request}" {status_code} {bytes} "{user_agent}"'
    )


@pytest.mark.parametrize(
    ("lines", "string"),
    [
        (["ISO;ADDRESS;REQUEST;200;x"], "{time};{ip_address};{request};{status_code};{_}"),
        (['ISO,ADDRESS,"REQUEST",200,"a, b"'], '{time},{ip_address},"{request}",{status_code},"{_}"'),
        (["1772334000.123 ADDRESS:4711 --> REQUEST 200"], "{time} {ip_address}:{port} --> {request} {status_code}"),
        (['TIME ADDRESS "REQUEST" 200'], '{time} {ip_address} "{request}" {status_code}'),
        (
            ["2026-03-01 03:00:00 ADDRESS GET /p 200 17", "2026-03-01 03:00:01 ADDRESS POST /p?a=b 201 5120"],
            "{time} {ip_address} {method} {url} {status_code} {bytes}",
        ),
        (
            ['[TIME] "REQUEST" 200 0.120, - 0.123', '[TIME] "REQUEST" 304 - 0.001'],
            '[{time}] "{request}" {status_code} {_numbers} {response_time}',
        ),
        (
            ['[TIME] ADDRESS "REQUEST" 200 "AGENT"rt=0.120'],
            '[{time}] {ip_address} "{request}" {status_code} "{user_agent}"rt={response_time}',
        ),
    ],
)
def test_lines_of_other_shapes_are_guessed_too(lines: list[str], string: str) -> None:
    assert guess(list(map(written, lines))) == string


def test_a_guess_reads_what_it_names() -> None:
    line = written('"ADDRESS" <TIME> {x} "REQUEST" (200) took=0.120 "AGENT"')
    string = guess([line])
    assert string is not None
    assert fields(string, line) == {
        "ip_address": written("ADDRESS"),
        "time": written("TIME"),
        "request": written("REQUEST"),
        "status_code": "200",
        "response_time": "0.120",
        "user_agent": written("AGENT"),
    }


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["", "  "],
        ["The quick brown fox jumps over the lazy dog."],
        ["On 2026-03-01 03:00:00 he asked for GET and went away.", "So it goes."],
        ["2026-03-01T03:00:00Z INFO started worker in 17 ms", "2026-03-01T03:00:01Z INFO got GET /x"],
        ['2026/03/01 03:00:00 [error] 7#7: *1 open() failed, client: 203.0.113.9, request: "GET /x HTTP/1.1"'],
        ["a|b|c|d|e|f", "g|h|i|j|k|l"],
        ['{"at": "2026-03-01T03:00:00Z", "q": "GET /x HTTP/1.1"}'],
        ["\x16\x03\x01 | \x00 | \x00 | \x00 | \x00 | \x00"],
    ],
)
def test_what_is_no_access_log_is_not_guessed(lines: list[str]) -> None:
    assert guess(lines) is None


def test_one_line_that_does_not_fit_refuses_the_guess() -> None:
    line = written('ADDRESS [TIME] "REQUEST" 200')
    assert guess([line]) == '{ip_address} [{time}] "{request}" {status_code}'
    assert guess([line, "and this"]) is None
