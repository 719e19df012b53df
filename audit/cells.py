"""The cells of the ledger, counted again from facts and compared with its entries. One Spark job."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from audit.check import Check, compared, difference, number
from audit.facts import AMOUNTS, KEYS, MEASURE_NAMES, ORDER
from lake.contracts import DIMENSIONS

CELL = ("dimension", "window_start", "key", "is_bot")
OURS = [f"our_{name}" for name in MEASURE_NAMES]
THEIRS = [f"their_{name}" for name in MEASURE_NAMES]


@dataclass(frozen=True)
class Comparison:
    """Facts and ledger side by side. ``duplicates`` are the facts that do not count."""

    events: int
    ledger_events: int
    duplicates: int
    checks: list[Check]


def compare_cells(facts: DataFrame, entries: DataFrame, source: str) -> Comparison:
    """Count facts by dimension, window, key and is_bot, and compare every measure with the ledger's sums.

    Args:
        facts: One row for each valid row of bronze, duplicates included; see :data:`audit.facts.FACTS`.
        entries: Entries of the ledger, of the same windows.
        source: What the facts are from, for the lines of the audit.
    """
    rows = {row["dimension"]: row for row in _compare(facts, entries).collect()}
    checks = [_check(name, rows.get(name), source) for name in DIMENSIONS]
    strange = sorted(set(rows) - set(DIMENSIONS), key=str)
    if strange:
        text = ", ".join(map(str, strange))
        checks.append(compared("ledger: dimensions", ", ".join(DIMENSIONS), text, "the ledger has unknown dimensions"))
    total = rows.get("all")
    if total is None:
        return Comparison(0, 0, 0, checks)
    return Comparison(total["ours"][0], total["theirs"][0], total["duplicates"], checks)


def _compare(facts: DataFrame, entries: DataFrame) -> DataFrame:
    """One row per dimension: cells and sums of each side, how many cells differ, and the first of them."""
    is_same = " and ".join(f"our_{name} = their_{name}" for name in MEASURE_NAMES)
    sides = _ours(facts).unionByName(_theirs(entries))
    sums = ["duplicates", *OURS, *THEIRS]
    cells = sides.groupBy(*CELL).agg(*(F.sum(name).alias(name) for name in sums))
    first = f"unix_seconds(window_start) as second, key, is_bot, {_array(OURS)} as ours, {_array(THEIRS)} as theirs"
    return (
        cells.withColumn("is_different", F.expr(f"not ({is_same})"))
        .groupBy("dimension")
        .agg(
            F.sum("duplicates").alias("duplicates"),
            F.count_if(F.col("our_events") != 0).alias("our_cells"),
            F.count_if(F.col("their_events") != 0).alias("their_cells"),
            F.count_if("is_different").alias("different"),
            F.array(*map(F.sum, OURS)).alias("ours"),
            F.array(*map(F.sum, THEIRS)).alias("theirs"),
            F.expr(f"min(struct({first})) filter (where is_different)").alias("first"),
        )
    )


def _ours(facts: DataFrame) -> DataFrame:
    """Count facts by cell. Rows are sorted and sent with the measures that are 0 or 1 as bits of one number."""
    flags = [name for name in MEASURE_NAMES if name not in AMOUNTS]
    packed = " | ".join(f"shiftleft(bigint({name}), {bit})" for bit, name in enumerate(flags))
    value = {name: f"shiftright(flags, {bit}) & 1" for bit, name in enumerate(flags)} | {name: name for name in AMOUNTS}
    in_order = Window.partitionBy("window_start", "event_id").orderBy(*ORDER)
    keys = ", ".join(f"'{name}', {dimension.column or repr(name)}" for name, dimension in DIMENSIONS.items())
    return (
        facts.selectExpr("window_start", "event_id", *ORDER, *KEYS, "is_bot", f"{packed} as flags", *AMOUNTS)
        .withColumn("is_duplicate", F.row_number().over(in_order) > 1)
        .selectExpr(
            *("window_start", *KEYS, "is_bot", "is_duplicate"),
            *(f"if(is_duplicate, 0, {name}) as {name}" for name in ("flags", *AMOUNTS)),
        )
        .selectExpr("*", f"stack({len(DIMENSIONS)}, {keys}) as (dimension, key)")
        .filter("key is not null")
        .groupBy(*CELL)
        .agg(
            F.count_if("is_duplicate").alias("duplicates"),
            *(F.sum(F.expr(value[name])).alias(our) for name, our in zip(MEASURE_NAMES, OURS, strict=True)),
            *(F.lit(0).cast("bigint").alias(name) for name in THEIRS),
        )
    )


def _theirs(entries: DataFrame) -> DataFrame:
    return entries.groupBy(*CELL).agg(
        *(F.lit(0).cast("bigint").alias(name) for name in ("duplicates", *OURS)),
        *(F.sum(name).alias(their) for name, their in zip(MEASURE_NAMES, THEIRS, strict=True)),
    )


def _array(names: list[str]) -> str:
    return f"array({', '.join(names)})"


def _check(dimension: str, row: Any, source: str) -> Check:
    name = f"ledger: {dimension}"
    if row is None:
        return compared(name, f"0 events from {source}", "0 in the ledger")
    problem = ""
    if row["different"]:
        first = row["first"]
        values = difference(MEASURE_NAMES, first["ours"], first["theirs"], (source, "the ledger"))
        cells = number(row["our_cells"], "cell")
        problem = (
            f"first: {cell_name(first['second'], dimension, first['key'], first['is_bot'])}: {values}; "
            f"{row['different']:,} of {cells} differ"
        )
    return compared(
        name,
        f"{number(row['ours'][0], 'event')} in {number(row['our_cells'], 'cell')}, {source}",
        f"{number(row['theirs'][0], 'event')} in {number(row['their_cells'], 'cell')}",
        problem,
        f"{len(MEASURE_NAMES)} measures",
    )


def cell_name(second: int, dimension: str, key: object, is_bot: bool) -> str:
    """Name a cell by its window (epoch seconds) and key: ``window 2026-01-01 12:00:10Z, product 'p-1', human``."""
    window = dt.datetime.fromtimestamp(second, dt.timezone.utc)
    return f"window {window:%Y-%m-%d %H:%M:%S}Z, {dimension} {key!r}, {'bot' if is_bot else 'human'}"
