"""Reads records: what one means by its raw bytes.

It is written from the description of the format alone, to disagree where the stream is wrong. Times are whole
microseconds since 1970.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from audit.oracle.clients import Clients
from audit.oracle.event import Event, Record
from audit.oracle.origin import client_of
from audit.oracle.texts import read_text
from audit.oracle.times import SECOND, micros, number_micros
from lake.contracts import DIMENSIONS, OTHER, UNKNOWN
from lake.url_reading import LONGEST_KEY, UrlReader, short_key
from lake.url_rules import UrlRules

LONGEST_AGENT = 2048
LARGEST = 2**63 - 1
WHITE = " \t\r\n"

TEXT = r'"([^"\\]*(?:\\[^\n\r\x85\u2028\u2029][^"\\]*)*)"'
LIST = re.compile(r"\S+(?:(?<=,) \S+)*", re.ASCII)
SECOND_LIST = re.compile(rf" (?=\[?[0-9A-Fa-f]{{0,4}}[.:]|unknown,){LIST.pattern}", re.ASCII)
COMMON = rf" (\S+) ([^\[\r\n]*)\[([^\]\r\n]+)\] {TEXT} (\d{{3}}) (\d+|-)"
FORWARDED = r'(?: "([^"]*)")?[ \t\r\n]*'
RELAYED = re.compile(r"[0-9:] - ")
LOG = re.compile(rf"{COMMON}(?: {TEXT} {TEXT})?{FORWARDED}", re.ASCII)
BARE = re.compile(rf'{COMMON} {TEXT} "([^\r\n]*?)"{FORWARDED}', re.ASCII)
DECIMAL = re.compile(r"\d{1,9}(?:\.\d*)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which JSON can escape and UTF-8 has no bytes for
BETWEEN = re.compile(r"\}[ \t\r\n]*(?:,[ \t\r\n]*)?\{")
Cell = tuple[str, int, str]


class Number(str):
    """A number of a JSON text, as it was written."""


class Oracle:
    """Reads records by the URL rules, and by what is known of clients."""

    def __init__(self, rules: UrlRules, clients: Clients | None = None) -> None:
        """Compile the rules."""
        self._clients = clients or Clients()
        self._actions = frozenset(rules.actions)
        self._requests = UrlReader(rules)
        self._proxies = rules.proxies
        self._tolerance, self._zone = rules.future_seconds * SECOND, rules.log_timezone

    def read(self, value: bytes | None, ingested: int) -> Event:
        """Return what a record says that Kafka appended at ``ingested``."""
        event = self.read_deed(value, ingested)
        if event.reject_reason is None:
            event.client = self._clients.of(event.ip_address or UNKNOWN, event.user_agent)
        return event

    def read_deed(self, value: bytes | None, ingested: int) -> Event:
        """Return what a record says, but for what its client is taken for, which takes longest to see."""
        text = read_text(value)
        return self._read_json(text, ingested) if text.startswith("{") else self._read_log(text, ingested)

    def _read_json(self, text: str, ingested: int) -> Event:
        try:
            fields, end = _decoder().raw_decode(text)
        except (ValueError, RecursionError):
            return Event("not_json")
        if text[end:].strip(WHITE):
            return Event("several_records" if _are_objects(text) else "trailing_bytes")
        stamp = fields.get("timestamp")
        action = _text(fields.get("action"))
        names = ("event_id", "user_id", "product_id", "user_agent")
        texts = {name: None if isinstance(fields.get(name), dict | list) else _text(fields.get(name)) for name in names}
        agent, product = texts["user_agent"], texts["product_id"]
        event = Event(
            format="json",
            time=self._time(stamp),
            ip_address=client_of(_text(fields.get("ip_address")), None, self._proxies),
            action=action if action in self._actions else OTHER,
            product_id=short_key(product, LONGEST_KEY) if product else None,
            given_id=texts["event_id"] or None,
            user_agent=agent and agent[:LONGEST_AGENT],
            status_code=_status(_text(fields.get("status_code"))),
            response_ms=_milliseconds(fields.get("response_time")),
        )
        event.reject_reason = "not_an_event" if action is None else self._time_problem(event, stamp, ingested)
        return event

    def _read_log(self, text: str, ingested: int) -> Event:
        address, line = _split_line(text)
        if line is None:
            return Event("several_records" if _is_array(text) or "\n" in text else "not_a_log_line")
        _, _, stamp, request, status, size, _, agent, forwarded = line.groups()
        asked = self._requests.read(request, status)
        event = Event(
            format="access_log",
            time=self._time(stamp),
            ip_address=client_of(address, None if forwarded in ("", "-") else forwarded, self._proxies),
            action=asked.action,
            product_id=asked.product_id,
            path=asked.path,
            rule=asked.rule,
            is_line=True,
            user_agent=None if agent in (None, "", "-") else agent[:LONGEST_AGENT],
            status_code=int(status),
            bytes=_size(size),
        )
        event.reject_reason = self._time_problem(event, stamp, ingested)
        return event

    def _time(self, stamp: Any) -> int | None:
        """Return when a record says that it happened. Spark writes a number with a fraction as Java does."""
        is_fraction = isinstance(stamp, Number) and not stamp.lstrip("-").isdigit()
        return number_micros(float(stamp)) if is_fraction else micros(_text(stamp) or "", self._zone)

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
            event = self.read(record.value, round(record.ingested * SECOND))
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


def _split_line(text: str) -> tuple[str, re.Match[str] | None]:
    """Return what a line has for its client, one or two lists, and all else of it; None where it is no such line."""
    first = LIST.match(text)
    if first is None:
        return "", None
    second = SECOND_LIST.match(text, first.end())
    for end in (second.end() if second else first.end(), first.end()):
        rest = LOG.fullmatch(text, end) or BARE.fullmatch(text, end)
        if rest and not (rest.re is BARE and _is_more(text[rest.start(8) :])) and not _is_relayed(rest):
            return text[:end], rest
    return "", None


def _is_relayed(line: re.Match[str]) -> bool:
    """Say whether a relay has put something before the whole line, which is then not the client."""
    identity, user, stamp = line.groups()[:3]
    before_quotes = f"{identity} {user}[{stamp}] ".partition('"')[0]
    return identity != "-" and RELAYED.search(before_quotes) is not None


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


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _text(value: Any) -> str | None:
    """Return a JSON value as text, half characters as ``?``; an object or a list as itself in JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        return SURROGATE.sub("?", value)
    return json.dumps(value)


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse_constant)


def _are_objects(text: str) -> bool:
    """Say whether a text is several objects, with or without commas between them."""
    try:
        parts = _decoder().decode(f"[{BETWEEN.sub('},{', text)}]")
    except (ValueError, RecursionError):
        return False
    return len(parts) > 1 and all(isinstance(part, dict) for part in parts)


def _is_more(rest: str) -> bool:
    """Say whether behind the quote of an agent there is another line, or more than an agent and a forwarded-for."""
    return '] "' in rest or rest.count('" "') > 1


def _is_array(text: str) -> bool:
    try:
        return text.startswith("[") and bool(_decoder().raw_decode(text)[0])
    except (ValueError, RecursionError):
        return False


def _status(text: str | None) -> int | None:
    number = int(text) if text and re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0
    return number if 100 <= number <= 599 else None


def _milliseconds(seconds: Any) -> int | None:
    """Return a response time; None for what is no number that counts.

    Spark reads a number with a fraction as Java writes it: 9.0E15, with two digits at most.
    """
    if isinstance(seconds, Number) and not seconds.lstrip("-").isdigit():
        is_number = not seconds.startswith("-") and (float(seconds) == 0 or 1e-99 <= float(seconds) < 1e100)
    else:
        is_number = DECIMAL.fullmatch(_text(seconds) or "") is not None
    milliseconds = int(float(seconds) * 1000 + 0.5) if is_number else None
    return milliseconds if milliseconds is not None and milliseconds <= LARGEST else None


def _size(digits: str) -> int | None:
    digits = digits.lstrip("0") or "0"
    return int(digits) if digits != "-" and len(digits) <= 19 and int(digits) <= LARGEST else None
