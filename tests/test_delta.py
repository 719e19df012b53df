"""Delta tables: an older one gets the columns that were added since. Small files of the lake: written, and replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lake.contracts import Column
from spark.delta import append_once, create_table, list_texts, read_text, snapshot, write_text

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


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_small_file_takes_the_place_of_the_one_before(session: SparkSession, tmp_path: Path, scheme: str) -> None:
    folder = f"{scheme}{tmp_path}/records"
    for text in ("one", "two, and longer"):
        write_text(session, f"{folder}/a.json", text)
        assert read_text(session, f"{folder}/a.json") == text
    assert list_texts(session, folder) == ["two, and longer"]
    assert read_text(session, f"{folder}/b.json") is None
