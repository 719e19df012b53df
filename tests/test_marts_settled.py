"""Marts of a lake of which most is settled, against those of the same lake when nothing ever was: row by row."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from mirrors import execute
from pyspark.sql import SparkSession
from settling import Cell, append, check, move, settled_until

from audit.check import Verdict
from audit.marts import check_marts
from audit.scope import Scope
from lake.settings import Settings
from marts.build import Marts, build
from spark.silver import create_ledger
from stack.servers import postgres
from stack.servers.migrations import migrate

pytestmark = pytest.mark.stack

MORNING = dt.datetime(2026, 3, 1, 8, tzinfo=dt.timezone.utc)
STEPS = 5
HOT_HOURS = (0, 1, 1, 4, 30)
BUILT_ANEW = ("version", "class_version", "built_at", "filled_at", "mirrored_at", "counted_until")
"""What tells of the build and not of the events."""


@dataclass(frozen=True)
class Event:
    """One event of a client, and what it adds to each of its cells."""

    window: dt.datetime
    client: str
    action: str
    product: str | None
    status: str
    is_bot: bool

    def cells(self) -> dict[Cell, dict[str, int]]:
        """Return what it adds to each cell."""
        is_asset = self.action == "asset"
        counts = {
            "events": 1,
            "views": int(self.action == "view_product"),
            "add_to_carts": int(self.action == "add_to_cart"),
            "checkouts": int(self.action == "checkout"),
            "failed_checkouts": int(self.action == "checkout" and self.status != "200"),
            "payment_errors": int(self.action == "checkout" and self.status == "503"),
            "server_errors": int(self.status == "503"),
            "searches": int(self.action == "search"),
            "assets": int(is_asset),
            "pages": int(not is_asset),
            "bytes": 2_000_000_000,
            "agents_0": 1,
        }
        keys = {"all": "all", "action": self.action, "status": self.status, "client": self.client}
        keys |= {"product": self.product} if self.product else {}
        return {(dimension, self.window, key, self.is_bot): counts for dimension, key in keys.items()}


class History:
    """Events of a small shop: late ones, corrections of single events, and verdicts on clients."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._now = MORNING
        self._events: list[Event] = []

    def step(self) -> dict[Cell, dict[str, int]]:
        """Let some time pass, and return what is to be appended to the ledger."""
        rng = self._rng
        self._now += dt.timedelta(hours=rng.choice([1, 2, 5, 20]))
        new = [self._event(rng.choice([600, 7_000])) for _ in range(150)]
        new += [self._event(rng.choice([20_000, 100_000])) for _ in range(15)]  # late
        start = self._now - dt.timedelta(minutes=rng.randrange(50, 500))
        new += [  # one that never pauses, partly settled already
            self._at(start + dt.timedelta(seconds=30 * number), "192.0.2.77", "view_product") for number in range(240)
        ]
        gone = rng.sample(self._events, k=min(len(self._events), 20))
        changed = [replace(event, action="search", product=None) for event in gone[:10]]
        judged = rng.choice([event.client for event in new])
        moved = [event for event in self._events if event.client == judged and event not in gone]
        sentenced = [replace(event, is_bot=not event.is_bot) for event in moved]
        added, taken = [*new, *changed, *sentenced], [*gone, *moved]
        left = Counter(self._events)
        left.subtract(taken)
        self._events = [*left.elements(), *added]
        return _sums(added, taken)

    def _event(self, seconds_ago: int) -> Event:
        rng = self._rng
        action = rng.choice(["view_product", "view_product", "add_to_cart", "checkout", "asset", "search"])
        time = self._now - dt.timedelta(seconds=10 * rng.randrange(seconds_ago // 10))
        return self._at(time, f"203.0.113.{rng.randrange(8)}", action)

    def _at(self, time: dt.datetime, client: str, action: str) -> Event:
        rng = self._rng
        product = f"p-{rng.randrange(4)}" if action in ("view_product", "add_to_cart", "checkout") else None
        status = rng.choice(["200", "200", "503"])
        window = time.replace(second=time.second // 10 * 10, microsecond=0)
        return Event(window, client, action, product, status, is_bot=client.endswith("7") or rng.random() < 0.05)


def _sums(added: list[Event], taken: list[Event]) -> dict[Cell, dict[str, int]]:
    sums: dict[Cell, Counter[str]] = {}
    for sign, events in ((1, added), (-1, taken)):
        for event in events:
            for cell, counts in event.cells().items():
                into = sums.setdefault(cell, Counter())
                for name, number in counts.items():
                    into[name] += sign * number
    return {cell: dict(counts) for cell, counts in sums.items() if any(counts.values())}


@pytest.fixture
def settled(stack_settings: Settings, session: SparkSession, tmp_path: Path) -> Iterator[Settings]:
    """An empty ledger, and an empty database that keeps an hour hot."""
    own = replace(
        stack_settings, data=tmp_path, lake_root=str(tmp_path / "lake"), postgres_database="settled", hot_hours=1
    )
    migrate(own)
    execute(own, "truncate silver.window_counts, silver.bookmark; drop schema if exists marts cascade")
    migrate(own)
    create_ledger(session, own)
    yield own


def rows(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all marts, without what tells of the build."""
    tables = postgres.query(
        settings, "dbt", "select table_name from information_schema.tables where table_schema = 'marts'"
    )
    left_out = " - ".join(f"'{name}'" for name in BUILT_ANEW)
    return {
        str(table): postgres.query(
            settings, "dbt", f"select (to_jsonb(mart) - {left_out})::text from marts.{table} as mart order by 1"
        )
        for (table,) in tables
    }


def live(session: SparkSession, settled: Settings, seed: int) -> None:
    """Live through a history in which the boundary moves by leaps of any size; the marts must not show it."""
    history, marts, leaps = History(seed), Marts(settled), random.Random(f"leaps {seed}")
    for _ in range(STEPS):
        append(session, settled, history.step())
        move(session, replace(settled, hot_hours=leaps.choice(HOT_HOURS)))
        build(marts, settled)
        check(session, settled)
        assert [one for one in check_marts(settled, Scope()) if one.verdict is not Verdict.OK] == []
    until = settled_until(settled)
    assert until is not None and until > MORNING
    hot = replace(settled, postgres_database="never_settled", hot_hours=1_000_000, data=settled.data / "hot")
    hot.data.mkdir()
    migrate(hot)
    execute(hot, "truncate silver.window_counts, silver.bookmark")
    move(session, hot)
    build(Marts(hot), hot, full_refresh=True)
    assert settled_until(hot) is not None  # it is long before all events
    ours, theirs = rows(settled), rows(hot)
    assert set(ours) == set(theirs)
    for mart, expected in theirs.items():
        assert ours[mart] == expected, mart
    build(marts, settled, full_refresh=True)
    assert rows(settled) == ours


def test_marts_are_the_same_as_if_nothing_had_been_settled(session: SparkSession, settled: Settings) -> None:
    live(session, settled, 1)


@pytest.mark.faults
@pytest.mark.parametrize("part", range(3))
def test_marts_of_any_history_are_the_same_as_if_nothing_had_been_settled(
    session: SparkSession, settled: Settings, fault_seed: int, part: int
) -> None:
    live(session, settled, fault_seed + part)
