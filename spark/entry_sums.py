"""Sums of the ledger's entries as tables of Arrow: a row per cell, its window in microseconds since 1970."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contracts import LEDGER_KEY, MEASURES, names
from spark.events.counts import sum_entries
from spark.tables.arrow_files import read_columns

FEW_ENTRIES = 50_000
"""So many are added up sooner by Arrow than by a Spark job; they take some 20 MB."""


def sums_in_spark(entries: DataFrame) -> pa.Table:
    """Add up entries by a Spark job. The sums come to the driver: keep them to what its memory holds."""
    columns = [*names(LEDGER_KEY), *names(MEASURES)]
    micros = F.unix_micros("window_start").alias("window_start")
    return sum_entries(entries).select(*(micros if name == "window_start" else name for name in columns)).toArrow()


def sums_of_files(session: SparkSession, ledger: str, paths: Iterable[str]) -> pa.Table:
    """Add up the entries of some files of the ledger, ``FEW_ENTRIES`` at most, without Spark.

    Raises:
        LakeError: a file is gone, or cannot be read.
    """
    files = [read_columns(session, f"{ledger}/{path}", (*LEDGER_KEY, *MEASURES)) for path in paths]
    sums = pa.concat_tables(files).group_by(names(LEDGER_KEY), use_threads=False)
    added = sums.aggregate([(name, "sum") for name in names(MEASURES)])
    counts = {name: pc.fill_null(added[f"{name}_sum"], 0) for name in names(MEASURES)}
    return pa.table({name: added[name] for name in names(LEDGER_KEY)} | counts)
