"""What is on record of replays, and which windows the ledger has as one of them read them."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lake.contracts import BY_REPLAY
from lake.settings import Settings
from spark.delta import list_texts


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
