"""PostgreSQL's schema ``ops``: how the stack is, for those who see only the database. Role ``watch`` writes it."""

from __future__ import annotations

from dataclasses import dataclass

from lake.contracts.columns import Column

OPS_SCHEMA = "ops"
ONLY = "is_only"
"""The column by which PostgreSQL keeps a table to one row."""


@dataclass(frozen=True)
class OpsTable:
    """One table of the schema. ``key`` tells its rows apart; it has none where there is one row at most."""

    name: str
    columns: tuple[Column, ...]
    comment: str
    key: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    """The columns that may be null."""


STATE_TABLE = OpsTable(
    "state",
    (
        Column("looked_at", "TIMESTAMP", "when somebody looked; all ages in the report are those of then"),
        Column("state", "STRING", "well, waiting, unknown, unwell or down"),
        Column("problems", "ARRAY<STRING>", "what is wrong, one sentence each, which ends in the next command"),
        Column("unknown", "ARRAY<STRING>", "what could not be looked up, one sentence each"),
        Column("unfinished", "STRING", "what the marts do not show yet although nothing is wrong; empty for nothing"),
        Column("report", "VARIANT", "all that `weblake status --json` prints"),
    ),
    "At most one row: how the stack was when it was last looked at.",
)
VERIFIED_TABLE = OpsTable(
    "verified",
    (
        Column("verified_at", "TIMESTAMP", "when it ended"),
        Column("seconds", "DOUBLE", "how long it took"),
        Column("verdict", "STRING", "ok, failed, unchecked or crashed"),
        Column("scope", "STRING", "what it looked at, in words"),
        Column("is_whole", "BOOLEAN", "whether it looked at all windows, and not at a range"),
        Column("is_deep", "BOOLEAN", "whether it parsed the raw bytes again"),
        Column("passed", "INT", "checks that held"),
        Column("failed", "ARRAY<STRING>", "names of the checks that failed"),
        Column("unchecked", "ARRAY<STRING>", "names of the checks that were not made"),
    ),
    "One row per result of `weblake verify` that was seen on record.",
    key=("verified_at",),
)
ALERTS_TABLE = OpsTable(
    "alerts",
    (
        Column("alert_id", "STRING", "its name for good"),
        Column("rule", "STRING", "the rule that opened it, by its name in lake/rules/alerts.yml"),
        Column("subject", "STRING", "what it is about, such as a product; empty for the whole shop"),
        Column("level", "STRING", "severe or warning"),
        Column("sentence", "STRING", "what is wrong, with figures"),
        Column("next_step", "STRING", "what to do about it"),
        Column("starts_at", "TIMESTAMP", "start of the time whose figures opened it"),
        Column("ends_at", "TIMESTAMP", "end of that time"),
        Column("opened_at", "TIMESTAMP", "when it opened"),
        Column("told_at", "TIMESTAMP", "when a message about it was written; null before, and where it was silenced"),
        Column("reminders", "INT", "how many reminders were due since it was told"),
        Column("closed_at", "TIMESTAMP", "when it closed; null while it is open"),
        Column("restated_at", "TIMESTAMP", "when the figures that opened it turned out to be others; null otherwise"),
    ),
    "One row per alert.",
    key=("alert_id",),
    optional=frozenset({"told_at", "closed_at", "restated_at"}),
)
MESSAGES_TABLE = OpsTable(
    "alert_messages",
    (
        Column("message_id", "STRING", "its name for good, the same wherever and however often it is sent"),
        Column("written_at", "TIMESTAMP", "when it was written"),
        Column("kind", "STRING", "opened, reminder, closed or restated"),
        Column("title", "STRING", "one line"),
        Column("content", "VARIANT", "the alerts it tells of, as a webhook gets them"),
    ),
    "One row per message about alerts.",
    key=("message_id",),
)
DELIVERIES_TABLE = OpsTable(
    "alert_deliveries",
    (
        Column("message_id", "STRING", "the message"),
        Column("channel", "STRING", "where it goes: log, or kind, host and a digest of the address, which is a secret"),
        Column("due_at", "TIMESTAMP", "when it is to be sent next"),
        Column("attempts", "INT", "how often that failed"),
        Column("error", "STRING", "why it failed the last time; empty where it did not"),
        Column("sent_at", "TIMESTAMP", "when it was sent; null before"),
        Column("abandoned_at", "TIMESTAMP", "when no more attempts were made; null otherwise"),
    ),
    "One row per message and channel. It is recorded as sent once it was, so it comes twice rather than never.",
    key=("message_id", "channel"),
    optional=frozenset({"sent_at", "abandoned_at"}),
)
SILENCES_TABLE = OpsTable(
    "silences",
    (
        Column("rule", "STRING", "the rule of whose alerts nobody is told, or all"),
        Column("until", "TIMESTAMP", "the end of that"),
        Column("asked_at", "TIMESTAMP", "when somebody asked for it"),
    ),
    "One row per rule that was silenced last.",
    key=("rule",),
)
OPS_TABLES = (STATE_TABLE, VERIFIED_TABLE, ALERTS_TABLE, MESSAGES_TABLE, DELIVERIES_TABLE, SILENCES_TABLE)
