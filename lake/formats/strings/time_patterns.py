"""Patterns of times as servers' settings have them: strftime's, and Java's.

Both become a sample of what the server writes, of which can be said whether Weblake reads it.
"""

from __future__ import annotations

import re

_FRACTION = r"(?:[.,]\d{1,9})?"
ZONE = r" ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = rf"\d\d:\d\d:\d\d{_FRACTION}"
WRITTEN = (
    rf"(?:\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d{_FRACTION})?"
    rf"|\d\d/{_MONTH}/\d{{4}}:{_CLOCK}"
    rf"|(?:[A-Z][a-z]{{2}}, )?\d\d? {_MONTH} \d{{4}} {_CLOCK})(?:{ZONE})?"
)
"""A pattern of the times that are read, but for numbers."""
EPOCH = r"\d{10}(?:[.]\d{1,9}|\d{3}|\d{6}|\d{9})?"
"""A pattern of times as seconds, milli-, micro- or nanoseconds since 1970."""
DATE, CLOCK = r"\d{4}-\d\d-\d\d", _CLOCK

_STRFTIME = {
    **{"Y": "2026", "y": "26", "m": "03", "d": "01", "b": "Mar", "h": "Mar", "B": "March", "a": "Sun", "A": "Sunday"},
    **{"H": "04", "M": "05", "S": "07", "T": "04:05:07", "R": "04:05", "F": "2026-03-01", "D": "03/01/26"},
    **{"z": "+0100", "Z": "CET", "s": "1772334307", "%": "%", "t": "\t", "e": " 1"},
}
"""What strftime writes; of a zone's name it says no more than that it is one."""
_NUMBERS = {
    **{"sec": "1772334307", "msec": "1772334307123", "usec": "1772334307123456"},
    **{"msec_frac": "123", "usec_frac": "123456"},
}
"""What Apache and Tomcat have beside strftime."""
_JAVA = {
    **{"yyyy": "2026", "yy": "26", "MM": "03", "MMM": "Mar", "dd": "01", "d": "1", "HH": "04", "mm": "05", "ss": "07"},
    **{
        "S": "7",
        "SS": "12",
        "SSS": "123",
        "SSSSSS": "123456",
        "EEE": "Sun",
        "X": "+01",
        "XX": "+0100",
        "XXX": "+01:00",
    },
    **{"Z": "+0100", "ZZ": "+0100", "ZZZ": "+0100"},
}
UNREADABLE = "?"


def sample(pattern: str) -> str:
    """Return what a server writes in the place of ``%{pattern}t``; with ``UNREADABLE`` for what is not known."""
    pattern = re.sub("^(?:begin|end):?", "", pattern)
    if pattern in _NUMBERS:
        return _NUMBERS[pattern]
    if "%" in pattern:
        return re.sub("%(.)", lambda match: _STRFTIME.get(match[1], UNREADABLE), pattern)
    return re.sub(r"'([^']*)'|([A-Za-z])\2*", lambda match: match[1] or _JAVA.get(match[0], UNREADABLE), pattern)


def is_time(text: str) -> bool:
    """Return whether a text is a time that is read."""
    return re.fullmatch(f"{WRITTEN}|{EPOCH}", text, re.ASCII) is not None


def has_zone(text: str) -> bool:
    """Return whether a time names its zone, or needs none."""
    return re.fullmatch(f"{EPOCH}|.*:.*{ZONE}", text, re.ASCII) is not None
