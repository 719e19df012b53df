"""The ledger: its dimensions, its key and its measures."""

from __future__ import annotations

from dataclasses import dataclass

from lake.contracts.columns import Column
from lake.contracts.vocabulary import AGENT_GROUPS


@dataclass(frozen=True)
class Dimension:
    """One way of splitting the counts: its name, the column of bronze that is its key, and what a key is.

    A key is text: a number is written with ``digits`` digits at least. ``all``, which splits nothing, has no column.
    """

    name: str
    column: str | None
    comment: str
    digits: int = 0


DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension("all", None, "all events, under the key 'all'"),
        Dimension("action", "action", "what the client did"),
        Dimension("product", "product_id", "the product, where there is one"),
        Dimension("client", "ip_address", "the client's address"),
    )
}
"""Name -> dimension, in the order in which the ledger's grouping has them."""

LEDGER_KEY = (
    Column("dimension", "STRING", "all, action, product or client"),
    Column("window_start", "TIMESTAMP", "start of the ten-second window"),
    Column("key", "STRING", "the action, product id or client address; 'all' for all"),
    Column("is_bot", "BOOLEAN", "whether a bot did it"),
)
MEASURES = (
    Column("events", "BIGINT", "events"),
    Column("views", "BIGINT", "product views"),
    Column("add_to_carts", "BIGINT", "products put into a cart"),
    Column("checkouts", "BIGINT", "checkouts"),
    Column("client_errors", "BIGINT", "answers 4xx"),
    Column("server_errors", "BIGINT", "answers 5xx"),
    Column("payment_errors", "BIGINT", "checkouts answered 5xx"),
    Column("late_events", "BIGINT", "events more than ten minutes older than their ingestion"),
    Column("response_ms", "BIGINT", "sum of response times, milliseconds"),
    Column("timed_events", "BIGINT", "events that had a response time"),
    Column("bytes", "BIGINT", "sum of response sizes"),
    Column("assets", "BIGINT", "requests for images, scripts and styles"),
    Column("robots_reads", "BIGINT", "reads of /robots.txt"),
    Column("no_agent", "BIGINT", "events without a user agent"),
    Column("pages", "BIGINT", "access-log requests for no image, script or style"),
    Column("not_found", "BIGINT", "answers 404"),
    Column("probes", "BIGINT", "requests that only attackers make, or garbage instead of an HTTP request"),
    Column("posts", "BIGINT", "forms posted that are neither cart nor checkout"),
    Column("failed_checkouts", "BIGINT", "checkouts answered 4xx or 5xx"),
    Column("crawler_events", "BIGINT", "events whose user agent says that it is a crawler"),
    Column("tool_events", "BIGINT", "events whose user agent is a tool: a library, a headless browser, a monitor"),
    Column("impostor_events", "BIGINT", "events in a known crawler's name from an address that is not that crawler's"),
    *(Column(f"agents_{n}", "BIGINT", f"events whose user agent is in hash group {n}") for n in range(AGENT_GROUPS)),
)
"""Additive only: counts and sums, so that entries can be added up in any order."""

COUNTS = (*LEDGER_KEY, Column("window_date", "DATE", "day of the window"), *MEASURES)
"""What an entry says, whatever its cause."""
LEDGER = (
    Column("entry", "STRING", "id of the batch or replay that appended the row"),
    Column("cause", "STRING", "stream, replay or verdict"),
    *COUNTS,
)
LEDGER_PARTITION = "window_date"
