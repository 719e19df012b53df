"""The SQL that makes the tables of PostgreSQL's schema ``silver`` as the contract describes them."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2 import sql

from lake.contracts import MIRROR_SCHEMA, MIRROR_TABLES, Column, postgres_type
from lake.contracts.mirror import MirrorTable

_TABLE = "create table if not exists {table} ({definitions}, {key});"
_ONE_ROW = "is_only boolean primary key default true check (is_only)"
_ADDITION = "alter table {table} add column {definition} default {default};"
_CONVERSION = "alter table {table} {changes};"
_NARROW = "alter column {column} type {type}"
_SPARSE = "alter column {column} drop not null, alter column {column} type {type} using nullif({column}, 0)"
WIDE = "bigint not null"
"""What all counts were."""
_END = """
drop index if exists {schema}.window_counts_version;
create index if not exists window_counts_versions on {schema}.window_counts
    using brin (version) with (pages_per_range = 16, autosummarize = on);
alter table {schema}.window_counts set (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
"""
"""The newest rows lie together, so an index of ranges of pages finds them, and it lets PostgreSQL write an updated row
beside the one that it replaces, in the room that pages keep for that, without another entry in the key's index.
"""


def mirror_ddl(columns: Mapping[tuple[str, str], str]) -> sql.Composed:
    """Return the SQL that creates the tables of schema ``silver``, their index and comments. It may be run again.

    ``columns`` are the types of those that are there already, by table and name: what is as it should be is not locked.
    """
    return sql.Composed(
        [
            *map(_table, MIRROR_TABLES),
            *(_additions(table, columns) for table in MIRROR_TABLES),
            *(_conversions(table, columns) for table in MIRROR_TABLES),
            sql.SQL(_END).format(schema=sql.Identifier(MIRROR_SCHEMA)),
            *(_comments(table) for table in MIRROR_TABLES),
        ]
    )


def _identifier(table: MirrorTable) -> sql.Identifier:
    return sql.Identifier(MIRROR_SCHEMA, table.name)


def _table(table: MirrorTable) -> sql.Composed:
    definitions = sql.SQL(", ").join(_definition(table, column) for column in table.columns)
    key = sql.SQL("primary key ({})").format(sql.SQL(", ").join(map(sql.Identifier, table.key)))
    parts = {"definitions": definitions, "key": key if table.key else sql.SQL(_ONE_ROW)}
    return sql.SQL(_TABLE).format(table=_identifier(table), **parts)


def _definition(table: MirrorTable, column: Column) -> sql.Composed:
    definition = sql.SQL("{} {}" if column.name in table.optional else "{} {} not null")
    return definition.format(sql.Identifier(column.name), sql.SQL(postgres_type(column)))


def _additions(table: MirrorTable, columns: Mapping[tuple[str, str], str]) -> sql.Composed:
    """Return the SQL that gives a table of an older Weblake the columns that it lacks."""
    tables = {name for name, _ in columns}
    return sql.Composed(
        sql.SQL(_ADDITION).format(
            table=_identifier(table),
            definition=_definition(table, column),
            default=sql.SQL(table.additions[column.name]),
        )
        for column in table.columns
        if column.name in table.additions and table.name in tables and (table.name, column.name) not in columns
    )


def _conversions(table: MirrorTable, columns: Mapping[tuple[str, str], str]) -> sql.Composed:
    """Return the SQL that brings the counts of an older Weblake, wide and with zeros, to today's width.

    It writes the table anew: 1 GB takes some seconds, in which only dbt and the mirror wait, who read it.
    """
    wide = [column for column in table.columns if columns.get((table.name, column.name)) == WIDE]
    changes = [
        sql.SQL(_SPARSE if column.name in table.optional else _NARROW).format(
            column=sql.Identifier(column.name), type=sql.SQL(postgres_type(column))
        )
        for column in wide
        if column.name in table.optional or postgres_type(column) != "bigint"
    ]
    statement = sql.SQL(_CONVERSION).format(table=_identifier(table), changes=sql.SQL(", ").join(changes))
    return sql.Composed([statement] if changes else [])


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
