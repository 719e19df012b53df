"""What real servers write of the requests of ``raw_requests``, and what is to be read of that.

A server has its own spelling for bytes that are odd; it says nothing of some requests, and of others no header. That is
its right, and no reader can bring back what was not written. All else is to be read as it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from debian_servers import APACHE_FORMATS, CAPTURED_BYTES, TARGET_BYTES
from raw_requests import Answer, Request
from web_servers import NGINX_FORMATS

from lake.contracts import MAX_AGENT_CHARACTERS, MAX_TARGET_CHARACTERS

CLIENT = "127.0.0.1"
DECLARED = "declared"
"""The format of a line that is read by the string that came with it."""
PLAIN = frozenset({"ip_address", "user_agent"})
TIMED = PLAIN | {"response_ms"}
FULL = TIMED | {"host"}
"""Which fields a log may have."""
FORWARDED = {
    "forwarded for one": "203.0.113.9",
    "forwarded for a list": "198.51.100.7",
    "forwarded for a list without blanks": "198.51.100.7",
    "forwarded for IPv6": "2001:db8::7",
    "forwarded for nobody known": "203.0.113.9",
}
"""Request -> the last of its list, which the server at the other end of this machine vouches for."""


@dataclass(frozen=True)
class Server:
    """How a server writes what it got: names of requests are those of ``raw_requests``."""

    header: Callable[[bytes], str]
    """A header's value as it stands in the log."""
    target: Callable[[bytes], str]
    """The same of the first line of the request."""
    silent: frozenset[str]
    """Requests that it writes no line about."""
    unread: frozenset[str] = frozenset()
    """Requests that it refuses before it has read the agent."""
    hostless: frozenset[str] = frozenset()
    """Requests of which it knows no host."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Requests of which it logs another host than was asked for, and which."""
    own_name: str | None = None
    """What it logs for the host, whoever was asked for."""
    targets: Mapping[str, str | None] = field(default_factory=dict)
    """Requests of which it logs another target than was asked for, and which: None for what is no request."""


@dataclass(frozen=True)
class Log:
    """One log of a server, and what its lines are read as."""

    server: Server
    format: str
    """As bronze has it, if nobody says what the lines are."""
    fields: frozenset[str] = PLAIN
    """Which of ``ip_address``, ``user_agent``, ``forwarded_for``, ``host`` and ``response_ms`` its lines have."""
    doubtful: frozenset[str] = frozenset()
    """Requests whose line can be read in more ways than one: it may be rejected, but not be read as something else."""


def _escaped(raw: bytes, odd: bytes, escape: str) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in odd else escape.format(byte) for byte in raw)


def _of_nginx(raw: bytes) -> str:
    return _escaped(raw, b'"\\', r"\x{:02X}")


def _of_apache(raw: bytes) -> str:
    short = {"\\x22": '\\"', "\\x5c": "\\\\", "\\x09": "\\t"}
    return re.sub(r"\\x(?:22|5c|09)", lambda found: short[found[0]], _escaped(raw, b'"\\', r"\x{:02x}"))


def _as_text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _of_traefik(raw: bytes) -> str:
    return _as_text(raw).replace('"', '\\"')  # and no backslash before a backslash


def _captured(raw: bytes) -> str:
    return _escaped(raw[:CAPTURED_BYTES], b'"#{|}', "#{:02X}")


def _of_haproxy(raw: bytes) -> str:
    return _escaped(raw[:TARGET_BYTES], b'"#', "#{:02X}")


NO_REQUESTS = frozenset(
    {
        "the preface of HTTP/2",
        "the first bytes of TLS",
        "a word",
        "quotes for a request",
        "ends of lines",
        "nothing",
        "a target without a slash",
        "a control character in the target",
        "blanks in the target",
    }
)
"""What no server takes for a request."""
NGINX_REFUSES = NO_REQUESTS - {"nothing"} | {
    "a malformed escape in the path",
    "an encoded NUL",
    "an unknown version",
    "a method in small letters",
    "OPTIONS *",
}
NGINX = Server(
    header=_of_nginx,
    target=_of_nginx,
    silent=frozenset({"nothing"}),
    unread=NGINX_REFUSES | {"a host that is none", "a NUL in the agent"},
    hostless=NGINX_REFUSES | {"a host that is none"},
)
NGINX_BEFORE = replace(NGINX, hostless=NGINX.hostless | {"an address of IPv6 for a host"})
"""Before the client, an address may be that of a proxy: nobody can tell unless the string says so."""
PARTS = {"CONNECT": "/", "an absolute target": "/product/0?q=tea"}
NGINX_PARTS = replace(NGINX, targets={**PARTS, **dict.fromkeys(NGINX_REFUSES, "")})
NGINX_OBJECTS = replace(NGINX_PARTS, header=_as_text, target=_as_text)  # escapes are read as what they mean
GO_REFUSES = NO_REQUESTS | {
    "a malformed escape in the path",
    "an unknown version",
    "OPTIONS *",
    "a control character in the agent",
    "a NUL in the agent",
    "HTTP/1.1 without a host",
    "HTTP/0.9",
    "a host that is none",
    "blanks between method and target",
    "half a request",
}
"""What the library in which Caddy and Traefik are written refuses before they hear of it."""
CADDY = Server(header=_as_text, target=_as_text, silent=GO_REFUSES)
TRAEFIK = Server(
    header=_of_traefik,
    target=_as_text,
    silent=GO_REFUSES | {"CONNECT"},
    targets={
        "raw quotes in the target": '{page}/%22tea%22?q="pot"',
        "raw letters beyond ASCII in the target": "{page}/th%C3%A9i%C3%A8re",
        "bytes in the target that are no UTF-8": "{page}/th%E9",
        "encoded letters beyond ASCII": "{page}/th%C3%A9i%C3%A8re",
        "a backslash in the target": "{page}/a%5Cb%5Cx22",
        "pipes in the target": "{page}%7Ca%7Cb?c|d",
        "two slashes": "{page}/tea",
        "two dots": "/product/tea",
        "an absolute target": "/product/0?q=tea",
    },
)
TRAEFIK_OBJECTS = replace(TRAEFIK, header=_as_text, hosts={"an address of IPv6 for a host": "::1"})
TRAEFIK_BREAKS = frozenset(
    {
        "raw quotes in the target",  # it escapes quotes in headers alone
        "a backslash at the end of the agent",  # and no backslash, which seems to escape the quote behind it
        "a backslash and a quote at the end",
        "a quote and a backslash in the referrer",
    }
)
APACHE_REFUSES = NO_REQUESTS | {
    "a NUL in the agent",
    "a fragment",
    "blanks between method and target",
    "half a request",
}
APACHE = Server(
    header=_of_apache,
    target=_of_apache,
    silent=frozenset({"the first bytes of TLS", "ends of lines", "nothing"}),
    unread=APACHE_REFUSES | {"a control character in the agent"},
    hostless=APACHE_REFUSES,
)
HAPROXY_REFUSES = NO_REQUESTS - {"nothing"} | {
    "raw letters beyond ASCII in the target",
    "bytes in the target that are no UTF-8",
    "a fragment",
    "HTTP/0.9",
    "an absolute target",
    "half a request",
}
HAPROXY = Server(
    header=_captured,
    target=_of_haproxy,
    silent=frozenset({"nothing"}),
    unread=HAPROXY_REFUSES,
    hostless=HAPROXY_REFUSES,
    targets=dict.fromkeys(HAPROXY_REFUSES),
)

LOGS = {
    "nginx_combined": Log(NGINX, "access_log"),
    "nginx_main": Log(NGINX, "access_log", PLAIN | {"forwarded_for"}),
    "nginx_times": Log(NGINX, "combined_more", TIMED),
    "nginx_vhost": Log(NGINX_BEFORE, "access_log", PLAIN | {"host"}),
    "nginx_ingress": Log(NGINX, "ingress_nginx", TIMED),
    "nginx_json": Log(NGINX_OBJECTS, "json_log", FULL),
    "nginx_json_unescaped": Log(NGINX_OBJECTS, "json_log", FULL),
    "caddy": Log(CADDY, "caddy", FULL),
    "caddy_console": Log(CADDY, "caddy", FULL),
    "traefik": Log(TRAEFIK, "traefik", TIMED, doubtful=TRAEFIK_BREAKS),
    "traefik_json": Log(TRAEFIK_OBJECTS, "traefik_json", FULL),
    "apache_combined": Log(APACHE, "access_log"),
    "apache_vhost": Log(replace(APACHE, own_name="www.shop.example"), "access_log", PLAIN | {"host"}),
    "apache_microseconds": Log(APACHE, "combined_more"),
    "haproxy": Log(HAPROXY, "haproxy", TIMED - {"user_agent"}),
    "haproxy_captures": Log(HAPROXY, "haproxy", FULL),
}
"""What is read if nobody says how the lines are written."""
STRINGS = {**NGINX_FORMATS, **APACHE_FORMATS}
"""Log -> the server's own string for it, which Weblake can be told."""
DECLARED_LOGS = {
    "nginx_combined": Log(NGINX, DECLARED),
    "nginx_main": Log(NGINX, DECLARED, PLAIN | {"forwarded_for"}),
    "nginx_times": Log(NGINX, DECLARED, TIMED),
    "nginx_vhost": Log(NGINX, DECLARED, PLAIN | {"host"}),
    "nginx_ingress": Log(NGINX, DECLARED, TIMED),
    "nginx_pipes": Log(NGINX_PARTS, DECLARED, FULL, doubtful=frozenset({"pipes in the target"})),
    "apache_combined": Log(APACHE, DECLARED),
    "apache_vhost": Log(replace(APACHE, own_name="www.shop.example"), DECLARED, PLAIN | {"host"}),
    "apache_microseconds": Log(APACHE, DECLARED, TIMED),
    "apache_custom": Log(APACHE, DECLARED, FULL - {"ip_address"} | {"forwarded_for"}),
}
"""What is read if the string came with the lines."""


def expected(log: Log, answer: Answer) -> dict[str, object]:
    """Return what the line about a request is to be read as, but for how long the answer took."""
    request, server = answer.request, log.server
    is_read = "user_agent" in log.fields and request.name not in server.unread
    path = _path(server, request)
    return {
        "format": log.format,
        "path": path and path[:MAX_TARGET_CHARACTERS],
        "status_code": answer.status_code or (200 if request.name == "HTTP/0.9" else 400),  # the client heard of none
        "user_agent": _header(server, request.agent if is_read else None, MAX_AGENT_CHARACTERS),
        "referrer": _header(server, request.referrer if is_read else None),
        "ip_address": _client(log, request),
        "host": _host(log, request),
    }


def _header(server: Server, value: bytes | None, characters: int | None = None) -> str | None:
    if server is HAPROXY and value:
        value = value.split(b"\x00")[0]
    written = server.header((value or b"").strip(b" "))
    return None if written in ("", "-") else written[:characters]


def _path(server: Server, request: Request) -> str | None:
    """What was asked for; an empty text for an empty request, and null for what is no request."""
    if request.name in server.targets:
        page = re.match(r"/\w+/\d+", request.target.decode(errors="replace"))
        target = server.targets[request.name]
        return target and target.format(page=page and page[0])
    line = server.target(request.line)
    asked = re.match(r"[A-Z]\w* +(.+?)(?: HTTP/.*)?\Z", line)
    return re.sub(r"^\w+://[^/]*", "", asked[1]) if asked else None if line else ""


def _client(log: Log, request: Request) -> str | None:
    direct = CLIENT if "ip_address" in log.fields else None
    return FORWARDED.get(request.name, direct) if "forwarded_for" in log.fields else direct


def _host(log: Log, request: Request) -> str | None:
    server = log.server
    if "host" not in log.fields:
        is_absolute = request.name == "an absolute target" and request.name not in server.targets
        return "shop.example" if is_absolute else None
    if server.own_name:
        return server.own_name
    if request.name in server.hostless or request.host is None:
        return None
    return server.hosts.get(request.name) or server.header(re.sub(rb":\d+\Z", b"", request.host)).lower()
