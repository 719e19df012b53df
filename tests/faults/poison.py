"""Records that senders should not send, and strange ones that they may; each with what it must count as."""

from __future__ import annotations

import json
import time

from faults.traffic import Fact, Message, event, iso, log_line

LONG = 1_000_000
"""Bytes: just below the largest record that a broker takes unless told otherwise."""


def poison() -> list[Message]:
    """Return the corpus; times are of now."""
    rejected = [*_bytes(), *_wrong_fields()]
    return [*(Message(value, None) for value in rejected), *_headers(), *_counted()]


def _good(event_id: str | None) -> Fact:
    return Fact(event_id, int(time.time() * 1000), "view_product", "p-1", "198.51.100.1")


def _bytes() -> list[bytes | None]:
    """Return what is neither a JSON event nor a log line, or not quite."""
    good = event(_good("poison")).value or b""
    line = log_line(_good("poison")).value or b""
    deep = 100_000
    return [
        *(None, b"", b"\n", b" ", b"\0", b"\xff", b"\xfe\xff\x00{", b"\xef\xbb\xbf", b"\xef\xbb\xbf" + good),
        *(b"null", b"true", b"0", b'""', b"[]", b"[" + good + b"]", b"{}", b"{", b"}", b'{"', b"{'a': 1}"),
        *(b" " + good, good[:-1], good[: len(good) // 2], good[1:], good + good, good + b"\n" + good, good + b"x"),
        *(good + b"\0", good.replace(b"p-1", b"p\0"), good.replace(b"p-1", b"p\\u0000")),
        *(good.replace(b"p-1", b"\xc3("), good.replace(b"p-1", b"\xed\xa0\x80"), good.decode().encode("utf-16")),
        *(b"[" * deep, b"{" * deep, b'{"a":' * deep, b'{"a":' + b"[" * deep + b"]" * deep + b"}"),
        *(b"x" * LONG, b"\0" * LONG, b"\xff" * LONG, b'{"a": "' + b"x" * LONG, b'"' * LONG, b"\\" * LONG),
        *(line[:-1], line[10:], line.replace(b"[", b"("), line.replace(b" 200 ", b" 2000 "), line + b"\n" + line),
        line.replace(b"/%d:" % time.gmtime().tm_year, b"/+999999999:"),
        *(line.replace(b"GET", b"\0"), line.replace(b"GET", b"\xff"), line.replace(b"198.51.100.1", b"shop.example")),
    ]


def _wrong_fields() -> list[bytes | None]:
    """Return events with one field that is missing, of a wrong type, or out of bounds."""
    now = int(time.time())
    next_year = iso((now + 366 * 86_400) * 1000)
    far = ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "+57971-01-01T00:00:00Z", next_year)
    wrong: dict[str, tuple[object, ...]] = {
        "timestamp": (None, "", [], {}, 0, 1e308, "now", "9" * LONG, "2026-13-01T00:00:00Z", now, now * 1000, *far),
        "ip_address": (None, "", "-", "1.2.3", "1.2.3.4.5", "::g", "1.2.3.4 ", "1.2.3.4\u2028", 1e99, []),
        "action": (None, "", "VIEW_PRODUCT", "view_product ", "drop table", 1, ["checkout"]),
        "status_code": ("", "OK", 0, 1e10, 10**400, -200, 200.5, True, [200]),
        "response_time": ("", "fast", -1, 10**400, True, {"s": 1}),
        "product_id": ([], {"id": 1}, "x" * 257, "x" * LONG),
    }
    return [event(_good("poison"), **{name: value}).value for name, values in wrong.items() for value in values]


def _headers() -> list[Message]:
    """Return good events whose identity is in a header, missing, doubled or no text."""
    named = [Message(event(_good("field")).value, _good("header"), (("event_id", b"header"),)) for _ in range(2)]
    first = Message(event(_good("field-2")).value, _good("one"), (("event_id", b"one"), ("event_id", b"two")))
    others = Message(event(_good("field-3")).value, _good("field-3"), (("trace", b"\xff"), ("Event_ID", b"no")))
    empty = Message(event(_good("field-4")).value, _good("field-4"), (("event_id", b""),))
    without = [event(_good(None)) for _ in range(2)]
    return [*named, first, others, empty, *without]


def _counted() -> list[Message]:
    """Return strange events that count all the same."""
    fact = _good("strange-1")
    twice = (event(fact).value or b"").replace(b'{"event_id"', b'{"event_id": "first", "event_id"')
    other = _good("strange-2")
    spaced = json.dumps(json.loads(event(other).value or b""), indent=4).encode() + b"\r\n"
    sized = _good("strange-3")
    names = {"event_id": "strange-4", "product_id": "\u202e\U0001f9e8\u00e9' or 1=1; --"}
    slow = [event(_good(f"strange-{number}"), response_time=9e15) for number in (5, 6)]
    odd = Fact("strange-4", fact.occurred_ms, fact.action, names["product_id"], fact.client)
    return [
        Message(twice, fact),
        Message(spaced, other),
        event(sized, note="x" * LONG, user_agent=None),
        event(odd, **names),
        *slow,
    ]
