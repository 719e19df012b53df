"""A column of a table: its name, its type and what it means, and what follows from a list of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column: its name, its Spark SQL type and what it means."""

    name: str
    type: str
    comment: str


_POSTGRES_TYPES = {
    "STRING": "text",
    "TIMESTAMP": "timestamptz",
    "DATE": "date",
    "BOOLEAN": "boolean",
    "SMALLINT": "smallint",
    "INT": "integer",
    "BIGINT": "bigint",
    "DOUBLE": "double precision",
    "BINARY": "bytea",
    "ARRAY<SMALLINT>": "smallint[]",
    "ARRAY<INT>": "integer[]",
    "ARRAY<STRING>": "text[]",
    "MAP<STRING, BIGINT>": "jsonb",
    "MAP<STRING, STRING>": "jsonb",
    "VARIANT": "jsonb",
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
