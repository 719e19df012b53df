"""What the columns mean that several models of dbt share and that are no measures.

One thing has one name in all marts: `views`, `events` with `human_events` and `bot_events`, `share`, the start of a
window. A mart may have an alias beside it, a column with the same values under another name. Some aliases stay. A
deprecated one is the name of before and goes in the next release; `CHANGELOG.md` lists these.
"""

from __future__ import annotations

from lake.contracts.columns import Column
from lake.contracts.ledger import DIMENSIONS

ALIASED = ("events", "views", "share", "payment_errors")
"""What has an alias in some mart that stays."""
RENAMED = ("events", "human_events", "bot_events", "views", "share", "human_payment_errors")
"""What has a deprecated alias in some mart."""
ALIAS_WORDS = {
    **{f"same_as_{name}": f"the same as `{name}`" for name in ALIASED},
    **{f"deprecated_for_{name}": f"the same as `{name}`; deprecated, goes in the next release" for name in RENAMED},
}
"""The word of an alias in contract.md, and what it says."""

SHARED_COLUMNS = (
    *(Column(entry.column, "STRING", entry.comment) for entry in DIMENSIONS.values() if entry.column),
    Column("reject_reason", "STRING", "why the records count nowhere; docs/logs.md lists the reasons"),
    Column("reject_format", "STRING", "what the records are of, as in bronze; none where nobody knows"),
    Column("network", "STRING", "its /24, or /64 of IPv6; null for what is no address"),
    Column("class", "STRING", "what the heaviest reason makes of the bots, unclear where there is none, or people"),
    Column("points", "ARRAY<INT>", "points of the reasons, in the same order"),
    Column("minute_start", "TIMESTAMP", "start of the minute"),
    Column("five_minutes_start", "TIMESTAMP", "start of the five-minute window; finer windows have it to join by"),
    Column("hour_start", "TIMESTAMP", "start of the hour (UTC); windows of an hour or less join by it"),
    Column("day_start", "TIMESTAMP", "midnight UTC at which the day starts; windows join by it, `using (day_start)`"),
    Column(
        "is_complete",
        "BOOLEAN",
        "whether counting has reached the window's end; late events may still come. It turns without a new version",
    ),
    Column("first_seen_at", "TIMESTAMP", "first ten-second window with an event; null where none is left"),
    Column("last_seen_at", "TIMESTAMP", "last ten-second window with an event; null where none is left"),
    Column("first_of_day", "TIMESTAMP", "first ten-second window of the day with an event; null where none is left"),
    Column("last_of_day", "TIMESTAMP", "last ten-second window of the day with an event; null where none is left"),
    Column("evidence_version", "BIGINT", "bookmark at which the evidence last changed"),
    Column("human_events", "BIGINT", "events of people: of all that the ledger does not count among the bots"),
    Column("bot_events", "BIGINT", "events of bots, by their agent or by verdict"),
    Column("human_page_requests", "BIGINT", "events of people without images, scripts and styles"),
    Column("bot_page_requests", "BIGINT", "events of bots without images, scripts and styles"),
    Column("human_client_errors", "BIGINT", "answers 4xx to people"),
    Column("human_server_errors", "BIGINT", "answers 5xx to people"),
    Column("human_payment_errors", "BIGINT", "checkouts of people answered 5xx"),
    Column("human_views", "BIGINT", "product views by people"),
    Column("human_add_to_carts", "BIGINT", "products that people put into a cart"),
    Column("human_checkouts", "BIGINT", "checkouts by people"),
    Column("human_failed_checkouts", "BIGINT", "checkouts of people answered 4xx or 5xx"),
    Column("human_response_ms", "BIGINT", "sum of response times of people's events, milliseconds"),
    Column("human_timed_events", "BIGINT", "events of people that had a response time"),
    Column("product_events", "BIGINT", "events that concern the product"),
    Column("requests", "BIGINT", "events of the client"),
    Column("page_requests", "BIGINT", "events without images, scripts and styles"),
    Column("bot_requests", "BIGINT", "events that the ledger counts as a bot's, by agent or verdict; no evidence"),
    Column("bot_views", "BIGINT", "product views by bots"),
    Column("bot_add_to_carts", "BIGINT", "products that bots put into a cart"),
    Column("bot_checkouts", "BIGINT", "checkouts by bots"),
    Column("bot_bytes", "BIGINT", "bytes sent to bots"),
    Column("peak_requests_per_minute", "BIGINT", "page requests of the busiest minute"),
    Column("active_minutes", "BIGINT", "active minutes of the busiest sixty in a row"),
    Column("steady_minutes", "BIGINT", "as active_minutes, where they are more alike than chance makes people's"),
    Column("is_crowd", "BOOLEAN", "whether it stands for many people: a proxy, an office, or what is no address"),
)
