"""By how much a sender's clock runs ahead, where records of a batch were rejected for that."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.contracts import BRONZE
from lake.settings import Settings
from spark.tables.files import DataFile, read_files

REASON = "time_in_future"
MOST_SECONDS = 366 * 86_400
"""Who is further ahead has no clock that runs ahead; the time is garbage."""


def seconds_ahead(session: SparkSession, settings: Settings, actions: list[dict[str, Any]]) -> float:
    """Return by how much the latest time of a commit's records is ahead of its arrival; 0 if none is rejected for it.

    The commit's statistics say where such records may be, so that this seldom costs a Spark job.

    Args:
        session: The Spark session.
        settings: Where bronze is.
        actions: The commit's, as the log has them.
    """
    paths = [DataFile.of(action["add"]).path for action in actions if "add" in action and _may_hold(action["add"])]
    if not paths:
        return 0.0
    ahead = (F.unix_micros("occurred_at") - F.unix_micros("ingested_at")) / 1_000_000
    rows = read_files(session, settings.bronze, BRONZE, paths).filter(F.col("reject_reason") == REASON)
    (row,) = rows.filter(ahead < MOST_SECONDS).agg(F.max(ahead).alias("most")).collect()
    return float(row["most"] or 0.0)


def _may_hold(add: dict[str, Any]) -> bool:
    stats = json.loads(add["stats"])
    low, high = (stats[bound].get("reject_reason") for bound in ("minValues", "maxValues"))
    return low is not None and low <= REASON <= high
