"""Records that senders should not send, and strange ones that they may; each with what it must count as."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from hashlib import sha256
from typing import Any

from faults.traffic import Fact, Message, event, iso, log_line

LONG = 1_000_000
"""Bytes: just below the largest record that a broker takes unless told otherwise."""
ODD_PRODUCTS = ("p\ufffd", "\ufffd(", "\ufffd\ufffd\ufffd", "p-1", "p-1", "p-1")


def poison() -> list[Message]:
    """Return the corpus; times are of now."""
    rejected = [*_bytes(), *_wrong_fields()]
    return [*(Message(value, None) for value in rejected), *_headers(), *_counted(), *_odd_bytes(), *_odd_fields()]


def _good(event_id: str | None) -> Fact:
    return Fact(event_id, int(time.time() * 1000), "view_product", "p-1", "198.51.100.1")


def _bytes() -> list[bytes | None]:
    """Return what is neither a JSON event nor a log line, or not quite."""
    good = event(_good("poison")).value or b""
    line = log_line(_good("poison")).value or b""
    deep = 100_000
    return [
        *(None, b"", b"\n", b" ", b"\0", b"\xff", b"\xfe\xff\x00{", b"\xef\xbb\xbf"),
        *(b"null", b"true", b"0", b'""', b"[]", b"[" + good + b"]", b"{}", b"{", b"}", b'{"', b"{'a': 1}"),
        *(good[:-1], good[: len(good) // 2], good[1:], good + good, good + b"\n" + good, good + b"x"),
        *(good.replace(b"p-1", b"p\0"), good.decode().encode("utf-16")),
        *(b"[" * deep, b"{" * deep, b'{"a":' * deep, b'{"a":' + b"[" * deep + b"]" * deep + b"}"),
        *(b"x" * LONG, b"\0" * LONG, b"\xff" * LONG, b'{"a": "' + b"x" * LONG, b'"' * LONG, b"\\" * LONG),
        *(b" " * LONG, b"x" + b" " * LONG + b"x", b"{" + b"\\" * LONG, b"{" + b"\\x41" * (LONG // 4)),
        *(line[:-1], line.replace(b"[", b"("), line.replace(b" 200 ", b" 2000 "), line + b"\n" + line),
        line.replace(b"/%d:" % time.gmtime().tm_year, b"/+999999999:"),
    ]


def _wrong_fields() -> list[bytes | None]:
    """Return events without a time that can be read, or without an action."""
    now = int(time.time())
    next_year = iso((now + 366 * 86_400) * 1000)
    far = ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "+57971-01-01T00:00:00Z", next_year)
    times: tuple[object, ...] = (None, "", [], {}, 0, -1, 1e308, "now", "9" * LONG, "2026-13-01T00:00:00Z", *far)
    return [event(_good("poison"), timestamp=stamp).value for stamp in times] + [event(_good("x"), action=None).value]


def _odd_bytes() -> list[Message]:
    """Return events and lines that count, although something is about them that is no text, or no request."""
    facts = [replace(_good(f"odd-{number}"), product=product) for number, product in enumerate(ODD_PRODUCTS)]
    good = [event(fact).value or b"" for fact in facts]
    instead = {b"p\\ufffd": b"p\\u0000", b"\\ufffd(": b"\xc3(", b"\\ufffd\\ufffd\\ufffd": b"\xed\xa0\x80"}
    for number, (escaped, raw) in enumerate(instead.items()):
        good[number] = good[number].replace(escaped, raw)
    framed = [*good[:3], b"\xef\xbb\xbf" + good[3], b" " + good[4], good[5] + b"\0\r\n"]
    garbage = []
    for number, instead_of_get in enumerate((b"\0", b"\xff", b"get")):
        line = log_line(_good(f"garbage-{number}"))
        assert line.fact
        fact = replace(line.fact, action="probe", product=None)
        garbage.append(replace(line, value=(line.value or b"").replace(b"GET", instead_of_get), fact=fact))
    return [*(Message(value, fact) for value, fact in zip(framed, facts, strict=True)), *garbage]


def _odd_fields() -> list[Message]:
    """Return events of which one value cannot be read: it is unknown, and the event counts."""
    now = int(time.time())
    cut = f"{'x' * 239}~" + sha256(b"x" * 257).hexdigest()[:16]
    cut_shorter = f"{'x' * 239}~" + sha256(b"x" * LONG).hexdigest()[:16]
    odd: list[tuple[str, object, dict[str, Any]]] = [
        *(("timestamp", stamp, {"occurred_ms": now * 1000}) for stamp in (now, now * 1000, str(now), now * 10**6)),
        *(("ip_address", address, {"client": "unknown"}) for address in (None, "", "-", "::g", 1e99, ["a"])),
        *(("action", action, {"action": "other"}) for action in ("", "VIEW_PRODUCT", "drop table", 1, ["checkout"])),
        *(("status_code", code, {}) for code in ("", "OK", 0, 1e10, 10**400, -200, 200.5, True, [200])),
        *(("response_time", seconds, {}) for seconds in ("", "fast", -1, 10**400, True, {"s": 1})),
        *(("product_id", product, {"product": None}) for product in (["p"], {"id": 1}, "")),
        *(("product_id", "x" * size, {"product": key}) for size, key in ((257, cut), (LONG, cut_shorter))),
    ]
    facts = [replace(_good(f"value-{number}"), **changes) for number, (_, _, changes) in enumerate(odd)]
    return [
        Message(event(_good(fact.event_id), **{name: value}).value, fact)
        if name != "timestamp"
        else Message(event(fact, timestamp=value).value, fact)
        for fact, (name, value, _) in zip(facts, odd, strict=True)
    ]


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
