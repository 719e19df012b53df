"""Times as records write them, read in plain Python."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from zoneinfo import ZoneInfo

SECOND = 1_000_000
BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
EARLIEST = (dt.datetime(1990, 1, 1, tzinfo=dt.timezone.utc) - BEGINNING) // dt.timedelta(microseconds=1)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d)"
SECONDS = r":(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
KINDS = [
    re.compile(pattern + ZONE, re.ASCII)
    for pattern in (
        rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)[T ]{CLOCK}(?:{SECONDS})?",
        rf"(?P<day>\d\d)/(?P<month>[A-Z][a-z]{{2}})/(?P<year>\d{{4}}):{CLOCK}{SECONDS}",
        rf"(?:[A-Z][a-z]{{2}}, )?(?P<day>\d\d?) (?P<month>[A-Z][a-z]{{2}}) (?P<year>\d{{4}}) {CLOCK}{SECONDS}",
    )
]
DIGITS = re.compile(r"\d{9,19}(?:\.\d{1,9})?", re.ASCII)
SCIENTIFIC = re.compile(r"\d\.\d{1,17}E\d{1,2}", re.ASCII)


def micros(text: str, zone: str) -> int | None:
    """Return the microseconds since 1970 that a text means; None for one that means no time since web servers exist.

    ``zone`` is the time zone of a time that names none.
    """
    if DIGITS.fullmatch(text) or SCIENTIFIC.fullmatch(text):
        return _if_late_enough(_since_1970(Decimal(text)))
    match = next(filter(None, (kind.fullmatch(text) for kind in KINDS)), None)
    return _if_late_enough(_written_out(match, zone)) if match else None


def number_micros(number: float) -> int | None:
    """Return what :func:`micros` returns, for a number with a fraction."""
    return _if_late_enough(_since_1970(Decimal(repr(number))))


def _if_late_enough(time: int | None) -> int | None:
    return time if time is not None and time >= EARLIEST else None


def _since_1970(number: Decimal) -> int | None:
    if not number.is_finite():
        return None
    for unit in (SECOND, 1000, 1):
        if number * unit < 10**17:
            return int(number * unit)
    time = int(number / 1000)
    return time if time < 2**63 else None


def _written_out(match: re.Match[str], zone: str) -> int | None:
    parts = match.groupdict()
    month = parts["month"]
    try:
        number = MONTHS.index(month) + 1 if month.isalpha() else int(month)
        hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
        tz = ZoneInfo(zone) if parts["zone"] is None else dt.timezone.utc
        local = dt.datetime(int(parts["year"]), number, int(parts["day"]), hour, minute, second, tzinfo=tz)
        since = local.astimezone(dt.timezone.utc) - BEGINNING
    except (ValueError, OverflowError):  # no such day; or before Python's first year, or after its last
        return None
    shift = _offset(parts["zone"] or "")
    whole = since.days * 86_400 + since.seconds
    return None if shift is None else (whole - shift) * SECOND + int(f"{parts['fraction'] or '':0<6}"[:6])


def _offset(zone: str) -> int | None:
    """Return the seconds that a zone is ahead of UTC; None for more than 18 hours."""
    digits = zone[1:].replace(":", "")
    if not digits.isdigit():
        return 0
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if minutes > 59 or hours * 60 + minutes > 18 * 60:
        return None
    return (-1 if zone[0] == "-" else 1) * (hours * 60 + minutes) * 60
