"""The cells of PostgreSQL against the loader's counts, one by one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql

from bench.counts import MEASURES, Cells, load_window, saved_windows
from lake.contracts import DIMENSIONS
from lake.settings import Settings


@dataclass(frozen=True)
class Comparison:
    """How many cells were compared; ``first_difference`` is None where all agree."""

    cells: int
    first_difference: str | None


def compare_database(settings: Settings, expected: Path, say: Callable[[str], None]) -> Comparison:
    """Compare ``silver.window_counts`` with the saved counts, in both directions, window by window."""
    compared = 0
    select = sql.SQL(
        "select dimension, key, is_bot, {measures} from silver.window_counts "
        "where dimension = any(%s) and window_start = to_timestamp(%s)"
    ).format(measures=sql.SQL(", ").join(sql.SQL("coalesce({}, 0)").format(sql.Identifier(name)) for name in MEASURES))
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
        connection.set_session(readonly=True, isolation_level="REPEATABLE READ")
        cursor.execute("select distinct extract(epoch from window_start)::bigint from silver.window_counts")
        windows = saved_windows(expected)
        strangers = sorted({window for (window,) in cursor.fetchall()} - set(windows))
        if strangers:
            return Comparison(0, f"PostgreSQL has window {_time(strangers[0])}, in which nothing was sent")
        say(f"comparing {len(windows)} windows cell by cell ...")
        for window in windows:
            cells = load_window(expected, window)
            cursor.execute(select, (list(DIMENSIONS), window))
            rows = {(dimension, key, is_bot): measures for dimension, key, is_bot, *measures in cursor.fetchall()}
            difference = first_difference(cells, rows)
            if difference:
                return Comparison(compared, f"window {_time(window)}: {difference}")
            compared += len(cells)
    return Comparison(compared, None)


def first_difference(expected: Cells, actual: Cells) -> str | None:
    """Say where two sets of cells of one window first differ, in the order of their keys; None where they agree."""
    events = MEASURES.index("events")
    for cell in sorted({*expected, *actual}):
        dimension, key, is_bot = cell
        name = f"{dimension} {key!r} {'bot' if is_bot else 'human'}"
        if cell not in actual:
            return f"{name}: the loader counted {expected[cell][events]} events, PostgreSQL has no such row"
        if cell not in expected:
            return f"{name}: PostgreSQL has {actual[cell][events]} events, the loader sent none"
        for measure, sent, stored in zip(MEASURES, expected[cell], actual[cell], strict=True):
            if sent != stored:
                return f"{name}: {measure} is {stored} in PostgreSQL, {sent} by the loader"
    return None


def _time(window: int) -> str:
    return datetime.datetime.fromtimestamp(window, datetime.timezone.utc).isoformat()
