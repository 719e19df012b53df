"""Which files of a Delta table hold which batches and windows, from the table's log.

Delta would find them too, but by a Spark job of its own for each plan, which in a small batch costs more than the rows.
"""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contracts import Column, spark_schema
from lake.errors import LakeError
from spark.tables.delta import commit_actions, live_files, own_snapshot

MOST_COMMITS = 100  # more are not followed one by one


@dataclass(frozen=True)
class DataFile:
    """A file of bronze by its statistics. Windows are epoch seconds, -1 where no row of the file counts."""

    path: str
    rows: int
    rejected: int
    newest: float
    first_batch: int
    last_batch: int
    first_window: int
    last_window: int

    @classmethod
    def of(cls, add: dict[str, Any]) -> DataFile:
        """Read the log's ``add`` action."""
        stats = json.loads(add["stats"])
        low, high, nulls = stats["minValues"], stats["maxValues"], stats["nullCount"]
        return cls(
            path=unquote(add["path"]),
            rows=stats["numRecords"],
            rejected=stats["numRecords"] - nulls["reject_reason"],
            newest=_seconds(high["ingested_at"]),
            first_batch=low["batch"],
            last_batch=high["batch"],
            first_window=int(_seconds(low["window_start"])) if "window_start" in low else -1,
            last_window=int(_seconds(high["window_start"])) if "window_start" in high else -1,
        )

    def holds_any(self, windows: list[int]) -> bool:
        """Return whether one of the windows (epoch seconds, ascending) lies between the file's first and last."""
        index = bisect_left(windows, self.first_window)
        return index < len(windows) and windows[index] <= self.last_window


class BronzeFiles:
    """The live files of bronze. It holds a few hundred bytes a file, and follows the log commit by commit."""

    def __init__(self, session: SparkSession, path: str) -> None:
        """Start with nothing read."""
        self._session = session
        self._path = path
        self._version = -1
        self._files: dict[str, DataFile] = {}

    def refresh(self) -> int:
        """Follow the log to its end and return the version there."""
        latest = own_snapshot(self._session, self._path).version
        is_near = 0 <= latest - self._version <= MOST_COMMITS
        if not (is_near and self._follow_up_to(latest)):
            latest, adds = live_files(self._session, self._path)
            self._files = {add["path"]: DataFile.of(add) for add in adds}
        self._version = latest
        return latest

    def between(self, after: int, upto: int) -> list[DataFile]:
        """Return the files that may hold rows of the batches after ``after`` up to ``upto``."""
        return [file for file in self._files.values() if file.last_batch > after and file.first_batch <= upto]

    def in_windows(self, windows: list[int], upto: int) -> list[DataFile]:
        """Return the files that may hold rows of the windows (epoch seconds), of batches up to ``upto``."""
        ordered = sorted(windows)
        return [file for file in self._files.values() if file.first_batch <= upto and file.holds_any(ordered)]

    def _follow_up_to(self, latest: int) -> bool:
        """Follow the commits up to ``latest``; return False if the log no longer has all of them."""
        try:
            for version in range(self._version + 1, latest + 1):
                self._follow(commit_actions(self._session, self._path, version))
        except LakeError:
            return False
        return True

    def _follow(self, actions: list[dict[str, Any]]) -> None:
        for action in actions:
            if "remove" in action:
                self._files.pop(action["remove"]["path"], None)
        for action in actions:
            if "add" in action:
                self._files[action["add"]["path"]] = DataFile.of(action["add"])


def read_files(session: SparkSession, table: str, columns: tuple[Column, ...], paths: list[str]) -> DataFrame:
    """Read the files of a Delta table at ``paths``, relative to it; there must be one at least."""
    frame = session.read.schema(spark_schema(columns)).option("basePath", table)
    return frame.parquet(*(f"{table}/{path}" for path in paths))


def no_rows(session: SparkSession, columns: tuple[Column, ...]) -> DataFrame:
    """Return a frame without rows. ``createDataFrame`` starts Python workers for it, which stay and take memory."""
    return session.range(0).select(*(F.lit(None).cast(column.type).alias(column.name) for column in columns))


def _seconds(stamp: str) -> float:
    return dt.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
