"""What one event adds to each measure of the ledger, in plain Python."""

from __future__ import annotations

import re
from collections.abc import Callable

from audit.oracle.event import Event
from audit.oracle.times import SECOND

LATE = 600 * SECOND
LARGEST_COUNTED = 100_000_000_000
ROBOTS = re.compile(r"/robots\.txt(?:\?|\Z)")

MEASURES: dict[str, Callable[[Event, int], int]] = {
    "events": lambda event, ingested: 1,
    "views": lambda event, ingested: event.action == "view_product",
    "add_to_carts": lambda event, ingested: event.action == "add_to_cart",
    "checkouts": lambda event, ingested: event.action == "checkout",
    "client_errors": lambda event, ingested: (event.status_code or 0) // 100 == 4,
    "server_errors": lambda event, ingested: (event.status_code or 0) // 100 == 5,
    "payment_errors": lambda event, ingested: event.action == "checkout" and (event.status_code or 0) // 100 == 5,
    "late_events": lambda event, ingested: (event.time or 0) < ingested - LATE,
    "response_ms": lambda event, ingested: _amount(event.response_ms) or 0,
    "timed_events": lambda event, ingested: _amount(event.response_ms) is not None,
    "bytes": lambda event, ingested: _amount(event.bytes) or 0,
    "assets": lambda event, ingested: event.action == "asset",
    "robots_reads": lambda event, ingested: bool(event.path and ROBOTS.match(event.path)),
    "no_agent": lambda event, ingested: not event.client.has_agent,
    "pages": lambda event, ingested: (
        event.is_line and event.action != "asset" and event.path != "" and not event.client.is_app
    ),
    "not_found": lambda event, ingested: event.status_code == 404,
    "probes": lambda event, ingested: event.action == "probe" or (event.is_line and event.path is None),
    "posts": lambda event, ingested: event.action == "post",
    "searches": lambda event, ingested: event.action == "search",
    "failed_checkouts": lambda event, ingested: (
        event.action == "checkout" and (event.status_code or 0) // 100 in (4, 5)
    ),
    "crawler_events": lambda event, ingested: event.client.kind == "crawler",
    "tool_events": lambda event, ingested: event.client.kind == "tool",
    "impostor_events": lambda event, ingested: event.client.impostor_from <= event.window < event.client.impostor_until,
    "agents_0": lambda event, ingested: event.client.agent_group == 0,
    "agents_1": lambda event, ingested: event.client.agent_group == 1,
    "agents_2": lambda event, ingested: event.client.agent_group == 2,
    "agents_3": lambda event, ingested: event.client.agent_group == 3,
}
"""What a good event adds to each measure of the ledger, given when Kafka appended it."""


def _amount(number: int | None) -> int | None:
    return number if number is not None and number <= LARGEST_COUNTED else None
