"""The cells of the ledger, counted anew from facts and laid beside its entries. Plain SQL, one Spark job."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame

from audit.check import Check, compared, difference, number
from audit.facts import AMOUNTS, MEASURE_NAMES
from lake.contracts import DIMENSIONS


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
    found = {row["dimension"]: row for row in _compare(facts, entries).collect()}
    checks = [_check(name, found.get(name), source) for name in DIMENSIONS]
    strange = sorted(set(found) - set(DIMENSIONS), key=str)
    if strange:
        text = ", ".join(map(str, strange))
        checks.append(compared("ledger: dimensions", ", ".join(DIMENSIONS), text, "the ledger has unknown dimensions"))
    total = found.get("all")
    if total is None:
        return Comparison(0, 0, 0, checks)
    return Comparison(total["ours"][0], total["theirs"][0], total["duplicates"], checks)


def _compare(facts: DataFrame, entries: DataFrame) -> DataFrame:
    """One row per dimension: cells and sums of each side, how many cells differ, and the first of them.

    Rows are sorted and sent by window with the measures that are 0 or 1 as bits of one number.
    """

    def each(pattern: str) -> str:
        return ", ".join(pattern.format(name) for name in MEASURE_NAMES)

    flags = [name for name in MEASURE_NAMES if name not in AMOUNTS]
    packed = " | ".join(f"shiftleft(bigint({name}), {bit})" for bit, name in enumerate(flags))
    value = {name: f"shiftright(flags, {bit}) & 1" for bit, name in enumerate(flags)} | {name: name for name in AMOUNTS}
    ours = ", ".join(f"sum({value[name]}) as our_{name}" for name in MEASURE_NAMES)
    is_same = " and ".join(f"our_{name} = their_{name}" for name in MEASURE_NAMES)
    query = f"""
        with packed as (
            select window_start, event_id, batch, kafka_partition, kafka_offset, action, product_id, ip_address, is_bot,
                {packed} as flags, {", ".join(AMOUNTS)}
            from {{facts}}
        ),
        ranked as (
            select *, row_number() over (
                partition by window_start, event_id order by batch, kafka_partition, kafka_offset
            ) > 1 as is_duplicate
            from packed
        ),
        counted as (
            select window_start, action, product_id, ip_address, is_bot, is_duplicate,
                {", ".join(f"if(is_duplicate, 0, {name}) as {name}" for name in ("flags", *AMOUNTS))}
            from ranked
        ),
        ours as (
            select dimension, window_start, key, is_bot, count_if(is_duplicate) as duplicates, {ours}
            from counted lateral view stack(
                4, 'all', 'all', 'action', action, 'product', product_id, 'client', ip_address
            ) as dimension, key
            where key is not null
            group by all
        ),
        theirs as (
            select dimension, window_start, key, is_bot, {each("sum({0}) as their_{0}")}
            from {{entries}}
            group by all
        ),
        sides as (
            select dimension, window_start, key, is_bot, duplicates,
                {each("our_{0}")}, {each("bigint(0) as their_{0}")}
            from ours
            union all
            select dimension, window_start, key, is_bot, 0, {each("bigint(0)")}, {each("their_{0}")}
            from theirs
        ),
        cells as (
            select dimension, window_start, key, is_bot, sum(duplicates) as duplicates,
                {each("sum(our_{0}) as our_{0}")}, {each("sum(their_{0}) as their_{0}")}
            from sides
            group by dimension, window_start, key, is_bot
        )
        select dimension, sum(duplicates) as duplicates, count_if(our_events <> 0) as our_cells,
            count_if(their_events <> 0) as their_cells, count_if(not ({is_same})) as different,
            array({each("sum(our_{0})")}) as ours, array({each("sum(their_{0})")}) as theirs,
            min(struct(
                unix_seconds(window_start) as second, key, is_bot,
                array({each("our_{0}")}) as ours, array({each("their_{0}")}) as theirs
            )) filter (where not ({is_same})) as first
        from cells
        group by dimension
    """
    return facts.sparkSession.sql(query, facts=facts, entries=entries)


def _check(dimension: str, row: Any, source: str) -> Check:
    name = f"ledger: {dimension}"
    if row is None:
        return compared(name, f"0 events from {source}", "0 in the ledger")
    problem = ""
    if row["different"]:
        first = row["first"]
        told = difference(MEASURE_NAMES, first["ours"], first["theirs"], (source, "the ledger"))
        cells = number(row["our_cells"], "cell")
        problem = (
            f"first: {cell_name(first['second'], dimension, first['key'], first['is_bot'])}: {told}; "
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
