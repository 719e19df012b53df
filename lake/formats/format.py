"""What a record format is: how its records are recognised, which fields they have, what erasure leaves of them.

Plain data; how it becomes columns is said in ``spark/events/formats.py``. A format's fields have our names:

- ``event_id``, ``time``, ``user_id``, ``user_agent``, ``referrer``;
- ``ip_address``: the connecting address, a list of forwarded-for, or the one, a blank and the other;
  ``forwarded_for``: such a list where it stands elsewhere;
- ``action`` and ``product_id``, where a record says itself what was done; else ``request``, ``POST /cart HTTP/1.1``, of
  which the URL rules say it;
- ``status_code``, ``response_time`` (seconds) and ``bytes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TimeFormat:
    """How most times are written: their shape (a regular expression), and Java's pattern to read them by.

    A time of another shape is read too, if more slowly: see ``spark/events/times.py``.
    """

    shape: str
    pattern: str | None = None
    """None for ISO 8601."""


@dataclass(frozen=True)
class ObjectFormat:
    """A record that is one JSON object. An object is of the first format whose ``signs`` it has."""

    name: str
    """As bronze's column ``format`` has it."""
    description: str
    fields: Mapping[str, str]
    """Field -> key of the object."""
    time: TimeFormat
    kept: tuple[str, ...]
    """Keys that erasure keeps; what the others say of a client is gone, but for its kind of agent."""
    signs: tuple[str, ...] = ()
    """Fields without which an object is of another format."""


@dataclass(frozen=True)
class LineFormat:
    """A record that is one line of text. A line is of the first format that matches it."""

    name: str
    """As bronze's column ``format`` has it."""
    description: str
    pattern: str
    """A regular expression of Java for the whole line, with one group for each field, in their order."""
    fields: tuple[str, ...]
    time: TimeFormat
    erased: str
    """What erasure makes of a line: a template of the fields that it keeps, and of the ``user_agent`` that it gives."""
    dashed: tuple[str, ...] = ()
    """Fields in which a dash, or nothing at all, stands for nothing."""


RecordFormat = ObjectFormat | LineFormat
