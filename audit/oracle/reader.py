"""Reads records: what one means by its raw bytes.

It is written from the description of the format alone, to disagree where the stream is wrong. Times are whole
microseconds since 1970.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from collections.abc import Iterable
from typing import Any

from audit.oracle.clients import Clients
from audit.oracle.event import Event, Record
from audit.oracle.times import SECOND, iso_micros, log_micros
from lake.contracts import ASSET, DIMENSIONS, EARLIEST_EVENT, ERASED, OTHER
from lake.url_rules import PRODUCT_GROUP, UrlRules

TOLERANCE = 300 * SECOND
EARLIEST = int(dt.datetime.fromisoformat(f"{EARLIEST_EVENT}+00:00").timestamp()) * SECOND
LONGEST_KEY = 256
LONGEST_AGENT = 2048
LONGEST_TARGET = 8192
LARGEST = 2**63 - 1

TEXT = r'"([^"\\]*(?:\\[^\n\r\x85\u2028\u2029][^"\\]*)*)"'
LOG = re.compile(
    rf"(\S+) \S+ [^\[\r\n]*\[([^\]\r\n]+)\] {TEXT} (\d{{3}}) (\d+|-)"
    rf'(?: {TEXT} {TEXT})?(?: "[^"]*")?\r?\n?',
    re.ASCII,
)
DECIMAL = re.compile(r"\d{1,9}(?:\.\d*)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which JSON can escape and UTF-8 has no bytes for
HOST = re.compile(r"[a-z]+://[^/?#]*")
Cell = tuple[str, int, str]


class Number(str):
    """A number of a JSON text, as it was written."""


class Oracle:
    """Reads records by the URL rules, and by what is known of clients."""

    def __init__(self, rules: UrlRules, clients: Clients | None = None) -> None:
        """Compile the rules."""
        self._clients = clients or Clients()
        self._actions = frozenset(rules.actions)
        self._rules = [
            (rule.action, rule.method, re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", rule.pattern), re.ASCII))
            for rule in rules.rules
        ]

    def read(self, value: bytes | None, ingested: int) -> Event:
        """Return what a record says that Kafka appended at ``ingested``."""
        try:
            text = (value or b"").decode()
        except UnicodeDecodeError:
            return Event("invalid_utf8")
        if "\0" in text:
            return Event("nul_character")
        event = self._read_json(text, ingested) if text.startswith("{") else self._read_log(text, ingested)
        keys = (event.ip_address, event.action, event.product_id)
        if event.reject_reason is None and any(len(key or "") > LONGEST_KEY for key in keys):
            event.reject_reason = "key_too_long"
        if event.reject_reason is None:
            event.client = self._clients.of(event.ip_address or "", event.user_agent)
        return event

    def _read_json(self, text: str, ingested: int) -> Event:
        try:
            fields, end = json.JSONDecoder(
                parse_int=Number, parse_float=Number, parse_constant=_refuse_constant
            ).raw_decode(text)
        except (ValueError, RecursionError):
            return Event("not_json")
        if text[end:].strip(" \t\r\n"):
            return Event("trailing_bytes")
        texts = {name: _text(fields.get(name)) for name in ("event_id", "user_id", "product_id", "user_agent")}
        texts["user_agent"] = texts["user_agent"] and texts["user_agent"][:LONGEST_AGENT]
        address, action = _text(fields.get("ip_address")), _text(fields.get("action"))
        if any("\0" in (part or "") for part in (*texts.values(), address, action)):
            return Event("nul_character")
        stamp = _text(fields.get("timestamp"))
        event = Event(
            time=iso_micros(stamp or ""),
            ip_address=address,
            action=action,
            product_id=texts["product_id"] or None,
            given_id=texts["event_id"] or None,
            user_agent=texts["user_agent"],
        )
        event.reject_reason = _time_or_address_problem(event, stamp, ingested)
        if event.reject_reason is None and action not in self._actions:
            event.reject_reason = "unknown_action"
        if event.reject_reason is None and not _take_numbers(event, fields):
            event.reject_reason = "wrong_type"
        return event

    def _read_log(self, text: str, ingested: int) -> Event:
        line = LOG.fullmatch(text)
        if not line:
            return Event("not_a_log_line")
        address, stamp, request, status, size, _, agent = line.groups()
        parts = request.split(" ")
        path = HOST.sub("", parts[1], count=1) if len(parts) > 1 and HOST.match(parts[1]) else (parts[1:2] or [None])[0]
        if request in ("-", ""):
            path = ""
        action, product = self._meaning(parts[0], None if path is None else path[:LONGEST_TARGET])
        event = Event(
            time=log_micros(stamp),
            ip_address=address,
            action=action,
            product_id=product,
            path=path,
            is_line=True,
            user_agent=None if agent in (None, "", "-") else agent[:LONGEST_AGENT],
            status_code=int(status),
            bytes=_size(size),
        )
        event.reject_reason = _time_or_address_problem(event, stamp, ingested)
        return event

    def _meaning(self, method: str, path: str | None) -> tuple[str, str | None]:
        """Return action and product id of a request."""
        for action, its_method, pattern in self._rules if path is not None else ():
            match = pattern.search(path or "") if its_method in (None, method) else None
            if match:
                has_product = action != ASSET and PRODUCT_GROUP in pattern.groupindex
                return action, (match[PRODUCT_GROUP] or None) if has_product else None
        return OTHER, None

    def count(self, records: Iterable[Record]) -> tuple[dict[Cell, int], int, int]:
        """Count events per (dimension, window in seconds, key); also the numbers of rejected and of duplicate records.

        The first of equal records in the given order counts.
        """
        cells: dict[Cell, int] = {}
        seen: set[tuple[str, int]] = set()
        rejected = duplicates = 0
        for record in records:
            event = self.read(record.value, round(record.ingested * SECOND))
            identity = record.header or event.given_id or f"\0{record.position}"  # which no id can be equal to
            if event.reject_reason is not None:
                rejected += 1
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
    keys = {}
    for name, dimension in DIMENSIONS.items():
        key = getattr(event, dimension.column) if dimension.column else name
        if key is not None:
            keys[name] = str(key).zfill(dimension.digits)
    return keys


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _text(value: Any) -> str | None:
    """Return a JSON value as text, half characters as ``?``; an object or a list as itself in JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        return SURROGATE.sub("?", value)
    return json.dumps(value)


def _is_decimal(text: str, value: Any) -> bool:
    """Say whether a response time counts. Spark reads a float as Java writes it: 9.0E15, with two digits at most."""
    if isinstance(value, Number) and not value.lstrip("-").isdigit():
        return not value.startswith("-") and (float(value) == 0 or 1e-99 <= float(value) < 1e100)
    return DECIMAL.fullmatch(text) is not None


def _size(digits: str) -> int | None:
    digits = digits.lstrip("0") or "0"
    return int(digits) if digits != "-" and len(digits) <= 19 and int(digits) <= LARGEST else None


def _time_or_address_problem(event: Event, stamp: str | None, ingested: int) -> str | None:
    if not stamp:
        return "missing_time"
    if event.time is None:
        return "unreadable_time"
    if event.time < EARLIEST:
        return "time_too_old"
    if event.time > ingested + TOLERANCE:
        return "time_in_future"
    if event.ip_address in (None, "", "-"):
        return "missing_ip"
    return None if event.ip_address == ERASED or _is_address(event.ip_address or "") else "invalid_ip"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _take_numbers(event: Event, fields: dict[str, Any]) -> bool:
    """Read status and response time into the event; return whether every field has a type that it may have."""
    if any(isinstance(fields.get(name), dict | list) for name in ("event_id", "user_id", "product_id", "user_agent")):
        return False
    status, response = _text(fields.get("status_code")), _text(fields.get("response_time"))
    if status is not None:
        if not re.fullmatch(r"\d{1,9}", status, re.ASCII) or not 100 <= int(status) <= 599:
            return False
        event.status_code = int(status)
    if response is not None:
        if not _is_decimal(response, fields.get("response_time")):
            return False
        milliseconds = int(float(response) * 1000 + 0.5)
        event.response_ms = milliseconds if milliseconds <= LARGEST else None
    return True
