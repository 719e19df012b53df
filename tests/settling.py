"""The ledger and PostgreSQL's counts of it, settled or not: appended by hand, mirrored, and held against each other."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from audit.check import Check, Verdict
from audit.lake import PinnedLake
from audit.mirror import check_mirror
from audit.scope import Scope
from lake.contracts import LEDGER, LEDGER_KEY, MEASURES, names, spark_schema
from lake.contracts.mirror import CLIENT_DAY, OF_SETTLED, SEEN, SETTLED_SECONDS
from lake.settings import Settings
from spark.mirror import Mirror
from spark.progress import Progress
from spark.tables.delta import snapshot
from spark.tables.records import Records
from spark.tables.verdicts import Verdicts
from stack.servers.postgres import query

MIDNIGHT = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)
Cell = tuple[str, dt.datetime, str, bool]
Row = tuple[Any, ...]


def append(session: SparkSession, settings: Settings, cells: dict[Cell, dict[str, int]]) -> None:
    """Append entries to the ledger, in one commit."""
    rows = [
        ("test", "stream", dimension, window, key, is_bot, window.date(), *(counts.get(n, 0) for n in names(MEASURES)))
        for (dimension, window, key, is_bot), counts in cells.items()
    ]
    session.createDataFrame(rows, spark_schema(LEDGER)).write.format("delta").mode("append").save(settings.ledger)


def move(session: SparkSession, settings: Settings) -> None:
    """Have a new mirror catch up."""
    progress = Progress(settings.data / "stream.json")
    mirror = Mirror(session, settings, progress, lambda: True, lambda: Records(Verdicts({})))
    mirror.catch_up()
    mirror.close()


def settled_until(settings: Settings) -> dt.datetime | None:
    ((until,),) = query(settings, "dbt", "select settled_until from silver.bookmark")
    assert until is None or isinstance(until, dt.datetime)
    return until


def sums(session: SparkSession, settings: Settings) -> dict[Cell, dict[str, int]]:
    """What the ledger's entries add up to, by cell."""
    entries = session.read.format("delta").load(settings.ledger)
    added = entries.groupBy(*names(LEDGER_KEY)).agg(*(F.sum(name).alias(name) for name in names(MEASURES)))
    return {
        (row["dimension"], row["window_start"].astimezone(dt.timezone.utc), row["key"], row["is_bot"]): {
            name: row[name] for name in names(MEASURES)
        }
        for row in added.collect()
    }


def expected(cells: dict[Cell, dict[str, int]], until: dt.datetime | None) -> dict[Cell, Row]:
    """Work out each row of PostgreSQL's but for its version."""
    totals: dict[Cell, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    seen: dict[Cell, list[int]] = defaultdict(list)
    minutes: dict[Cell, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for (dimension, window, key, is_bot), counts in cells.items():
        cell = (dimension, window, key, is_bot)
        if until is not None and window < until:
            becomes = CLIENT_DAY if dimension == "client" else dimension
            second = int(window.timestamp())
            start = second - second % SETTLED_SECONDS[becomes]
            cell = (becomes, dt.datetime.fromtimestamp(start, tz=dt.timezone.utc), key, is_bot)
            if becomes in SEEN and counts["events"] > 0:
                seen[cell].append((second - start) // 10)
            if becomes == CLIENT_DAY:
                minute = minutes[cell][(second - start) // 60]
                minute[0] += counts["events"]
                minute[1] += counts["assets"]
        for name, number in counts.items():
            totals[cell][name] += number
    rows = {}
    for cell, counts in totals.items():
        listed = sorted(minutes[cell].items())
        assets = [number for _, (_, number) in listed]
        rows[cell] = (
            *(counts[name] for name in names(MEASURES)),
            min(seen[cell], default=None),
            max(seen[cell], default=None),
            [minute for minute, _ in listed] or None,
            [events for _, (events, _) in listed] or None,
            assets if any(assets) else None,
        )
    return rows


def actual(settings: Settings) -> dict[Cell, Row]:
    measures = ", ".join(f"coalesce({name}, 0)" for name in names(MEASURES))
    columns = f"{', '.join(names(LEDGER_KEY))}, {measures}, {', '.join(names(OF_SETTLED))}"
    rows = query(settings, "dbt", f"select {columns} from silver.window_counts")
    return {tuple(row[:4]): tuple(row[4:]) for row in rows}  # type: ignore[misc]


def check(session: SparkSession, settings: Settings) -> None:
    ours, theirs = expected(sums(session, settings), settled_until(settings)), actual(settings)
    assert theirs == {cell: row for cell, row in ours.items() if cell in theirs}
    assert not [cell for cell, row in ours.items() if cell not in theirs and any(row[: len(MEASURES)])]
    for scope in (Scope(), Scope(MIDNIGHT.timestamp() - 70_000, MIDNIGHT.timestamp() + 5_000)):
        assert [one.note for one in audited(session, settings, scope) if one.verdict is not Verdict.OK] == []


def audited(session: SparkSession, settings: Settings, scope: Scope) -> list[Check]:
    """What the audit says of PostgreSQL's counts."""
    stand = snapshot(session, settings.ledger)
    return check_mirror(PinnedLake(session, settings, 0, stand.version, stand.table_id, 0, 0), scope)
