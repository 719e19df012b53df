"""Reads records: what one means by its raw bytes.

It is written from the description of the format alone, to disagree where the stream is wrong. Times are whole
microseconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from audit.oracle import values
from audit.oracle.access_line import LOG
from audit.oracle.clients import Clients
from audit.oracle.envelopes import Text, with_inner
from audit.oracle.event import Event, Record
from audit.oracle.fields import Fields, value_of
from audit.oracle.formats import Formats
from audit.oracle.json_text import Number, are_objects, is_array, object_of, text_of
from audit.oracle.origin import client_of
from audit.oracle.texts import read_text
from audit.oracle.times import SECOND, micros, number_micros
from lake.contracts import DIMENSIONS, OTHER, UNKNOWN
from lake.formats import ACCESS_LOG, JSON_EVENT
from lake.url_reading import LONGEST_KEY, UrlReader, short_key
from lake.url_rules import UrlRules

__all__ = ["LOG", "Cell", "Oracle", "dimensions"]

LONGEST_AGENT = 2048
Cell = tuple[str, int, str]


class Oracle:
    """Reads records by the URL rules and the known formats, and by what is known of clients."""

    def __init__(self, rules: UrlRules, clients: Clients | None = None) -> None:
        """Compile the rules."""
        self._clients = clients or Clients()
        self._actions = frozenset(rules.actions)
        self._requests = UrlReader(rules)
        self._formats = Formats(rules.formats)
        self._proxies = rules.proxies
        self._tolerance, self._zone = rules.future_seconds * SECOND, rules.log_timezone

    def read(
        self, value: bytes | None, ingested: int, *, declared: str | None = None, source: str | None = None
    ) -> Event:
        """Return what a record says that Kafka appended at ``ingested``.

        Args:
            value: Its bytes.
            ingested: Microseconds since 1970.
            declared: The log string that came with it.
            source: Its header of that name.
        """
        event = self.read_deed(value, ingested, declared=declared, source=source)
        if event.reject_reason is None:
            event.client = self._clients.of(event.ip_address or UNKNOWN, event.user_agent)
        return event

    def read_deed(
        self, value: bytes | None, ingested: int, *, declared: str | None = None, source: str | None = None
    ) -> Event:
        """Return what a record says, but for what its client is taken for, which takes longest to see."""
        text = Text(read_text(value))
        is_plain = declared is None and self._formats.ask_first(text, None, source) is None
        event = self._native(text, ingested) if is_plain else None
        return event or self._foreign(text, ingested, declared, source) or self._rejected(text, ingested)

    def _native(self, text: Text, ingested: int) -> Event | None:
        """Read an event, or a line in the common or the combined format."""
        if text.fields is not None and text.is_event:
            return self._read_event(text.fields, ingested)
        return self._read_line(text.line, ingested) if text.line is not None else None

    def _foreign(self, text: Text, ingested: int, declared: str | None, source: str | None) -> Event | None:
        """Read the innermost text that is of any format; what is around it says where it stood."""
        texts = with_inner(text)
        for level in reversed(range(len(texts))):
            event = self._read_text(texts[level], ingested, declared, source)
            if event is not None:
                positions = (envelope.position(source) for envelope in texts[:level])
                event.given_id = event.given_id or next(filter(None, positions), None)
                return event
        return None

    def _read_text(self, text: Text, ingested: int, declared: str | None, source: str | None) -> Event | None:
        found = self._formats.ask_first(text, declared, source)
        if found is None:
            event = self._native(text, ingested)
            if event is not None:
                return event
            found = self._formats.ask_last(text, source)
        return None if found is None else self._read_request(*found, ingested)

    def _rejected(self, text: Text, ingested: int) -> Event:
        """Say why a text is no record."""
        if not text.is_object_like:
            return Event("several_records" if is_array(text.text) or "\n" in text.text else "not_a_log_line")
        if text.fields is not None:
            return self._read_event(text.fields, ingested)
        content, _ = object_of(text.text)
        if content is None:
            return Event("not_json")
        return Event("several_records" if are_objects(text.text) else "trailing_bytes")

    def _read_event(self, fields: Mapping[str, Any], ingested: int) -> Event:
        stamp = fields.get("timestamp")
        action = text_of(fields.get("action"))
        names = ("event_id", "user_id", "product_id", "user_agent")
        texts = {
            name: None if isinstance(fields.get(name), dict | list) else text_of(fields.get(name)) for name in names
        }
        agent, product, took = texts["user_agent"], texts["product_id"], fields.get("response_time")
        event = Event(
            format=JSON_EVENT.name,
            time=self._time(stamp),
            ip_address=client_of(text_of(fields.get("ip_address")), None, self._proxies),
            action=action if action in self._actions else OTHER,
            product_id=short_key(product, LONGEST_KEY) if product else None,
            given_id=texts["event_id"] or None,
            user_agent=agent and agent[:LONGEST_AGENT],
            status_code=_status(text_of(fields.get("status_code"))),
            response_ms=values.milliseconds(took if isinstance(took, Number) else text_of(took)),
        )
        event.reject_reason = "not_an_event" if action is None else self._time_problem(event, stamp, ingested)
        return event

    def _read_line(self, line: tuple[str, re.Match[str]], ingested: int) -> Event:
        address, rest = line
        _, _, stamp, request, status, size, _, agent, forwarded = rest.groups()
        event = self._asked(request, status)
        event.format = ACCESS_LOG.name
        event.time = self._time(stamp)
        event.ip_address = client_of(address, None if forwarded in ("", "-") else forwarded, self._proxies)
        event.user_agent = None if agent in (None, "", "-") else agent[:LONGEST_AGENT]
        event.status_code = int(status)
        event.bytes = values.bytes_of(size)
        event.host = values.host_before(address) or event.host
        event.reject_reason = self._time_problem(event, stamp, ingested)
        return event

    def _read_request(self, name: str, fields: Fields, ingested: int) -> Event:
        """Read a request in any other format."""
        status, stamp = values.status_of(value_of(fields, "status_code")), values.stamp_of(fields)
        event = self._asked(values.request_of(fields), None if status is None else str(status))
        agent = values.agent_of(fields)
        event.format = name
        event.time = self._time(stamp)
        event.ip_address = client_of(*values.clients_of(fields), self._proxies)
        event.given_id = text_of(value_of(fields, "event_id"))
        event.user_agent = agent and agent[:LONGEST_AGENT]
        event.status_code = status
        event.response_ms = values.milliseconds_of(fields)
        event.bytes = values.bytes_of(value_of(fields, "bytes"))
        event.host = values.host_of(fields) or values.host_before(fields.get("client")) or event.host
        event.reject_reason = self._time_problem(event, stamp, ingested)
        return event

    def _asked(self, request: str, status: str | None) -> Event:
        """Return what a request does by the URL rules."""
        asked = self._requests.read(request, status)
        return Event(
            action=asked.action,
            product_id=asked.product_id,
            path=asked.path,
            rule=asked.rule,
            host=asked.host,
            is_line=True,
        )

    def _time(self, stamp: Any) -> int | None:
        """Return when a record says that it happened. Spark writes a number with a fraction as Java does."""
        is_fraction = isinstance(stamp, Number) and stamp.is_fraction
        return number_micros(float(stamp)) if is_fraction else micros(text_of(stamp) or "", self._zone)

    def _time_problem(self, event: Event, stamp: Any, ingested: int) -> str | None:
        if stamp is None or stamp == "":
            return "missing_time"
        if event.time is None:
            return "unreadable_time"
        return "time_in_future" if event.time > ingested + self._tolerance else None

    def count(self, records: Iterable[Record]) -> tuple[dict[Cell, int], int, int]:
        """Count events per (dimension, window in seconds, key); also the numbers of rejected and of duplicate records.

        The first of equal records in the given order counts. A rejected record has a cell of its own dimension, by the
        window in which it came.
        """
        cells: dict[Cell, int] = {}
        seen: set[tuple[str, int]] = set()
        rejected = duplicates = 0
        for record in records:
            at = round(record.ingested * SECOND)
            event = self.read(record.value, at, declared=record.declared, source=record.source)
            identity = record.header or event.given_id or f"\0{record.position}"  # which no id can be equal to
            if event.reject_reason is not None:
                rejected += 1
                cell = ("rejected", int(record.ingested // 10 * 10), f"{event.reject_reason}|{event.format or 'none'}")
                cells[cell] = cells.get(cell, 0) + 1
            elif (identity, event.window) in seen:
                duplicates += 1
            else:
                seen.add((identity, event.window))
                for dimension, key in dimensions(event).items():
                    cell = (dimension, event.window // SECOND, key)
                    cells[cell] = cells.get(cell, 0) + 1
        return cells, rejected, duplicates


def dimensions(event: Event) -> dict[str, str]:
    """Return the key of a good event in each dimension that it has one in."""
    keys: dict[str, str] = {}
    for name, dimension in DIMENSIONS.items():
        key = getattr(event, dimension.column) if dimension.column else name
        if key is not None:
            keys[name] = str(key).zfill(dimension.digits)
        elif dimension.unknown is not None:
            keys[name] = dimension.unknown
    return keys


def _status(text: str | None) -> int | None:
    number = int(text) if text and re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0
    return number if 100 <= number <= 599 else None
