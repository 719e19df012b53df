"""Times as records write them, read in plain Python."""

from __future__ import annotations

import datetime as dt
import re

SECOND = 1_000_000

LOG_TIME = re.compile(r"(\d\d)/(\w\w\w)/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ISO_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d)(?::?(\d\d))?)?", re.ASCII
)


def iso_micros(text: str) -> int | None:
    """Return the microseconds since 1970 of an ISO 8601 time, UTC unless it says; None for no time."""
    time = ISO_TIME.fullmatch(text)
    if not time:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = time.groups()
    micros = int(f"{fraction or '0':0<6}"[:6])
    return _micros([year, month, day, hour, minute, second], micros, sign or "+", hours or "0", minutes or "0")


def log_micros(text: str) -> int | None:
    """Return the microseconds since 1970 of an access log's time; None for no time."""
    time = LOG_TIME.fullmatch(text)
    if not time or time[2] not in MONTHS:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = time.groups()
    return _micros([year, str(MONTHS.index(month) + 1), day, hour, minute, second], 0, sign, hours, minutes)


def _micros(parts: list[str], micros: int, sign: str, hours: str, minutes: str) -> int | None:
    """Return the microseconds of a time with its distance from UTC (at most 18 hours), or None for no real time."""
    offset = int(hours) * 60 + int(minutes)
    if offset > 18 * 60 or int(minutes) > 59:
        return None
    try:
        year, month, day, hour, minute, second = map(int, parts)
        year = year or 4  # Python has no year 0, which is as long as year 4 and as much too old
        local = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.timezone.utc)
    except ValueError:
        return None
    shift = offset * 60 * (-1 if sign == "-" else 1)
    return (int(local.timestamp()) - shift) * SECOND + micros
