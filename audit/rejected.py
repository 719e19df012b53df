"""The dimension of rejected records: counted again by reason and format, by the window in which Kafka took each."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from audit.cells import cell_name
from audit.check import Check, compared, number
from audit.facts import MEASURE_NAMES
from lake.contracts import REJECTED

NAME = f"ledger: {REJECTED.name}"
ARRIVAL_WINDOW = "timestamp_seconds(unix_seconds(ingested_at) - pmod(unix_seconds(ingested_at), 10))"
"""The window in which Kafka took a row."""
KEY = "concat(reject_reason, '|', ifnull(format, 'none')) as key"
NOTHING_ELSE = " and ".join(f"{name} = 0" for name in MEASURE_NAMES if name != "events")


def compare_rejected(rows: DataFrame, entries: DataFrame, corrected: DataFrame | None, source: str) -> Check:
    """Count rejected rows, and compare them with the ledger's sums; no other measure than ``events`` may have one.

    Args:
        rows: Rejected rows, with ``reject_reason``, ``format`` and ``ingested_at``.
        entries: Entries of the ledger of that dimension, of the same windows.
        corrected: The windows that are left out; None for none.
        source: What the rows are from, for the line of the audit.
    """
    ours = rows.selectExpr(
        f"{ARRIVAL_WINDOW} as window_start", KEY, "false as is_bot", "1 as ours", "0 as theirs", "false as has_more"
    )
    more = f"not ({NOTHING_ELSE}) as has_more"
    theirs = entries.selectExpr("window_start", "key", "is_bot", "0 as ours", "events as theirs", more)
    both = ours.unionAll(theirs)
    if corrected is not None:
        both = both.join(corrected.hint("broadcast"), "window_start", "left_anti")
    cells = both.groupBy("window_start", "key", "is_bot").agg(
        F.sum("ours").alias("ours"), F.sum("theirs").alias("theirs"), F.max("has_more").alias("has_more")
    )
    is_different = "ours <> theirs or has_more"
    (row,) = cells.selectExpr(
        "ifnull(sum(ours), 0) as ours",
        "ifnull(sum(theirs), 0) as theirs",
        "count(*) as cells",
        f"count_if({is_different}) as different",
        f"min(struct(unix_seconds(window_start) as second, key, is_bot, ours, theirs)) filter (where {is_different}) "
        "as first",
    ).collect()
    problem = ""
    if row["different"]:
        first = row["first"]
        name = cell_name(first["second"], REJECTED.name, first["key"], first["is_bot"]).removesuffix(", human")
        values = f"{first['ours']} from {source}, {first['theirs']} in the ledger"
        problem = f"first: {name}: {values}; {row['different']:,} of {number(row['cells'], 'cell')} differ"
    left, right = f"{number(row['ours'], 'record')} from {source}", f"{row['theirs']:,} in the ledger"
    return compared(NAME, left, right, problem, number(row["cells"], "cell"))
