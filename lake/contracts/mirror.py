"""PostgreSQL's schema ``silver``: the sums of the ledger, the bookmark and the verdicts."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2 import sql

from lake.contracts.columns import Column, names, postgres_type
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

_DDL = """
create schema if not exists {schema};
create table if not exists {window_counts} ({counts}, primary key ({key}));
alter table {window_counts} {additions};
create index if not exists window_counts_version on {window_counts} (version);
create table if not exists {bookmark} ({stand}, is_only boolean primary key default true check (is_only));
create table if not exists {verdicts} ({decisions}, primary key (ip_address));
alter table {bookmark} add column if not exists filled_at timestamptz not null default now();
"""


def mirror_ddl() -> sql.Composed:
    """Return the SQL that creates schema ``silver``, its tables, their index and comments. It may be run again."""
    tables = (WINDOW_COUNTS, BOOKMARK_TABLE, VERDICTS_TABLE)
    addition = sql.SQL("add column if not exists {} bigint not null default 0")
    create = sql.SQL(_DDL).format(
        schema=sql.Identifier(MIRROR_SCHEMA),
        **{table.name: _identifier(table) for table in tables},
        counts=_definitions(WINDOW_COUNTS),
        key=sql.SQL(", ").join(sql.Identifier(name) for name in names(LEDGER_KEY)),
        additions=sql.SQL(", ").join(addition.format(sql.Identifier(name)) for name in names(MEASURES)),
        stand=_definitions(BOOKMARK_TABLE),
        decisions=_definitions(VERDICTS_TABLE),
    )
    return sql.Composed([create, *(_comments(table) for table in tables)])


def _identifier(table: MirrorTable) -> sql.Identifier:
    return sql.Identifier(MIRROR_SCHEMA, table.name)


def _definitions(table: MirrorTable) -> sql.Composed:
    definition = sql.SQL("{} {} not null")
    return sql.SQL(", ").join(
        definition.format(sql.Identifier(column.name), sql.SQL(postgres_type(column))) for column in table.columns
    )


def _comments(table: MirrorTable) -> sql.Composed:
    """Return the SQL that writes to PostgreSQL what the table and its columns mean."""
    on_table = sql.SQL("comment on table {} is {};\n").format(_identifier(table), sql.Literal(table.comment))
    on_column = sql.SQL("comment on column {} is {};\n")
    return sql.Composed(
        [
            on_table,
            *(
                on_column.format(sql.Identifier(MIRROR_SCHEMA, table.name, column.name), sql.Literal(column.comment))
                for column in table.columns
            ),
        ]
    )
