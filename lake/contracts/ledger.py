"""The ledger: its dimensions, its key and its measures."""

from __future__ import annotations

from dataclasses import dataclass

from lake.contracts.columns import Column
from lake.contracts.vocabulary import AGENT_GROUPS, UNKNOWN


@dataclass(frozen=True)
class Dimension:
    """One way of splitting the counts: its name, the column of bronze that is its key, and what a key is.

    A key is text: a number is written with ``digits`` digits at least. ``all``, which splits nothing, has no column.
    An event without a key counts under the key ``unknown`` if there is one, else not in this dimension.
    """

    name: str
    column: str | None
    comment: str
    digits: int = 0
    unknown: str | None = None


DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension("all", None, "all events, under the key 'all'"),
        Dimension("action", "action", "what the client did"),
        Dimension("product", "product_id", "the product"),
        Dimension("client", "ip_address", "the client", unknown=UNKNOWN),
        Dimension("status", "status_code", "the HTTP status, three digits", digits=3),
    )
}
"""Name -> dimension of the events that count, in the order in which the ledger's grouping has them."""

REJECTED = Dimension("rejected", None, "why a record was rejected, and its format, `not_a_log_line|none`")
"""Stands outside of ``all``: it counts the records that the others do not, by the window in which Kafka took them."""
NO_FORMAT = "none"
"""Stands in the key for the format of a record that has none."""
LEDGER_DIMENSIONS = {**DIMENSIONS, REJECTED.name: REJECTED}
"""Name -> dimension, of all that the ledger has."""


def _choice(words: list[str]) -> str:
    """Return the words as a sentence lists them: ``a, b or c``."""
    return f"{', '.join(words[:-1])} or {words[-1]}"


LEDGER_KEY = (
    Column("dimension", "STRING", _choice(list(LEDGER_DIMENSIONS))),
    Column("window_start", "TIMESTAMP", "start of the ten-second window; of rejected records, that of their ingestion"),
    Column(
        "key",
        "STRING",
        f"{_choice([entry.comment for entry in LEDGER_DIMENSIONS.values() if entry.name != 'all'])}; 'all' for all",
    ),
    Column("is_bot", "BOOLEAN", "whether a bot did it"),
)


@dataclass(frozen=True)
class Measure(Column):
    """A count or a sum of the ledger.

    Attributes:
        per_client: whether dbt keeps it for each client by minute and day, so that it can be evidence against one.
        is_amount: whether it adds up amounts: those of one window may be more than four bytes hold, unlike its events.
    """

    per_client: bool = False
    is_amount: bool = False


MEASURES = (
    # dbt keeps events per client, too, under names of its own: requests, page_requests and bot_requests.
    Measure("events", "BIGINT", "events"),
    Measure("views", "BIGINT", "product views", per_client=True),
    Measure("add_to_carts", "BIGINT", "products put into a cart", per_client=True),
    Measure("checkouts", "BIGINT", "checkouts", per_client=True),
    Measure("client_errors", "BIGINT", "answers 4xx", per_client=True),
    Measure("server_errors", "BIGINT", "answers 5xx", per_client=True),
    Measure("payment_errors", "BIGINT", "checkouts answered 5xx", per_client=True),
    Measure("late_events", "BIGINT", "events more than ten minutes older than their ingestion"),
    Measure("response_ms", "BIGINT", "sum of response times, milliseconds", is_amount=True),
    Measure("timed_events", "BIGINT", "events that had a response time"),
    Measure("bytes", "BIGINT", "sum of response sizes", per_client=True, is_amount=True),
    Measure("assets", "BIGINT", "requests for images, scripts and styles", per_client=True),
    Measure("robots_reads", "BIGINT", "reads of /robots.txt", per_client=True),
    Measure("no_agent", "BIGINT", "events without a user agent", per_client=True),
    Measure("pages", "BIGINT", "access-log requests of browsers for no image, script or style", per_client=True),
    Measure("not_found", "BIGINT", "answers 404", per_client=True),
    Measure(
        "probes", "BIGINT", "requests that only attackers make, or garbage instead of an HTTP request", per_client=True
    ),
    Measure("posts", "BIGINT", "forms posted that are neither cart nor checkout", per_client=True),
    Measure("searches", "BIGINT", "searches of the shop", per_client=True),
    Measure("failed_checkouts", "BIGINT", "checkouts answered 4xx or 5xx", per_client=True),
    Measure("crawler_events", "BIGINT", "events whose user agent says that it is a crawler", per_client=True),
    Measure(
        "tool_events",
        "BIGINT",
        "events whose user agent is a tool: a library, a headless browser, a monitor",
        per_client=True,
    ),
    Measure(
        "impostor_events",
        "BIGINT",
        "events in a known crawler's name from an address that is not that crawler's",
        per_client=True,
    ),
    *(
        Measure(f"agents_{n}", "BIGINT", f"events whose user agent is in hash group {n}", per_client=True)
        for n in range(AGENT_GROUPS)
    ),
)
"""Additive only: counts and sums, so that entries can be added up in any order."""

SUMMARY = ("events", "views", "add_to_carts", "checkouts", "payment_errors")
"""The measures by which people judge what a verdict or a replay moved."""

COUNTS = (*LEDGER_KEY, Column("window_date", "DATE", "day of the window"), *MEASURES)
"""What an entry says, whatever its cause."""
LEDGER = (
    Column("entry", "STRING", "id of the batch or replay that appended the row"),
    Column("cause", "STRING", "stream, replay or verdict"),
    *COUNTS,
)
LEDGER_PARTITION = "window_date"
