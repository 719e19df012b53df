"""Requests as odd as those of the web, sent byte by byte: no library makes them decent on the way."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass, replace

HOST = b"Shop.Example"
AGENT = b"Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0"
LONG = b"Mozilla/5.0 (" + b"Linux; very long " * 180 + b"end)"
TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(200, 256)) + b'"\\' + bytes(58) + b"\x00"
PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Request:
    """What is sent on one connection: a request in parts, or ``raw`` bytes in place of it."""

    name: str
    target: bytes = b"/"
    method: bytes = b"GET"
    version: bytes = b" HTTP/1.1"
    host: bytes | None = HOST
    agent: bytes | None = AGENT
    referrer: bytes | None = None
    forwarded_for: bytes | None = None
    body: bytes = b""
    raw: bytes | None = None
    hangs_up: bool = False
    """The client sends no more after it, and says so."""

    @property
    def line(self) -> bytes:
        """The first line, without its end."""
        if self.raw is not None:
            return self.raw.split(b"\r\n", 1)[0]
        return self.method + b" " + self.target + self.version

    @property
    def bytes(self) -> bytes:
        """All that is sent."""
        if self.raw is not None:
            return self.raw
        named = {
            b"Host": self.host,
            b"User-Agent": self.agent,
            b"Referer": self.referrer,
            b"X-Forwarded-For": self.forwarded_for,
            b"Content-Length": str(len(self.body)).encode() if self.body else None,
            b"Connection": b"close",
        }
        lines = [b"%s: %s" % (name, value) for name, value in named.items() if value is not None]
        return b"\r\n".join((self.line, *lines, b"", self.body))


@dataclass(frozen=True)
class Answer:
    """What a server answered to a request: its status, if it said one, and how long all of it took."""

    request: Request
    status_code: int | None
    milliseconds: float


def _agents() -> list[Request]:
    agents: dict[str, bytes | None] = {
        "a plain agent": AGENT,
        "a quote in the agent": b'Moz"illa/5.0',
        "a quote at the end of the agent": b'Tab 10"',
        "an agent in quotes": b'"Mozilla/5.0"',
        "a backslash in the agent": rb"Moz\illa/5.0",
        "a backslash at the end of the agent": b"Mozilla/5.0\\",
        "a backslash and a quote at the end": b'Mozilla/5.0\\"',
        "two backslashes and a quote": b'Moz\\\\"illa',
        "an escape of nginx in the agent": rb"Moz\x22illa",
        "an escape of JSON in the agent": rb"Moz\u0022illa\n",
        "letters beyond ASCII in the agent": "Gr\u00fc\u00dfe \u8336/5.0".encode(),
        "an emoji in the agent": "Tea \U0001f375/1.0".encode(),
        "bytes in the agent that are no UTF-8": b"Caf\xe9 \xff\xfe/5.0",
        "a tab in the agent": b"Moz\tilla/5.0",
        "an empty agent": b"",
        "no agent": None,
        "a dash for an agent": b"-",
        "an agent of 3 KB": LONG,
        "blanks around the agent and two in it": b"  Moz  illa/5.0  ",
        "brackets in the agent": b"{curly} [square] (round) <angle>",
        "pipes in the agent": b"Moz|illa|5.0",
        "an agent that ends the line": b'x" 200 5 "-" "y',
        "an agent that begins another line": b'x" "-"] "GET /product/1 HTTP/1.1" 200 5 "-" "y',
        "an agent in JSON": b'{"agent": "Mozilla/5.0", "status": 500}',
        "an agent with percents and pluses": b"Mozilla%2F5.0+%22Tea%22+100%",
        "commas in the agent": b"Mozilla/5.0, Mozilla/4.0, -",
        "a numbersign in the agent": b"Moz#22illa",
        "a control character in the agent": b"Moz\x01illa\x7f",
        "a NUL in the agent": b"Moz\x00illa",
        "a dollar and a number in the agent": b"Moz$1illa \\1",
    }
    return [Request(name, agent=agent) for name, agent in agents.items()]


def _referrers() -> list[Request]:
    referrers = {
        "a plain referrer": b"https://www.google.com/",
        "quotes in the referrer": b'https://www.google.com/search?q="tea pot"',
        "a quote and a backslash in the referrer": b'https://example.org/\\"\\',
        "letters beyond ASCII in the referrer": "https://example.org/caf\u00e9".encode(),
        "bytes in the referrer that are no UTF-8": b"https://example.org/caf\xe9",
        "an empty referrer": b"",
        "a dash for a referrer": b"-",
        "pipes and braces in the referrer": b"https://example.org/{a|b}",
    }
    return [Request(name, referrer=referrer) for name, referrer in referrers.items()]


def _targets() -> list[Request]:
    targets = {
        "a query": b"?utm_source=news&utm_campaign=spring",
        "encoded quotes": b"?q=%22tea%20pot%22&x=%5C%0A",
        "blanks in the target": b"/blue kettle",
        "raw quotes in the target": b'/"tea"?q="pot"',
        "raw letters beyond ASCII in the target": "/th\u00e9i\u00e8re".encode(),
        "bytes in the target that are no UTF-8": b"/th\xe9",
        "encoded letters beyond ASCII": b"/th%C3%A9i%c3%a8re",
        "a backslash in the target": rb"/a\b\x22",
        "two slashes": b"//tea",
        "two dots": b"/../tea",
        "a target of 2 KB": b"?q=" + b"tea+" * 500,
        "a fragment": b"?q=tea#pot",
        "a malformed escape": b"?q=100%&r=%zz",
        "a malformed escape in the path": b"/100%zz",
        "an encoded NUL": b"/%00",
        "a script": b"?q=<script>alert('1')</script>",
        "pipes in the target": b"|a|b?c|d",
        "a parameter of the path": b";jsessionid=1A2B",
        "brackets in the target": b"?a[0]={b}",
        "an encoded slash": b"/a%2Fb",
        "a control character in the target": b"?q=\x01\x7f",
    }
    return [Request(name, target=target) for name, target in targets.items()]


def _methods() -> list[Request]:
    return [
        Request("HTTP/1.0", version=b" HTTP/1.0"),
        Request("HTTP/1.0 without a host", version=b" HTTP/1.0", host=None),
        Request("HTTP/1.1 without a host", host=None),
        Request("HTTP/0.9", host=None, agent=None, raw=b"GET /product/%d\r\n"),
        Request("an unknown version", version=b" HTTP/3.0"),
        Request("HEAD", method=b"HEAD"),
        Request("OPTIONS", method=b"OPTIONS"),
        Request("POST", method=b"POST", body=b'{"tea": "pot"}'),
        Request("DELETE", method=b"DELETE"),
        Request("a method of WebDAV", method=b"PROPFIND"),
        Request("a method in small letters", method=b"get"),
        Request("a method that nobody knows", method=b"BREW"),
        Request("a host with a port", host=b"Shop.Example:8080"),
        Request("an address of IPv6 for a host", host=b"[::1]:8080"),
        Request("a host that is none", host=b'sh"op\\'),
        Request("no page", target=b"/missing"),
    ]


def _wholes() -> list[Request]:
    """Those that have no place for a number."""
    end = b" HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: whole/1.0\r\nConnection: close\r\n\r\n"
    whole = Request("", host=b"shop.example", agent=b"whole/1.0")
    bare = Request("", host=None, agent=None, hangs_up=True)
    return [
        replace(whole, name="an absolute target", raw=b"GET http://Shop.Example:8080/product/0?q=tea" + end),
        replace(whole, name="OPTIONS *", raw=b"OPTIONS *" + end),
        replace(whole, name="CONNECT", raw=b"CONNECT shop.example:443" + end),
        replace(whole, name="a target without a slash", raw=b"GET product/0" + end),
        replace(whole, name="blanks between method and target", raw=b"GET   /product/0" + end),
        replace(bare, name="the preface of HTTP/2", raw=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        replace(bare, name="the first bytes of TLS", raw=TLS_HELLO),
        replace(bare, name="a word", raw=b"hello\r\n\r\n"),
        replace(bare, name="quotes for a request", raw=b'"""\\\r\n\r\n'),
        replace(bare, name="ends of lines", raw=b"\r\n\r\n\r\n"),
        replace(
            bare, name="half a request", host=b"shop.example", raw=b"GET /product/0 HTTP/1.1\r\nHost: shop.example\r\n"
        ),
        replace(bare, name="nothing", raw=b""),
    ]


def _forwarded() -> list[Request]:
    lists = {
        "forwarded for one": b"203.0.113.9",
        "forwarded for a list": b"203.0.113.9, 198.51.100.7",
        "forwarded for a list without blanks": b"203.0.113.9,198.51.100.7",
        "forwarded for IPv6": b"2001:db8::9, [2001:db8::7]:4711",
        "forwarded for nobody known": b"unknown, 203.0.113.9",
    }
    return [Request(name, forwarded_for=forwarded) for name, forwarded in lists.items()]


def _numbered(number: int, request: Request) -> Request:
    """Return a request of a page of its own, so that its line in a log is known by its number."""
    if request.raw is not None:
        return replace(request, raw=request.raw.replace(b"%d", b"%d" % number))
    if request.target == b"/missing":
        return replace(request, target=b"/missing/%d" % number)
    return replace(request, target=b"/product/%d%s" % (number, request.target.removesuffix(b"/")))


REQUESTS = tuple(
    _numbered(number, request)
    for number, request in enumerate(
        (*_agents(), *_referrers(), *_targets(), *_methods(), *_forwarded(), *_wholes(), Request("the last")), start=101
    )
)


def send(port: int, request: Request) -> Answer:
    """Send a request to this machine's port on a connection of its own, and wait until the server closes that."""
    start = time.monotonic()
    answer = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
        try:
            connection.sendall(request.bytes)
            if request.hangs_up:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                answer += part
        except ConnectionResetError:  # how some servers end what they do not understand
            pass
    status = re.match(rb"HTTP/\d[.]\d (\d{3})", answer)
    return Answer(request, int(status[1]) if status else None, (time.monotonic() - start) * 1000)


def send_all(port: int) -> list[Answer]:
    """Send all requests one after the other."""
    return [send(port, request) for request in REQUESTS]
