"""When in a settled window the first and the last event was, by the ledger: the one thing in it that is no sum."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contracts import LEDGER_PARTITION, WINDOW_SECONDS
from lake.contracts.mirror import SEEN, SETTLED_SECONDS
from spark.tables.window_counts import BECOMES, Seen

WIDTHS = {name: SETTLED_SECONDS[becomes] for name, becomes in BECOMES.items() if becomes in SEEN}
"""Dimension of the ledger -> seconds of its settled windows, where these say when there was an event."""
KEYS = "dimension string, starts_at bigint, key string, is_bot boolean"


def seen_in_ledger(
    session: SparkSession,
    ledger: DataFrame,
    shrunk: Iterable[pa.Table],
    since: dt.datetime,
    until: dt.datetime,
) -> list[Seen]:
    """Return it for the settled windows of which something was taken away.

    Args:
        session: of the ledger.
        ledger: its entries, at the version at which PostgreSQL will stand.
        shrunk: the keys of cells, with ``window_start`` in microseconds since 1970.
        since: what lies before it was settled before.
        until: windows before it are settled, or will be.
    """
    wanted = {key for table in shrunk for key in _settled_keys(table, since)}
    if not wanted:
        return []
    keys = session.createDataFrame(sorted(wanted), KEYS)
    days = sorted({dt.datetime.fromtimestamp(start, tz=dt.timezone.utc).date() for _, start, _, _ in wanted})
    second = F.unix_seconds("window_start")
    width = F.coalesce(*(F.when(F.col("dimension") == name, F.lit(seconds)) for name, seconds in WIDTHS.items()))
    cells = (
        ledger.filter(F.col(LEDGER_PARTITION).isin(days) & F.col("dimension").isin(*WIDTHS))
        .filter(second < int(until.timestamp()))
        .withColumn("starts_at", second - F.pmod(second, width))
        .join(F.broadcast(keys), ["dimension", "starts_at", "key", "is_bot"])
        .groupBy("dimension", "starts_at", "key", "is_bot", "window_start")
        .agg(F.sum("events").alias("events"))
    )
    place = F.when(F.col("events") > 0, (F.unix_seconds("window_start") - F.col("starts_at")) / WINDOW_SECONDS)
    found = cells.groupBy("dimension", "starts_at", "key", "is_bot").agg(
        F.min(place).cast("int").alias("first_seen"), F.max(place).cast("int").alias("last_seen")
    )
    return [
        (
            BECOMES[row["dimension"]],
            dt.datetime.fromtimestamp(row["starts_at"], tz=dt.timezone.utc),
            row["key"],
            row["is_bot"],
            row["first_seen"],
            row["last_seen"],
        )
        for row in found.collect()
    ]


def _settled_keys(table: pa.Table, since: dt.datetime) -> Iterable[tuple[str, int, str, bool]]:
    """Return dimension, start of the settled window (epoch seconds), key and is_bot of cells before ``since``."""
    for row in table.to_pylist():
        second = row["window_start"] // 1_000_000
        if second < since.timestamp():
            yield row["dimension"], second - second % WIDTHS[row["dimension"]], row["key"], row["is_bot"]
