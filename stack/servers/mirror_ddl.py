"""The SQL that makes PostgreSQL's schema ``silver`` as the contract describes it."""

from __future__ import annotations

from psycopg2 import sql

from lake.contracts import LEDGER_KEY, MEASURES, MIRROR_SCHEMA, names, postgres_type
from lake.contracts.mirror import BOOKMARK_TABLE, MIRROR_TABLES, VERDICTS_TABLE, WINDOW_COUNTS, MirrorTable

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
    addition = sql.SQL("add column if not exists {} {} not null default 0")
    create = sql.SQL(_DDL).format(
        schema=sql.Identifier(MIRROR_SCHEMA),
        **{table.name: _identifier(table) for table in MIRROR_TABLES},
        counts=_definitions(WINDOW_COUNTS),
        key=sql.SQL(", ").join(sql.Identifier(name) for name in names(LEDGER_KEY)),
        additions=sql.SQL(", ").join(
            addition.format(sql.Identifier(measure.name), sql.SQL(postgres_type(measure))) for measure in MEASURES
        ),
        stand=_definitions(BOOKMARK_TABLE),
        decisions=_definitions(VERDICTS_TABLE),
    )
    return sql.Composed([create, *(_comments(table) for table in MIRROR_TABLES)])


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
