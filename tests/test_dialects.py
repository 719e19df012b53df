"""Log strings as they are pasted: what lines by them say, and what cannot be used."""

from __future__ import annotations

import re

import pytest
from apache_strings import APACHE, OTHERS
from nginx_strings import NGINX
from pasted_strings import Pasted, fields, plain, written

from lake.errors import FormatError
from lake.formats.log_string import USABLE
from lake.formats.strings.dialects import log_string, notes
from lake.formats.strings.time_patterns import has_zone, is_time, sample


def refusal(pasted: str) -> str:
    with pytest.raises(FormatError) as error:
        log_string(pasted)
    return str(error.value)


ALL = [*NGINX, *APACHE, *OTHERS]


@pytest.mark.parametrize("pasted", ALL, ids=[pasted.name for pasted in ALL])
def test_a_line_is_read_by_the_string_that_its_server_has(pasted: Pasted) -> None:
    assert fields(log_string(pasted.string), written(pasted.line)) == pasted.fields


@pytest.mark.parametrize("pasted", ALL, ids=[pasted.name for pasted in ALL])
def test_a_string_that_was_read_is_usable_and_means_the_same_when_it_is_pasted_again(pasted: Pasted) -> None:
    string = log_string(pasted.string)
    assert re.search(plain(USABLE), string, re.ASCII)
    assert log_string(string) == string


@pytest.mark.parametrize(
    "pasted",
    [
        "log_format x '$remote_addr [$time_local] \"$request\"';",
        "log_format x escape=default '$remote_addr [$time_local] '\n  # the rest\n  '\"$request\"';",
        'log_format x "$remote_addr [$time_local] \\"$request\\"";',
        "x '$remote_addr [$time_local] ' '\"$request\"'",
        "'$remote_addr [$time_local] \"$request\"'",
        '$remote_addr [$time_local] "$request"',
        '  ${remote_addr} [${time_local}] "${request}"\n',
        "http {\n  log_format x '$remote_addr [$time_local] \"$request\"';\n  access_log logs/access.log x;\n}",
        'LogFormat "%a %t \\"%r\\"" x',
        'LogFormat "%a %t \\"%r\\"" x\nCustomLog logs/access_log x',
        '"%a %t \\"%r\\""',
        '%a %t \\"%r\\"',
        '%a %t "%r"',
        'CustomLog "|bin/rotatelogs log 86400" "%a %t \\"%r\\""',
        'LogFormat "%a \\\n%t \\"%r\\"" x',
        'accesslog.format = "%a %t \\"%r\\""',
        'pattern="%a %t &quot;%r&quot;"',
        "%a %t &quot;%r&quot;",
        '{ip_address} [{time}] "{request}"',
        "'{ip_address} [{time}] \"{request}\"'",
    ],
)
def test_a_string_is_found_in_what_stands_around_it(pasted: str) -> None:
    assert log_string(pasted) == '{ip_address} [{time}] "{request}"'


@pytest.mark.parametrize(
    ("pasted", "string"),
    [
        ("$msec $time_iso8601 $request", "{_} {time} {request}"),
        ("$time_local $msec $request", "{time} {_} {request}"),
        ("%t %m http://%{Host}i%U%q x", "[{time}] {method} {url} x"),
        ("$msec $request_method $uri [$request]", "{time} {_} {_} [{request}]"),
        ("$msec $request_uri $args $uri", "{time} {url} {_} {_}"),
        ("$msec $uri $args $query_string", "{time} {url} {query} {_}"),
        ("$msec $request $server_name $http_host $host", "{time} {request} {_} {_} {host}"),
        ("$msec $request $bytes_sent $body_bytes_sent", "{time} {request} {_} {bytes}"),
        ("$msec $request $upstream_response_time $request_time", "{time} {request} {_numbers} {response_time}"),
        ("$msec $request $http_x_real_ip", "{time} {request} {ip_address}"),
        ("$msec $request $http_x_real_ip $remote_addr", "{time} {request} {_} {ip_address}"),
        ("$msec $request $proxy_add_x_forwarded_for", "{time} {request} {ip_address}"),
        ("$msec $request $remote_addr $http_x_forwarded_for", "{time} {request} {ip_address} {forwarded_for}"),
        ("$msec $request $my_map $request_id", "{time} {request} {_} {_}"),
        ("$msec $request $a$b", "{time} {request} {_}"),
        ("$msec $request $upstream_addr $status", "{time} {request} {_text} {status_code}"),
        ("$msec $scheme://$host$request_uri?", "{time} {url}?"),
        ("$msec $host$request_uri", "{time} {host}{url}"),
        ("$time_local $time_iso8601 $request", "{time} {_} {request}"),
        ("%t %T %D %r", "[{time}] {_} {response_us} {request}"),
        ("%t %s %>s %r", "[{time}] {_} {status_code} {request}"),
        ("%t %h %a %{c}a %r", "[{time}] {_} {ip_address} {_} {request}"),
        ("%t %v %V %{HOST}i %r", "[{time}] {_} {_} {host} {request}"),
        ("%t %{x-forwarded-for}i %h %r", "[{time}] {forwarded_for} {ip_address} {request}"),
        ("%t %m http://%{Host}i%U%q %H", "[{time}] {request}"),
        ("%{[%d/%b/%Y:%T %z]}t %r", "[{time}] {request}"),
        ("%{%FT%T}tZ %r", "{time} {request}"),
        ("%t $x %r", "[{time}] $x {request}"),
        ("{time} %a $x {request}", "{time} %a $x {request}"),
        ("%{begin:%s}t %{end:%s}t %r", "{time} {_} {request}"),
    ],
)
def test_each_field_is_the_variable_that_knows_it_best(pasted: str, string: str) -> None:
    assert log_string(pasted) == string


@pytest.mark.parametrize("mark", "+*?.^$|()[]-&#~!@%=:;,<>/'`{}")
def test_a_mark_between_fields_stands_for_itself(mark: str) -> None:
    own = {"{": "{open}", "}": "{close}"}.get(mark, mark)
    line = written(f"1772334000{mark}{mark}REQUEST{mark} {mark}17")
    read = fields(f"{{time}}{own}{own}{{request}}{own} {own}{{bytes}}", line)
    assert read == {"time": "1772334000", "request": written("REQUEST"), "bytes": "17"}


def test_a_dash_behind_a_url_without_a_query_is_none_of_it() -> None:
    string = log_string('"$request_method $uri$is_args$args $server_protocol" $msec')
    read = [fields(string, f'"GET {url} HTTP/1.1" 1772334000.123') for url in ("/p-", "/p--", "/p-?a-b", "/p?a=-1")]
    assert [line and line["url"] for line in read] == ["/p", "/p-", "/p-?a-b", "/p?a=-1"]


@pytest.mark.parametrize("mark", "\"'|]);^,-$")
def test_a_dash_behind_a_url_stands_before_any_mark(mark: str) -> None:
    assert fields(f"{{url}}{{_dash}}{mark} {{bytes}}", f"/p-{mark} 17") == {"url": "/p", "bytes": "17"}


def test_an_agent_without_quotes_ends_before_a_last_field_that_is_a_list() -> None:
    string = log_string("$msec $request $http_user_agent $http_x_forwarded_for")
    read = fields(string, written("1772334000.123 REQUEST Mozilla/5.0 (KHTML, like Gecko) Safari LIST"))
    assert read == {
        "time": "1772334000.123",
        "request": written("REQUEST"),
        "user_agent": "Mozilla/5.0 (KHTML, like Gecko) Safari",
        "ip_address": written("LIST"),
    }


def test_nginx_writes_no_dashes_if_it_escapes_as_json() -> None:
    string = log_string("log_format x escape=json '[$msec] $request_method $uri$is_args$args $server_protocol|';")
    assert string == "[{time}] {request}|"


def test_the_milliseconds_of_tomcat_are_told_by_how_it_is_pasted_or_by_name() -> None:
    assert log_string("%t %r %D") == "[{time}] {request} {response_us}"
    assert log_string("%t %r %D", tomcat=True) == log_string('pattern="%t %r %D"') == "[{time}] {request} {response_ms}"
    assert "later ones write microseconds" in notes("%t %r %D", tomcat=True)[-1]


def test_fields_of_a_server_that_cannot_be_told_apart_become_the_rest_behind_all_that_count() -> None:
    pasted = '$msec "$request" $status $upstream_response_time$upstream_status|$upstream_addr$request_length'
    assert log_string('$msec "$request" $status $request_length$connection$pipe') == (
        '{time} "{request}" {status_code} {_}'
    )
    assert log_string(pasted) == '{time} "{request}" {status_code} {_}|{_}'
    assert log_string("$msec [$request] $http_cookie $http_via $http_accept $http_via $pid") == (
        "{time} [{request}] {rest}"
    )


@pytest.mark.parametrize(
    ("pasted", "reasons"),
    [
        (" \n", ["is empty"]),
        ("log_format x '';", ["no variables|no time"]),
        ("Firefox", ["'Firefox'", "no variables"]),
        ("$remote_addr $request", ["no time", r"\$time_iso8601"]),
        ("%h %r", ["no time", "%t"]),
        ("{clock} {request}", ["no time"]),
        ("$time_local $host", ["no request and no url"]),
        ("$time_local $http_user_agent$request", [r"\$http_user_agent.*\$request.* with nothing between them"]),
        ("{time}{request}", [r"\{time\} and \{request\} with nothing between"]),
        ("{bytes}{status_code} {time} {request}", ["nothing between"]),
        ("$time_local $http_user_agent $http_cookie $request", [r"\$http_user_agent .*\$http_cookie.*a blank between"]),
        (
            "{time} {request} {status_code} {user_agent} {bytes} {_text} {port} x {ip_address}",
            [r"has 3 fields that may have blanks", r"\{request\}, \{user_agent\}, \{_text\}"],
        ),
        ("{time} {rest} {request}", [r"goes on behind \{rest\}"]),
        ("%h %t %r %Y", ["'%Y', which is unknown"]),
        ("%ci %t %r", ["'%c', which is unknown"]),
        ("%h %t %r 100%", ["write %% for a percent sign"]),
        ("{time} {request} {adress}", [r"unknown name \{adress\}"]),
        ("{time} {request} {ip_adress}", [r"write \{ip_address\}\?"]),
        ("{time} {request} {time}", [r"has \{time\} twice"]),
        ("{time} {request} }", ["has a brace", r"\{close\}"]),
        ("{time} \\d {request}", ["has a backslash"]),
        ("{time}\x07{request}", ["control character"]),
        ("log_format x '$time_local $request", ["quotes .* do not close"]),
        ("log_format x '{\n$time_local $request\n}';", ["has a line break"]),
        ("{time} {request} " + "x" * 4096, ["longer than 4096"]),
        ("%{%d/%b/%Y}t %{%T}t %r", ["'01/Mar/2026 04:05:07'", "write %t"]),
        ("%{%c}t %r", ["reads no such times"]),
        ("$time_local $uri$is_args$args", [r"let it write \$request_uri"]),
        ("log_format a '$msec $request'; log_format b '$msec $uri';", ["has 2 log strings"]),
    ],
)
def test_a_string_that_cannot_be_used_is_refused_with_the_reason(pasted: str, reasons: list[str]) -> None:
    message = refusal(pasted)
    for reason in reasons:
        assert re.search(reason, message), message


def test_what_a_usable_string_lacks_is_said() -> None:
    assert notes("{combined}") == []
    lacking = " ".join(notes("%{%F %T}t %U"))
    for word in ("client `unknown`", "no status", "no user agent", "taken for GET", "LOG_TIMEZONE"):
        assert word in lacking
    assert "UTC" in " ".join(notes("{date}\t{clock}\t{request}"))
    assert "LOG_TIMEZONE" not in " ".join(notes("%{%F %T %z}t %r") + notes("%{msec}t %r"))


@pytest.mark.parametrize(
    ("pattern", "is_read", "is_zoned"),
    [
        ("%d/%b/%Y:%H:%M:%S %z", True, True),
        ("%Y-%m-%d %T", True, False),
        ("%a, %d %b %Y %T GMT", True, True),
        ("begin:%s", True, True),
        ("usec", True, True),
        ("msec_frac", False, False),
        ("%d.%m.%Y %T", False, False),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", True, True),
        ("dd/MMM/yyyy:HH:mm:ss Z", True, True),
        ("hh:mm a", False, False),
    ],
)
def test_a_pattern_of_times_is_read_if_what_it_writes_is(pattern: str, is_read: bool, is_zoned: bool) -> None:
    assert is_time(sample(pattern)) == is_read
    assert not is_read or has_zone(sample(pattern)) == is_zoned
