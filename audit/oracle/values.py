"""What the values of a request's fields mean: when, what was asked for, by whom, how long it took."""

from __future__ import annotations

import re

from audit.oracle.fields import Fields, value_of
from audit.oracle.json_text import SURROGATE, Number
from lake.url_reading import percent_decoded

LARGEST = 2**63 - 1
ZONE = re.compile(r"(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)\Z", re.ASCII)
STATUS = re.compile(r"[1-5]\d\d", re.ASCII)
DECIMAL = re.compile(r"\d{1,9}(?:\.\d*)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
LONG_DECIMAL = re.compile(r"\d{1,18}(?:\.\d*)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
NOWHERE = re.compile(r"[a-z]+://-?", re.ASCII)
"""What servers put together where they know of neither host nor path."""
IN_BRACKETS = re.compile(r"\[[^\[\]]*\]")
HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\d*)?", re.ASCII)
HOST_BEFORE = re.compile(r"(?=[^ ,:]*[A-Za-z])([A-Za-z0-9][^ ,:]*)(?::\d*)? (?!.*,)", re.ASCII)
"""A host before an address; before a list it may be the client."""
ENCODED = re.compile(r"%[0-9A-Fa-f]{2}", re.ASCII)
RESPONSES = {
    "response_time": 1,
    "response_decimal": 1,
    "response_ms": 1_000,
    "response_us": 1_000_000,
    "response_ns": 1_000_000_000,
}
"""Times of response in the order in which they count -> how many of them are a second."""


def stamp_of(fields: Fields) -> str | None:
    """Return the time as it is written; one in two parts is UTC unless it names a zone."""
    time = value_of(fields, "time")
    if time is not None:
        return time[1:-1] if IN_BRACKETS.fullmatch(time) else time
    stamp = f"{fields.get('date')} {fields.get('clock')}"
    return stamp if ZONE.search(stamp.partition(" ")[2]) else f"{stamp}Z"


def request_of(fields: Fields) -> str:
    """Return the request as a line of HTTP; a dash where a server understood none."""
    request, url = value_of(fields, "request"), value_of(fields, "url")
    if request is not None:
        return _text(request) or ""
    if url is None or NOWHERE.fullmatch(url):
        return "-"
    query = value_of(fields, "query")
    asked = url if query is None else f"{url}?{query}"
    return _text(f"{value_of(fields, 'method') or 'GET'} {asked} HTTP/1.1") or ""


def agent_of(fields: Fields) -> str | None:
    """Return the user agent, with blanks where a server has written something else for them."""
    agent, encoded = value_of(fields, "user_agent"), value_of(fields, "encoded_agent")
    if agent is None and encoded is not None:
        is_twice = ENCODED.search(encoded)
        agent = percent_decoded(percent_decoded(encoded)) if is_twice else encoded.replace("+", " ")
    return _text(agent)


def clients_of(fields: Fields) -> tuple[str | None, str | None]:
    """Return what stands for the client, and the list of those for whom it asked. IIS writes blanks as ``+``."""
    forwarded_for = value_of(fields, "forwarded_for")
    client = value_of(fields, "ip_address") or value_of(fields, "client")
    return _text(client), _text(forwarded_for and forwarded_for.replace("+", " "))


def host_of(fields: Fields) -> str | None:
    """Return the host that was asked, in lower case and without a port."""
    host = (_text(value_of(fields, "host")) or "").lower()
    match = HOST.fullmatch(host)
    return (match[1] if match else host) or None


def host_before(client: str | None) -> str | None:
    """Return the host that stands before the client of an access line, in lower case and without a port."""
    match = HOST_BEFORE.match(client or "")
    return match[1].lower() if match else None


def status_of(text: str | None) -> int | None:
    """Return a status that HTTP has."""
    return int(text) if text and STATUS.fullmatch(text) else None


def bytes_of(digits: str | None) -> int | None:
    """Return a number of bytes; None for what is no number, or one that nobody can send."""
    digits = (digits or "").lstrip("0") or (digits or "")[:1]
    is_size = digits.isascii() and digits.isdigit() and len(digits) <= 19 and int(digits) <= LARGEST
    return int(digits) if is_size else None


def milliseconds_of(fields: Fields) -> int | None:
    """Return how long the answer took, by the first of the fields that is there."""
    name = next((name for name in RESPONSES if value_of(fields, name) is not None), "response_time")
    return milliseconds(value_of(fields, name), RESPONSES[name], LONG_DECIMAL)


def milliseconds(time: str | None, units: int = 1, shape: re.Pattern[str] = DECIMAL) -> int | None:
    """Return a response time; None for what is no number that counts.

    Spark reads a number with a fraction as Java writes it: 9.0E15, with two digits at most.

    Args:
        time: A number, or a text of one.
        units: How many of what it counts are a second.
        shape: Of the texts that are numbers.
    """
    if time is None:
        return None
    if isinstance(time, Number) and time.is_fraction:
        is_number = not time.startswith("-") and (float(time) == 0 or 1e-99 <= float(time) < 1e100)
    else:
        is_number = shape.fullmatch(time) is not None
    number = int(float(time) / units * 1000 + 0.5) if is_number else None
    return number if number is not None and number <= LARGEST else None


def _text(value: str | None) -> str | None:
    return None if value is None else SURROGATE.sub("?", value)
