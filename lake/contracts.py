"""The tables that the parts of Weblake promise each other, written once.

The Delta tables, the mirror's SQL and a test of dbt's sources are all made from these lists. Types are
Spark SQL's; :func:`postgres_type` gives PostgreSQL's.
"""

from __future__ import annotations

from dataclasses import dataclass

TOPIC_PARTITIONS = 6
WINDOW_SECONDS = 10
LATE_AFTER_SECONDS = 600
FUTURE_TOLERANCE_SECONDS = 300
EARLIEST_EVENT = "2000-01-01 00:00:00"
MAX_KEY_CHARACTERS = 256
MAX_AGENT_CHARACTERS = 2048
LARGEST_AMOUNT = 10**11
"""More milliseconds or bytes are counted as unknown: sums of them would outgrow a bigint, and end the stream."""

VIEW = "view_product"
ADD_TO_CART = "add_to_cart"
CHECKOUT = "checkout"
OTHER = "other"
ASSET = "asset"
POST = "post"
PROBE = "probe"

BY_STREAM = "stream"
BY_REPLAY = "replay"
BY_VERDICT = "verdict"
"""The causes of the ledger's entries."""

CONVICTED = "convicted"
PARDONED = "pardoned"
RELEASED = "released"
"""The verdicts on a client: a bot, a person, or what its agent says."""

ERASED = "erased"
"""Stands where the address of a client stood that was erased; the one client that is no IP address."""

AGENT_GROUPS = 4
"""User agents are told apart by a hash in so many groups: as many groups in use, as many different agents at least."""

FORMAT_JSON = "json"
FORMAT_ACCESS_LOG = "access_log"

REJECT_REASONS = (
    "invalid_utf8",
    "nul_character",
    "not_json",
    "trailing_bytes",
    "not_a_log_line",
    "missing_time",
    "unreadable_time",
    "time_too_old",
    "time_in_future",
    "missing_ip",
    "invalid_ip",
    "unknown_action",
    "wrong_type",
    "key_too_long",
)
"""Why a record is kept in bronze and counted nowhere, in the order in which they are looked for."""


@dataclass(frozen=True)
class Column:
    """One column: its name, its Spark SQL type and what it means."""

    name: str
    type: str
    comment: str


BRONZE = (
    Column("value", "BINARY", "the record's bytes, as Kafka had them"),
    Column("kafka_partition", "INT", "partition of the topic"),
    Column("kafka_offset", "BIGINT", "offset in the partition"),
    Column("ingested_at", "TIMESTAMP", "when Kafka appended the record"),
    Column("batch", "BIGINT", "Delta version that added the row"),
    Column("format", "STRING", "json or access_log; null where it is neither"),
    Column("reject_reason", "STRING", "why the record counts nowhere; null where it counts"),
    Column("event_id", "STRING", "identity: header, else JSON field, else partition-offset"),
    Column("event_key", "BIGINT", "hash of event_id and window_start; null where the sender gave no id"),
    Column("occurred_at", "TIMESTAMP", "when the event happened"),
    Column("window_start", "TIMESTAMP", "start of its ten-second window"),
    Column("event_date", "DATE", "day of the event; day of ingestion where rejected"),
    Column("ip_address", "STRING", "client address"),
    Column("user_id", "STRING", "user, where known"),
    Column("action", "STRING", "what the client did"),
    Column("product_id", "STRING", "product, where there is one"),
    Column("path", "STRING", "request target of a log line, with its query"),
    Column("referrer", "STRING", "referring page of a log line"),
    Column("user_agent", "STRING", f"user agent, cut at {MAX_AGENT_CHARACTERS} characters; null where none was sent"),
    Column("status_code", "INT", "HTTP status"),
    Column("response_ms", "BIGINT", "response time in milliseconds, where known"),
    Column("bytes", "BIGINT", "response size, where known"),
)
BRONZE_PARTITION = "event_date"

DIMENSIONS = {"all": None, "action": "action", "product": "product_id", "client": "ip_address"}
"""Dimension -> the bronze column that is its key (``all`` has the key ``all``)."""

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

LEDGER = (
    Column("entry", "STRING", "id of the batch or replay that appended the row"),
    Column("cause", "STRING", "stream, replay or verdict"),
    *LEDGER_KEY,
    Column("window_date", "DATE", "day of the window"),
    *MEASURES,
)
LEDGER_PARTITION = "window_date"

MIRROR_SCHEMA = "silver"
MIRROR = (*LEDGER_KEY, *MEASURES, Column("version", "BIGINT", "bookmark at which the row last changed"))
BOOKMARK = (
    Column("version", "BIGINT", "ledger version that window_counts stands at; -1 before the first"),
    Column("ledger_id", "STRING", "id of the ledger's Delta table"),
    Column("moved_at", "TIMESTAMP", "when the bookmark last moved"),
    Column("filled_at", "TIMESTAMP", "when window_counts was last filled anew; rows may have gone then"),
)
VERDICTS = (
    Column("ip_address", "STRING", "the client"),
    Column("verdict", "STRING", "convicted, pardoned, or released to what its agent says"),
    Column("decided_by", "STRING", "marts or hand"),
    Column("reason", "STRING", "why"),
    Column("decided_at", "TIMESTAMP", "when"),
    Column("number", "BIGINT", "number of the last verdict on any client that is in the counts"),
)
"""The last word on each client on which there is one; written with the counts that obey it."""

_POSTGRES_TYPES = {
    "STRING": "text",
    "TIMESTAMP": "timestamptz",
    "DATE": "date",
    "BOOLEAN": "boolean",
    "INT": "integer",
    "BIGINT": "bigint",
    "BINARY": "bytea",
}


def names(columns: tuple[Column, ...]) -> list[str]:
    """Return the columns' names in order."""
    return [column.name for column in columns]


def spark_schema(columns: tuple[Column, ...]) -> str:
    """Return the columns as a Spark DDL string."""
    return ", ".join(f"`{column.name}` {column.type}" for column in columns)


def postgres_type(column: Column) -> str:
    """Return the column's PostgreSQL type."""
    return _POSTGRES_TYPES[column.type]


def mirror_ddl() -> str:
    """Return the SQL that creates schema ``silver``, its tables and their index. It may be run again."""
    counts = ",\n    ".join(f"{column.name} {postgres_type(column)} not null" for column in MIRROR)
    bookmark = ",\n    ".join(f"{column.name} {postgres_type(column)} not null" for column in BOOKMARK)
    verdicts = ", ".join(f"{column.name} {postgres_type(column)} not null" for column in VERDICTS)
    key = ", ".join(names(LEDGER_KEY))
    new = ", ".join(f"add column if not exists {measure.name} bigint not null default 0" for measure in MEASURES)
    return f"""
create schema if not exists {MIRROR_SCHEMA};
create table if not exists {MIRROR_SCHEMA}.window_counts (
    {counts},
    primary key ({key})
);
alter table {MIRROR_SCHEMA}.window_counts {new};
create index if not exists window_counts_version on {MIRROR_SCHEMA}.window_counts (version);
create table if not exists {MIRROR_SCHEMA}.bookmark (
    {bookmark},
    is_only boolean primary key default true check (is_only)
);
create table if not exists {MIRROR_SCHEMA}.verdicts ({verdicts}, primary key (ip_address));
alter table {MIRROR_SCHEMA}.bookmark add column if not exists filled_at timestamptz not null default now();
"""
