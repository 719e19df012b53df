"""The mirror in PostgreSQL, filled by hand: counts, the bookmark and records, written as the stream writes them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from lake.contracts import MEASURES, names
from lake.settings import Settings
from spark.tables.postgres import News, put_news
from spark.tables.records import Records, put_records

Cell = tuple[str, dt.datetime, str, bool]
"""Dimension, window, key, and whether a bot did it."""
Counts = dict[str, int]


def count(settings: Settings, version: int, cells: dict[Cell, Counts]) -> None:
    """Add counts as the mirror does, and move the bookmark."""
    measures = names(MEASURES)
    columns = ", ".join(("dimension", "window_start", "key", "is_bot", *measures, "version"))
    sums = ", ".join(f"{name} = coalesce(old.{name}, 0) + coalesce(excluded.{name}, 0)" for name in measures)
    rows = [
        (*cell, counts.get("events", 0), *(counts.get(name) or None for name in measures[1:]), version)
        for cell, counts in cells.items()
    ]
    with psycopg2.connect(settings.postgres_dsn("owner")) as connection, connection.cursor() as cursor:
        execute_values(
            cursor,
            f"insert into silver.window_counts as old ({columns}) values %s "
            f"on conflict (dimension, window_start, key, is_bot) do update set {sums}, version = excluded.version",
            rows,
        )
        cursor.execute(
            "insert into silver.bookmark values (%s, 'a', now(), now()) on conflict (is_only) do update "
            "set version = excluded.version",
            (version,),
        )


def put_on_record(settings: Settings, records: Records, version: int, news: News | None = None) -> None:
    """Write what is on record, and how new the counts are, beside a bookmark that is there."""
    with psycopg2.connect(settings.postgres_dsn("pipeline")) as connection, connection.cursor() as cursor:
        put_records(cursor, records, version)
        if news:
            put_news(cursor, news)
        cursor.execute("update silver.bookmark set moved_at = now()")


def execute(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """Execute statements as the owner, and return the last one's rows."""
    with psycopg2.connect(settings.postgres_dsn("owner")) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []
