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
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
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
        if not ISO.fullmatch(event["timestamp"]):
            return None
        time = dt.datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00")).timestamp()
    except (ValueError, KeyError, TypeError):
        return None
    product = event.get("product_id")
    texts = [event.get(name) for name in ("event_id", "user_id", "user_agent", "product_id")]
    status, response = event.get("status_code"), event.get("response_time")
    is_good = (
        event.get("action") in ("view_product", "add_to_cart", "checkout")
        and isinstance(event.get("ip_address"), str)
        and not any(isinstance(text, list | dict) or "\0" in str(text) for text in texts)
        and (status is None or (isinstance(status, int) and 100 <= status <= 599))
        and (response is None or (isinstance(response, int | float) and response is not True and response >= 0))
        and len(str(product)) <= 256
    )
    return (time, event["ip_address"], event["action"], product, event.get("event_id")) if is_good else None


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
