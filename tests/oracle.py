"""What the pipeline should count, in plain Python over raw bytes; shares no code with ``spark/``."""

from __future__ import annotations

import collections
import datetime as dt
import ipaddress
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

LOG = re.compile(
    rb'^(\S+) \S+ [^\[]*\[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)'
    rb'(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?(?: "[^"]*")?\s*$'
)
Cell = tuple[str, int, str]


@dataclass(frozen=True)
class Record:
    """One Kafka record: its bytes, its identity header, and the second at which Kafka appended it."""

    value: bytes
    header: str | None
    position: str
    ingested: float


def count(records: Iterable[Record]) -> tuple[dict[Cell, int], int, int]:
    """Count events per (dimension, window, key); also returns the numbers of rejected and of duplicate records."""
    cells: dict[Cell, int] = collections.Counter()
    seen: set[tuple[str, int]] = set()
    rejected = duplicates = 0
    for record in records:
        fields = _read(record)
        if fields is None:
            rejected += 1
            continue
        time, address, action, product, event_id = fields
        window = int(time // 10 * 10)
        identity = record.header or event_id or record.position
        if (identity, window) in seen:
            duplicates += 1
            continue
        seen.add((identity, window))
        for dimension, key in (("all", "all"), ("action", action), ("client", address), ("product", product)):
            if key is not None:
                cells[dimension, window, key] += 1
    return dict(cells), rejected, duplicates


def _read(record: Record) -> tuple[float, str, str, str | None, str | None] | None:
    found = _read_json(record.value) if record.value.startswith(b"{") else _read_log(record.value)
    if found is None or not (946684800 <= found[0] <= record.ingested + 300):
        return None
    try:
        ipaddress.ip_address(found[1])
    except ValueError:
        return None
    return found


def _read_json(value: bytes) -> tuple[float, str, str, str | None, str | None] | None:
    try:
        event = json.loads(value.decode())
        time = dt.datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00")).timestamp()
        known = event["action"] in ("view_product", "add_to_cart", "checkout")
        typed = isinstance(event.get("status_code", 200), int | None) and "\0" not in str(event.get("product_id"))
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    if not (known and typed and isinstance(event.get("ip_address"), str)):
        return None
    return time, event["ip_address"], event["action"], event.get("product_id"), event.get("event_id")


def _read_log(value: bytes) -> tuple[float, str, str, str | None, str | None] | None:
    match = LOG.match(value)
    if not match:
        return None
    try:
        time = dt.datetime.strptime(match[2].decode(), "%d/%b/%Y:%H:%M:%S %z").timestamp()
    except ValueError:
        return None
    target = match[3].decode().split(" ")[1]
    product = re.match(r"/product/([^/?]+)", target)
    action = "view_product" if product else "checkout" if "/checkout" in target else "other"
    return time, match[1].decode(), action, product[1] if product else None, None
