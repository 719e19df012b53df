"""What is on record of replays, and which windows the ledger has as one of them read them."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contracts import BY_REPLAY, MEASURES, names
from lake.errors import LakeError
from lake.requests import ReplayRequest
from lake.settings import Settings
from spark.tables.storage import list_texts

MOST_SHOWN = 200


def replays(session: SparkSession, settings: Settings) -> list[dict[str, Any]]:
    """Return the records of all replays, the oldest first."""
    return [json.loads(text) for text in list_texts(session, settings.replays)]


def entry_of(replay_id: str) -> str:
    """Return the id of a replay's entry in the ledger."""
    return f"replay-{replay_id}"


def taken_back(known: list[dict[str, Any]]) -> set[str]:
    """Return the ids of the replays that no longer hold: those that were undone, and the undoing itself.

    An undoing that was undone has taken nothing back.
    """
    undone: set[str] = set()
    for record in reversed(known):
        if record["undo"] and record["id"] not in undone:
            undone.add(record["undo"])
    return undone | {record["id"] for record in known if record["undo"]}


def corrected_windows(session: SparkSession, settings: Settings, entries: DataFrame) -> DataFrame:
    """Return the windows (one column, ``window_start``) that a replay has corrected which still holds.

    All other windows are counted by the columns of their rows' arrival.

    Args:
        session: The Spark session.
        settings: Where the records are.
        entries: Some of the ledger's.
    """
    gone = [entry_of(replay_id) for replay_id in taken_back(replays(session, settings))]
    holds = (F.col("cause") == BY_REPLAY) & ~F.col("entry").isin(gone)
    return entries.filter(holds).select("window_start").distinct()


def check_undo(known: list[dict[str, Any]], request: ReplayRequest) -> None:
    """Raise a LakeError where there is no such replay to undo, or none that still holds."""
    ids = [record["id"] for record in known]
    if request.undo not in ids:
        raise LakeError(f"there is no replay {request.undo!r}; `make replays` lists them")
    undone = [record["id"] for record in known if record["undo"] == request.undo]
    if undone:
        raise LakeError(f"replay {request.undo} is undone already, by {undone[0]}; undo that one to bring it back")


def summary(found: DataFrame) -> dict[str, Any]:
    """Return what a record tells of corrections: what they add to each measure, how many keys, the largest of them."""
    return {"moved": _moved(found), "keys": _by_key(found).count(), "shown": _largest(found)}


def _moved(found: DataFrame) -> dict[str, int]:
    """Return what the corrections add to each measure, in dimension ``all``."""
    sums = [F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in names(MEASURES)]
    return dict(found.filter(F.col("dimension") == "all").agg(*sums).collect()[0].asDict())


def _by_key(found: DataFrame) -> DataFrame:
    sums = [F.sum(name).alias(name) for name in names(MEASURES)]
    return found.groupBy("dimension", "key", "is_bot").agg(*sums)


def _largest(found: DataFrame) -> list[dict[str, Any]]:
    size = F.greatest(*(F.abs(name) for name in names(MEASURES)))
    rows = _by_key(found).orderBy(size.desc(), "dimension", "key", "is_bot").limit(MOST_SHOWN).collect()
    return [{name: value for name, value in row.asDict().items() if value not in (0, None)} for row in rows]
