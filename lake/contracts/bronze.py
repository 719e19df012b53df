"""The table of bronze: one row per Kafka record."""

from __future__ import annotations

from lake.contracts.columns import Column
from lake.contracts.vocabulary import MAX_AGENT_CHARACTERS

BRONZE = (
    Column("value", "BINARY", "the record's bytes, as Kafka had them"),
    Column("kafka_partition", "INT", "partition of the topic"),
    Column("kafka_offset", "BIGINT", "offset in the partition"),
    Column("ingested_at", "TIMESTAMP", "when Kafka appended the record"),
    Column("batch", "BIGINT", "Delta version that added the row"),
    Column("format", "STRING", "name of the record's format; null where it has none"),
    Column("reject_reason", "STRING", "why the record counts nowhere; null where it counts"),
    Column("event_id", "STRING", "identity: header, else JSON field, else partition-offset"),
    Column("event_key", "BIGINT", "hash of event_id and window_start; null where the sender gave no id"),
    Column("occurred_at", "TIMESTAMP", "when the event happened"),
    Column("window_start", "TIMESTAMP", "start of its ten-second window"),
    Column("event_date", "DATE", "day of the event; day of ingestion where rejected"),
    Column("ip_address", "STRING", "the client: an address in its one spelling, a host's name, or null if unknown"),
    Column("user_id", "STRING", "user, where known"),
    Column("action", "STRING", "what the client did"),
    Column("product_id", "STRING", "product, where there is one"),
    Column("path", "STRING", "request target of a log line, with its query; empty where nothing was asked for"),
    Column("referrer", "STRING", "referring page of a log line"),
    Column("user_agent", "STRING", f"user agent, cut at {MAX_AGENT_CHARACTERS} characters; null where none was sent"),
    Column("status_code", "INT", "HTTP status"),
    Column("response_ms", "BIGINT", "response time in milliseconds, where known"),
    Column("bytes", "BIGINT", "response size, where known"),
    Column("source", "STRING", "name of the server that wrote the record, from the header; null where none was sent"),
    Column("host", "STRING", "the host that was asked for, where the record says it, without port"),
    Column("declared", "STRING", "how the line is written, as a log string that came with it; null where none came"),
)
BRONZE_PARTITION = "event_date"
