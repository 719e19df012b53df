"""The ledger's entries as the mirror reads them: what some versions have added, or all, in parts that fit memory."""

from __future__ import annotations

import datetime as dt
import json
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contracts import LEDGER_PARTITION
from lake.errors import LakeError
from spark.tables.delta import ERASURE, commit_actions

ENTRIES_AT_ONCE = 500_000


def added_files(session: SparkSession, ledger: str, after: int, upto: int) -> dict[str, int]:
    """Return the files that the versions after ``after`` up to ``upto`` have added, and how many entries each has.

    What only rearranges the table, such as compaction, says in the log that it changes no data.

    Raises:
        LakeError: a client was erased in one of them, or the log no longer has one of them.
    """
    actions = [action for version in range(after + 1, upto + 1) for action in commit_actions(session, ledger, version)]
    if any(action.get("commitInfo", {}).get("userMetadata") == ERASURE for action in actions):
        raise LakeError("a client was erased meanwhile")
    added = [action["add"] for action in actions if "add" in action and action["add"]["dataChange"]]
    return {unquote(add["path"]): json.loads(add.get("stats") or "{}").get("numRecords", 0) for add in added}


def in_parts(entries: DataFrame, count: int) -> list[DataFrame]:
    """Return entries, so many, in parts of about ``ENTRIES_AT_ONCE``; those of one key are all in one of them."""
    parts = -(-count // ENTRIES_AT_ONCE)
    part = F.pmod(F.xxhash64("key"), F.lit(parts))
    return [entries.filter(part == number) for number in range(parts)] if parts > 1 else [entries]


def in_days(entries: DataFrame) -> list[DataFrame]:
    """Return entries in parts: of some days that have few, or parts of a day that has many."""
    parts: list[DataFrame] = []
    days: list[dt.date] = []
    room = ENTRIES_AT_ONCE
    for day, count in entries.groupBy(LEDGER_PARTITION).count().orderBy(LEDGER_PARTITION).collect():
        if count > room:
            parts += [_of_days(entries, days)] if days else []
            days, room = [], ENTRIES_AT_ONCE
        if count > ENTRIES_AT_ONCE:
            parts += in_parts(_of_days(entries, [day]), count)
            continue
        days.append(day)
        room -= count
    return [*parts, _of_days(entries, days)] if days else parts


def newest_window(entries: DataFrame) -> dt.datetime | None:
    """Return the newest window with an event; None where there is none."""
    windows = entries.filter(F.col("dimension") == "all").groupBy("window_start").agg(F.sum("events").alias("events"))
    newest = F.unix_seconds(F.max("window_start")).alias("second")
    second = windows.filter(F.col("events") > 0).agg(newest).collect()[0]["second"]
    return None if second is None else dt.datetime.fromtimestamp(second, tz=dt.timezone.utc)


def _of_days(entries: DataFrame, days: list[dt.date]) -> DataFrame:
    return entries.filter(F.col(LEDGER_PARTITION).isin(days))
