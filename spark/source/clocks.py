"""By how much a sender's clock runs ahead, where records of a batch were rejected for that."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from lake.contracts import BRONZE
from lake.settings import Settings
from spark.tables.arrow_files import read_columns
from spark.tables.files import DataFile

REASON = "time_in_future"
MOST_SECONDS = 366 * 86_400
"""Who is further ahead has no clock that runs ahead; the time is garbage."""
COLUMNS = tuple(column for column in BRONZE if column.name in ("reject_reason", "occurred_at", "ingested_at"))


def seconds_ahead(session: SparkSession, settings: Settings, actions: list[dict[str, Any]]) -> float:
    """Return by how much the latest time of a commit's records is ahead of its arrival; 0 if none is rejected for it.

    The commit's statistics say where such records may be, so that few files are looked into.

    Args:
        session: The Spark session.
        settings: Where bronze is.
        actions: The commit's, as the log has them.
    """
    paths = [DataFile.of(action["add"]).path for action in actions if "add" in action and _may_hold(action["add"])]
    return max([0.0, *(_most_ahead(read_columns(session, f"{settings.bronze}/{path}", COLUMNS)) for path in paths)])


def _most_ahead(rows: pa.Table) -> float:
    rows = rows.filter(pc.equal(rows["reject_reason"], REASON))
    micros = pc.subtract(rows["occurred_at"], rows["ingested_at"])
    most = pc.max(micros.filter(pc.less(micros, MOST_SECONDS * 1_000_000))).as_py()
    return (most or 0) / 1_000_000


def _may_hold(add: dict[str, Any]) -> bool:
    stats = json.loads(add["stats"])
    low, high = (stats[bound].get("reject_reason") for bound in ("minValues", "maxValues"))
    return low is not None and low <= REASON <= high
