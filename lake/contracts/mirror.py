"""PostgreSQL's schema ``silver``: the ledger's sums, the bookmark, the verdicts that hold, and what is on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lake.contracts.columns import Column, names
from lake.contracts.ledger import LEDGER_KEY, MEASURES

MIRROR_SCHEMA = "silver"
BOOKMARK_MOVED = "weblake_bookmark"
"""The channel on which PostgreSQL tells who listens that the bookmark has moved."""
VERSION = Column("version", "BIGINT", "bookmark at which the row last changed")
_EVENTS, *_OTHERS = MEASURES
SPARSE = tuple(Column(one.name, one.type if one.is_amount else "INT", one.comment) for one in _OTHERS)
"""The measures but for events. Most of a cell are zero, and null takes no room. What is counted fits four bytes."""
SUMS = (*LEDGER_KEY, Column(_EVENTS.name, "INT", _EVENTS.comment), *SPARSE)
"""The columns of the counts that are the ledger's sums."""
CLIENT_DAY = "client_day"
"""The dimension in which a client's settled windows stand, by day."""
SETTLED_SECONDS = {"all": 60, "action": 60, "product": 300, "status": 300, "rejected": 300, CLIENT_DAY: 86_400}
"""Dimension -> how long a window of it is once it is settled; a client's goes over to :data:`CLIENT_DAY`."""
SEEN = ("all", "product", CLIENT_DAY)
"""The dimensions whose settled windows say when in them there was an event."""
OF_SETTLED = (
    Column("first_seen", "SMALLINT", "ten-second windows from the start to the first with an event; settled only"),
    Column("last_seen", "SMALLINT", "ten-second windows from the start to the last with an event; settled only"),
    Column("minutes", "ARRAY<SMALLINT>", "of a client's day: the minutes in which something was counted, from 0"),
    Column("minute_events", "ARRAY<INT>", "of a client's day: the events of each of these minutes"),
    Column("minute_assets", "ARRAY<INT>", "of a client's day: the assets of each of them; null where there were none"),
)
"""What a settled row says besides its sums. The rest of what dbt asks of single minutes follows from it."""
MIRROR = (*SUMS, *OF_SETTLED, VERSION)
NEWS = (
    Column("counted_until", "TIMESTAMP", "when Kafka got the newest record that is in the counts"),
    Column("counted_at", "TIMESTAMP", "when PostgreSQL had the counts up to that record"),
    Column("records", "BIGINT", "records in bronze at that moment"),
    Column("rejected", "BIGINT", "those of them that were rejected on arrival"),
)
"""How new the counts are, and what came in besides them; null until the mirror knows."""
BOOKMARK = (
    Column("version", "BIGINT", "ledger version that window_counts stands at; -1 before the first"),
    Column("ledger_id", "STRING", "id of the ledger's Delta table"),
    Column("moved_at", "TIMESTAMP", "when anything in PostgreSQL's schema silver last changed"),
    Column("filled_at", "TIMESTAMP", "when window_counts was last filled anew; rows may have gone then"),
    Column("settled_until", "TIMESTAMP", "windows before it stand in wider ones, a client's in those of its days"),
    *NEWS,
)
ON_CLIENT = (
    Column("ip_address", "STRING", "the client"),
    Column("verdict", "STRING", "convicted, pardoned, or released to what its agent says"),
    Column("decided_by", "STRING", "marts or hand"),
    Column("reason", "STRING", "why"),
    Column("decided_at", "TIMESTAMP", "when"),
)
"""A verdict on a client."""
VERDICTS = (*ON_CLIENT, Column("number", "BIGINT", "number of the last verdict on any client that is in the counts"))
"""The last word on each client on which there is one; written with the counts that obey it."""
VERDICT_RECORDS = (
    Column("number", "BIGINT", "number of the record; a later record has a higher one"),
    *ON_CLIENT,
    Column("clients", "BIGINT", "clients that the same record is on"),
    Column("moved", "MAP<STRING, BIGINT>", "measure and what the record moved to the bots, over all its clients"),
    VERSION,
)
"""Every verdict that holds or has held."""
REPLAY_RECORDS = (
    Column("id", "STRING", "id of the replay"),
    Column("done_at", "TIMESTAMP", "when it was done"),
    Column("range_start", "TIMESTAMP", "first window that was counted again; null for an undoing"),
    Column("range_end", "TIMESTAMP", "end of the last window that was counted again; null for an undoing"),
    Column("client", "STRING", "the one client that was counted again; null for all"),
    Column("undo_of", "STRING", "id of the replay that it took back; null where it counted again"),
    Column("reason", "STRING", "why, as it was given; empty where none was"),
    Column("rules", "MAP<STRING, STRING>", "file of rules and hash of what it said; empty for an undoing"),
    Column("corrections", "BIGINT", "entries that were appended to the ledger"),
    Column("keys", "BIGINT", "keys that were corrected, over all dimensions"),
    Column("moved", "MAP<STRING, BIGINT>", "measure and what was added to it, over all events"),
    Column("ledger_version", "BIGINT", "version of the ledger with the corrections; null where there were none"),
    VERSION,
)
"""Every replay, and every undoing of one."""


@dataclass(frozen=True)
class MirrorTable:
    """One table of the schema: its name, its columns and what a row of it is.

    Attributes:
        key: the columns that tell its rows apart; none where there is one row at most.
        optional: the columns that may be null.
        additions: the columns that databases of an older Weblake lack -> what they have in its rows, in SQL.
        words: column -> the name of its description in dbt's project, where that is not its own.
    """

    name: str
    columns: tuple[Column, ...]
    comment: str
    key: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    additions: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def word(self, column: str) -> str:
        """Return the name of a column's description in dbt's project."""
        return self.words.get(column, column)


WINDOW_COUNTS = MirrorTable(
    "window_counts",
    MIRROR,
    "One row per dimension, window, key and is_bot. A count that is null is zero. A window is ten seconds, or wider "
    "where it is settled, which the bookmark's settled_until says. Rows of any window may change at any time (late "
    "events, replays), down to zero.",
    key=tuple(names(LEDGER_KEY)),
    optional=frozenset(names((*SPARSE, *OF_SETTLED))),
    additions=dict.fromkeys(names((*SPARSE, *OF_SETTLED)), "null"),
)
BOOKMARK_TABLE = MirrorTable(
    "bookmark",
    BOOKMARK,
    "At most one row. It changes in the transaction that changes counts, verdicts or records.",
    optional=frozenset(("settled_until", *names(NEWS))),
    additions={"filled_at": "now()", "settled_until": "null", **dict.fromkeys(names(NEWS), "null")},
    words={column.name: f"bookmark_{column.name}" for column in BOOKMARK},
)
VERDICT_WORDS = {"ip_address": "verdict_on", "reason": "verdict_reason"}
"""Columns of a verdict whose names mean something else elsewhere."""
VERDICTS_TABLE = MirrorTable(
    "verdicts",
    VERDICTS,
    "One row per client on which there is a verdict.",
    key=("ip_address",),
    words={**VERDICT_WORDS, "number": "verdict_number"},
)
VERDICT_RECORDS_TABLE = MirrorTable(
    "verdict_records",
    VERDICT_RECORDS,
    "One row per verdict on record and client, also of verdicts that gave way to others.",
    key=("number", "ip_address"),
    words={**VERDICT_WORDS, "number": "record_number", "clients": "record_clients", "moved": "moved_to_bots"},
)
REPLAY_RECORDS_TABLE = MirrorTable(
    "replay_records",
    REPLAY_RECORDS,
    "One row per replay on record, undone ones and undoings included.",
    key=("id",),
    optional=frozenset(("range_start", "range_end", "client", "undo_of", "ledger_version")),
    words={column.name: f"replay_{column.name}" for column in REPLAY_RECORDS if column != VERSION},
)
MIRROR_TABLES = (WINDOW_COUNTS, BOOKMARK_TABLE, VERDICTS_TABLE, VERDICT_RECORDS_TABLE, REPLAY_RECORDS_TABLE)
