"""The cells of PostgreSQL against the loader's counts, one by one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from bench.counts import MEASURES, Cells, load_window, saved_windows
from lake.settings import Settings


@dataclass(frozen=True)
class Comparison:
    """How many cells were compared; ``first_difference`` is None where all agree."""

    cells: int
    first_difference: str | None


def compare_database(settings: Settings, expected: Path, say: Callable[[str], None]) -> Comparison:
    """Compare ``silver.window_counts`` with the saved counts, in both directions, window by window."""
    compared = 0
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
        connection.set_session(readonly=True, isolation_level="REPEATABLE READ")
        cursor.execute("select distinct extract(epoch from window_start)::bigint from silver.window_counts")
        found_windows = {window for (window,) in cursor.fetchall()}
        windows = saved_windows(expected)
        strangers = sorted(found_windows - set(windows))
        if strangers:
            return Comparison(0, f"PostgreSQL has window {_time(strangers[0])}, in which nothing was sent")
        say(f"comparing {len(windows)} windows cell by cell ...")
        for window in windows:
            cells = load_window(expected, window)
            cursor.execute(
                f"select dimension, key, is_bot, {', '.join(MEASURES)} from silver.window_counts "
                "where dimension = any(%s) and window_start = to_timestamp(%s)",
                (["all", "action", "product", "client"], window),
            )
            found = {(row[0], row[1], row[2]): list(row[3:]) for row in cursor.fetchall()}
            difference = first_difference(cells, found)
            if difference:
                return Comparison(compared, f"window {_time(window)}: {difference}")
            compared += len(cells)
    return Comparison(compared, None)


def first_difference(expected: Cells, found: Cells) -> str | None:
    """Say where two sets of cells of one window first differ, in the order of their keys; None where they agree."""
    for cell in sorted({*expected, *found}):
        dimension, key, is_bot = cell
        name = f"{dimension} {key!r} {'bot' if is_bot else 'human'}"
        if cell not in found:
            return f"{name}: the loader counted {expected[cell][0]} events, PostgreSQL has no such row"
        if cell not in expected:
            return f"{name}: PostgreSQL has {found[cell][0]} events, the loader sent none"
        for measure, wanted, got in zip(MEASURES, expected[cell], found[cell], strict=True):
            if wanted != got:
                return f"{name}: {measure} is {got} in PostgreSQL, {wanted} by the loader"
    return None


def _time(window: int) -> str:
    return datetime.datetime.fromtimestamp(window, datetime.timezone.utc).isoformat()
