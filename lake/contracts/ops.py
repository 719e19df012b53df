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
OPS_TABLES = (STATE_TABLE, VERIFIED_TABLE)
