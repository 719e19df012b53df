"""Delta tables: an older one gets the columns that were added since."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from lake.contracts import Column
from spark.delta import append_once, create_table, snapshot

DAY = Column("day", "DATE", "partition")
OLD = (DAY, Column("events", "BIGINT", "measure"))
NEW = (*OLD, Column("searches", "BIGINT", "a measure that was added later"))


def test_an_older_table_gets_new_columns_once_and_keeps_its_rows(session: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "counts")
    create_table(session, path, OLD, "day", {})
    append_once(session.sql("select date'2026-01-01' as day, 7L as events"), path, "test", 1)
    create_table(session, path, NEW, "day", {})
    append_once(session.sql("select date'2026-01-01' as day, 2L as events, 5L as searches"), path, "test", 2)
    rows = session.read.format("delta").load(path).select("events", "searches").collect()
    assert sorted(map(tuple, rows)) == [(2, 5), (7, None)]
    version = snapshot(session, path).version
    create_table(session, path, NEW, "day", {})
    assert snapshot(session, path).version == version
