"""Broken records, which a pipeline must survive: one kind for each way that we have met. Pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Callable

from ingest.shop.event import iso
from ingest.shop.log_line import log_time


def _swap(old: bytes, new: bytes) -> Callable[[bytes, str], bytes]:
    return lambda value, _time: value.replace(old, new, 1)


def _retime(text: Callable[[str], str]) -> Callable[[bytes, str], bytes]:
    """Put another JSON value in place of the (quoted) time."""
    return lambda value, time: value.replace(f'"{time}"'.encode(), text(time).encode(), 1)


KINDS: dict[str, Callable[[bytes, str], bytes]] = {
    "truncated": lambda value, _time: value[: len(value) * 2 // 3],
    "invalid UTF-8": _swap(b'"user_id":"', b'"user_id":"\xff\xfe\xc3'),
    "empty": lambda _value, _time: b"",
    "NUL in a string": _swap(b'"user_id":"', b'"user_id":"\\u0000'),
    "NUL byte": _swap(b'"user_id":"', b'"user_id":"\x00'),
    "status code is a word": _swap(b'"status_code":', b'"status_code":"ok","was":'),
    "response time is a list": _swap(b'"response_time":', b'"response_time":[1,2],"was":'),
    "action is a number": _swap(b'"action":', b'"action":42,"was":'),
    "unknown action": _swap(b'"action":"', b'"action":"dance_'),
    "no action": _swap(b'"action":', b'"aktion":'),
    "address out of range": _swap(b'"ip_address":"', b'"ip_address":"999.'),
    "no address": _swap(b'"ip_address":', b'"ip":'),
    "epoch milliseconds": _retime(lambda _time: "1700000000000"),
    "1970": _retime(lambda time: f'"1970{time[4:]}"'),
    "far future": _retime(lambda time: f'"2999{time[4:]}"'),
    "not a time": _retime(lambda _time: '"yesterday"'),
    "no time": _swap(b'"timestamp":', b'"when":'),
    "two objects": lambda value, _time: value + value,
    "an array": lambda value, _time: b"[" + value + b"]",
    "null": lambda _value, _time: b"null",
    "plain text": lambda _value, _time: b"the quick brown fox",
    "half a log line": lambda _value, _time: b'203.0.113.9 - - [10/Oct/2025:13:55:36 +0000] "GET /product/1 HT',
}
"""What is wrong -> how to do it to an event's bytes, whose time (ISO 8601, as :func:`iso` writes it) comes second."""

LINE_KINDS: dict[str, Callable[[bytes, str], bytes]] = {
    "a line cut short": lambda value, _time: value[: len(value) * 3 // 5],
    "an agent in Latin-1": lambda value, _time: value[:-1] + b'\xe9"',
    "no line": lambda _value, _time: b"",
    "a NUL byte in a line": lambda value, _time: value[:-1] + b'\x00"',
    "a name for an address": lambda value, _time: b"unknown" + value[value.index(b" ") :],
    "a line of the far future": lambda value, time: value.replace(time.encode(), f"{time[:7]}2999{time[11:]}".encode()),
    "a line without time": lambda value, time: value.replace(time.encode(), b"-", 1),
    "a line with a month of its own": lambda value, time: value.replace(
        time.encode(), f"{time[:3]}Foo{time[6:]}".encode()
    ),
    "two lines in one": lambda value, _time: value + b" " + value,
    "an error log's line": lambda _value, _time: b"2026/01/15 07:00:00 [error] 29#29: *1 open() failed",
}
"""What is wrong -> how to do it to a log line, whose time (as :func:`log_time` writes it) comes second."""


def spoil(kind: str, value: bytes, epoch_ms: int) -> bytes:
    """Return the record ``value``, which happened at ``epoch_ms`` (milliseconds since 1970), broken as ``kind`` says.

    ``kind`` is one of :data:`KINDS` for an event, one of :data:`LINE_KINDS` for a log line.
    """
    if kind in LINE_KINDS:
        return LINE_KINDS[kind](value, log_time(epoch_ms // 1000))
    return KINDS[kind](value, iso(epoch_ms))
