"""What lies before the horizon: its rows are gone, so the ledger is held against what was on record when they went."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import functions as F

from audit.check import Check, compared, difference, number
from audit.facts import MEASURE_NAMES
from audit.lake import PinnedLake
from lake.contracts import LEDGER_PARTITION

NAME = "ledger: before the horizon"


def check_past(lake: PinnedLake) -> list[Check]:
    """Compare the ledger's sums of the days before the horizon with those on record; nothing where there is none."""
    horizon = lake.horizon
    if horizon is None:
        return []
    since = f"{horizon.day}: {number(horizon.rows, 'row')} of the days before went, the last at {_moment(horizon.at)}"
    if not horizon.sums:
        return [compared(NAME, "nothing on record", "", note=f"{since}; the ledger was counted again without them")]
    side = "if(is_bot, 'bot', 'human')"
    entries = lake.ledger().filter(f"{LEDGER_PARTITION} < date'{horizon.day}'")
    grouped = entries.groupBy(F.expr(f"concat(dimension, ', ', {side})").alias("name"))
    measures = [name for name in MEASURE_NAMES if any(name in sums for sums in horizon.sums.values())]
    rows = grouped.agg(*(F.expr(f"ifnull(sum({name}), 0)").alias(name) for name in measures)).collect()
    ours = {row["name"]: {name: row[name] for name in measures} for row in rows}
    problem = ""
    for name in sorted({*ours, *horizon.sums}):
        sides = [[sums.get(name, {}).get(measure, 0) for measure in measures] for sums in (horizon.sums, ours)]
        if sides[0] != sides[1]:
            problem = f"first: {name}: {difference(measures, sides[0], sides[1], ('the record', 'the ledger'))}"
            break
    count = len(horizon.sums) * len(measures)
    return [
        compared(
            NAME, f"{number(count, 'sum')} on record", f"{len(ours) * len(measures):,} in the ledger", problem, since
        )
    ]


def _moment(second: float) -> str:
    return dt.datetime.fromtimestamp(second, dt.timezone.utc).strftime("%Y-%m-%d %H:%MZ")
