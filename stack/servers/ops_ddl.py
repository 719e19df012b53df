"""The SQL that makes the tables of PostgreSQL's schema ``ops`` as the contract describes them."""

from __future__ import annotations

from psycopg2 import sql

from lake.contracts.columns import Column, postgres_type
from lake.contracts.ops import ONLY, OPS_SCHEMA, OPS_TABLES, OpsTable
from stack.servers.roles import ANALYST, SANDBOXES

_READERS = f"charts, {ANALYST}, {SANDBOXES}"
_RIGHTS = f"""
grant usage on schema {OPS_SCHEMA} to {_READERS};
grant select on all tables in schema {OPS_SCHEMA} to {_READERS};
"""
_ONE_ROW = f"{ONLY} boolean primary key default true check ({ONLY})"


def ops_ddl() -> sql.Composed:
    """Return the SQL that creates the tables of schema ``ops`` and lets readers read them. It may be run again."""
    return sql.Composed([*(part for table in OPS_TABLES for part in _table(table)), sql.SQL(_RIGHTS)])


def _table(table: OpsTable) -> list[sql.Composed]:
    name = sql.Identifier(OPS_SCHEMA, table.name)
    key = sql.SQL("primary key ({})").format(sql.SQL(", ").join(map(sql.Identifier, table.key)))
    definitions = [*(_definition(table, column) for column in table.columns), key if table.key else sql.SQL(_ONE_ROW)]
    create = sql.SQL("create table if not exists {} ({});\n").format(name, sql.SQL(", ").join(definitions))
    on_table = sql.SQL("comment on table {} is {};\n").format(name, sql.Literal(table.comment))
    on_columns = [
        sql.SQL("comment on column {} is {};\n").format(
            sql.Identifier(OPS_SCHEMA, table.name, column.name), sql.Literal(column.comment)
        )
        for column in table.columns
    ]
    return [create, on_table, *on_columns]


def _definition(table: OpsTable, column: Column) -> sql.Composed:
    definition = sql.SQL("{} {}" if column.name in table.optional else "{} {} not null")
    return definition.format(sql.Identifier(column.name), sql.SQL(postgres_type(column)))
