"""PostgreSQL's schema ``silver``: the sums of the ledger, the bookmark and the verdicts."""

from __future__ import annotations

from dataclasses import dataclass

from lake.contracts.columns import Column
from lake.contracts.ledger import LEDGER_KEY, MEASURES

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


@dataclass(frozen=True)
class MirrorTable:
    """One table of the schema: its name, its columns and what a row of it is."""

    name: str
    columns: tuple[Column, ...]
    comment: str


WINDOW_COUNTS = MirrorTable(
    "window_counts",
    MIRROR,
    "One row per dimension, ten-second window, key and is_bot. Rows of any window may change at any time (late events, "
    "replays), down to zero; they are never deleted.",
)
BOOKMARK_TABLE = MirrorTable(
    "bookmark", BOOKMARK, "At most one row. It moves in the transaction that changes the counts."
)
VERDICTS_TABLE = MirrorTable("verdicts", VERDICTS, "One row per client on which there is a verdict.")
MIRROR_TABLES = (WINDOW_COUNTS, BOOKMARK_TABLE, VERDICTS_TABLE)
