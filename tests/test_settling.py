"""What PostgreSQL keeps of windows that are not hot any more: all of it follows from the ledger's sums."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mirrors import execute
from pyspark.sql import SparkSession
from settling import MIDNIGHT, Cell, append, check, move, settled_until, sums

from lake.settings import Settings
from spark.silver import create_ledger
from spark.tables import window_counts
from stack.servers.migrations import migrate
from stack.servers.postgres import query

pytestmark = pytest.mark.stack

KEYS = {
    "all": ["all"],
    "action": ["view_product", "checkout"],
    "product": ["p-1", "p-2", "p-3"],
    "status": ["200"],
    "rejected": ["not_json|none"],
    "client": ["203.0.113.1", "203.0.113.2", "203.0.113.3", "unknown"],
}


@pytest.fixture
def settings(stack_settings: Settings, session: SparkSession, tmp_path: Path) -> Iterator[Settings]:
    """An empty ledger of the test's own, and an empty database that keeps an hour hot."""
    own = replace(
        stack_settings, data=tmp_path, lake_root=str(tmp_path / "lake"), postgres_database="settling", hot_hours=1
    )
    migrate(own)
    execute(own, "truncate silver.window_counts, silver.bookmark")
    create_ledger(session, own)
    yield own


def some_cells(rng: random.Random, first: dt.datetime, seconds: int, count: int) -> dict[Cell, dict[str, int]]:
    cells: dict[Cell, dict[str, int]] = {}
    for _ in range(count):
        dimension = rng.choice(list(KEYS))
        window = first + dt.timedelta(seconds=10 * rng.randrange(seconds // 10))
        counts = {"events": rng.randrange(1, 4), "views": rng.randrange(2), "bytes": rng.choice([0, 3_000_000_000])}
        counts["assets"] = rng.randrange(counts["events"] + 1)
        cells[dimension, window, rng.choice(KEYS[dimension]), rng.random() < 0.3] = counts
    return cells


def corrections(rng: random.Random, cells: dict[Cell, dict[str, int]]) -> dict[Cell, dict[str, int]]:
    """Take away some of what was counted, and move some to the other side, as replays and verdicts do."""
    changes: dict[Cell, dict[str, int]] = {}
    for cell in rng.sample(sorted(cells), k=min(len(cells), 12)):
        counts = cells[cell]
        if not counts["events"]:
            continue
        changes[cell] = {name: -number for name, number in counts.items()}
        dimension, window, key, is_bot = cell
        other = (dimension, window, key, not is_bot)
        if rng.random() < 0.5 and other not in changes:
            changes[other] = dict(counts)
    return changes


@pytest.mark.parametrize(("hot_hours", "wanted"), [(0, 7), (2, 5), (10**12, None)])
def test_the_boundary_is_a_full_hour_however_many_are_hot(hot_hours: int, wanted: int | None) -> None:
    boundary = window_counts.wanted_boundary(MIDNIGHT + dt.timedelta(hours=7, minutes=59), hot_hours)
    assert boundary is not None
    assert boundary == MIDNIGHT + dt.timedelta(hours=wanted) if wanted else boundary.year < 1970
    assert window_counts.wanted_boundary(None, hot_hours) is None


@pytest.mark.parametrize("seed", range(2))
def test_every_row_follows_from_the_ledger_however_it_came(
    session: SparkSession, settings: Settings, seed: int
) -> None:
    rng = random.Random(seed)
    hours = 0
    for step in range(6):
        if rng.random() < 0.7 or not step:
            hours += rng.choice([0, 1, 3, 26])
            append(session, settings, some_cells(rng, MIDNIGHT + dt.timedelta(hours=hours), 7200, 60))
        if rng.random() < 0.6:  # late, by up to some days
            append(session, settings, some_cells(rng, MIDNIGHT + dt.timedelta(hours=hours - 50), 50 * 3600, 20))
        if step and rng.random() < 0.6 and (changes := corrections(rng, sums(session, settings))):
            append(session, settings, changes)
        move(session, settings)
        check(session, settings)
    until = settled_until(settings)
    assert until is not None and until > MIDNIGHT
    execute(settings, "truncate silver.window_counts, silver.bookmark")
    move(session, settings)
    check(session, settings)


def test_a_database_of_before_is_settled_step_by_step(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(5)
    never = replace(settings, hot_hours=1_000_000)
    append(session, settings, some_cells(rng, MIDNIGHT, 6 * 3600, 200))
    move(session, never)
    execute(settings, "update silver.bookmark set settled_until = null")
    execute(settings, "update silver.window_counts set version = 1")
    assert settled_until(settings) is None
    monkeypatch.setattr(window_counts, "CELLS_AT_ONCE", 10)
    for step in range(1, 7):
        append(
            session,
            settings,
            {("all", MIDNIGHT + dt.timedelta(hours=6, seconds=10 * step), "all", False): {"events": 1}},
        )
        move(session, settings)
        check(session, settings)
    assert settled_until(settings) == MIDNIGHT + dt.timedelta(hours=5)
    newer = query(settings, "dbt", "select count(*) from silver.window_counts where version > 1 and dimension <> 'all'")
    assert newer == [(0,)]  # what is only settled has not changed
