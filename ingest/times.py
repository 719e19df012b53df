"""When a line of a log says that it happened, as far as it takes to look it up in the lake."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CERTAIN_SECONDS = 10
ZONELESS_SECONDS = 15 * 3600
"""A time without a zone is that far from UTC at most."""
YEARS = range(1970, 3000)
"""No log is of another: such a time is a mistake, and cannot be looked up."""
_ZONE = rb"(?:[.,]\d+)? ?(Z|GMT|UTC|[+-]\d\d:?\d\d)?"
_NAMED_MONTH = re.compile(rb"(\d\d?)[/ -]([A-Z][a-z]{2})[/ -](\d{4})[: ](\d\d):(\d\d):(\d\d)" + _ZONE)
_EPOCH = re.compile(rb"(?<![\w.-])(1\d{9}|[2-9]\d{8})(?:\d{3}){0,3}(?![\w-])")
"""Seconds since 1970, or thousandths, millionths or thousand-millionths of them."""
_ISO = re.compile(rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)" + _ZONE)


class Span(NamedTuple):
    """Seconds since 1970 between which something happened, both included."""

    first: int
    last: int


def span_of(line: bytes) -> Span | None:
    """Return when a line says that it happened; None where it has no time that is easy to read."""
    match = _NAMED_MONTH.search(line)
    if match:
        day, month, year = match[1], match[2].decode(), match[3]
        number = MONTHS.index(month) + 1 if month in MONTHS else 0
    else:
        match = _ISO.search(line)
        if not match:
            return _since_epoch(line)
        year, number, day = match[1], int(match[2]), match[3]
    try:
        hour, minute, second = (int(part) for part in match.group(4, 5, 6))
        at = dt.datetime(int(year), number, int(day), hour, minute, second, tzinfo=dt.timezone.utc)
    except ValueError:
        return None
    if at.year not in YEARS:
        return None
    shift = _offset(match[7])
    return _around(int(at.timestamp()) - (shift or 0), CERTAIN_SECONDS if shift is not None else ZONELESS_SECONDS)


def _since_epoch(line: bytes) -> Span | None:
    match = _EPOCH.search(line)
    return _around(int(match[1]), CERTAIN_SECONDS) if match else None


def _around(seconds: int, width: int) -> Span:
    return Span(seconds - width, seconds + width)


def _offset(zone: bytes | None) -> int | None:
    """Return how many seconds a zone is ahead of UTC; None where none is said."""
    if zone is None:
        return None
    if zone.isalpha():
        return 0
    digits = zone[1:].replace(b":", b"")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone.startswith(b"-") else seconds
