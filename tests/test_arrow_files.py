"""Files of the lake read by Arrow, on this machine's disk and through Hadoop, which knows all other storage."""

from __future__ import annotations

from pathlib import Path

import pytest
from frames import START
from pyspark.sql import SparkSession

from lake.contracts import Column
from lake.errors import LakeError
from spark.tables.arrow_files import read_columns

COLUMNS = (
    Column("id", "BIGINT", ""),
    Column("name", "STRING", ""),
    Column("is_odd", "BOOLEAN", ""),
    Column("at", "TIMESTAMP", ""),
    Column("added_later", "INT", ""),
)


@pytest.fixture(scope="module")
def file(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of Spark's, without the last of the columns, with one more, and of many pages."""
    folder = tmp_path_factory.mktemp("files") / "table"
    rows = session.range(50_000).selectExpr(
        "id",
        "if(id = 1, null, concat('name ', id)) as name",
        "id % 2 = 1 as is_odd",
        f"timestamp_seconds({int(START.timestamp())} + id) as at",
        "uuid() as other",
    )
    rows.coalesce(1).write.parquet(str(folder))
    (path,) = folder.glob("*.parquet")
    return path


@pytest.mark.parametrize("place", ["{}", "file://{}"])
def test_columns_are_read_and_those_that_a_file_lacks_are_null(session: SparkSession, file: Path, place: str) -> None:
    table = read_columns(session, place.format(file), COLUMNS)
    assert table.num_rows == 50_000
    assert table.slice(0, 2).to_pylist() == [
        {
            "id": number,
            "name": name,
            "is_odd": number == 1,
            "at": (int(START.timestamp()) + number) * 1_000_000,
            "added_later": None,
        }
        for number, name in enumerate(("name 0", None))
    ]
    assert table["id"].to_pylist() == list(range(50_000))


@pytest.mark.parametrize("place", ["{}", "file://{}"])
def test_a_file_that_is_gone_or_damaged_is_named(session: SparkSession, tmp_path: Path, place: str) -> None:
    gone, damaged = tmp_path / "gone.parquet", tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1 nothing else PAR1")
    for path in (gone, damaged):
        with pytest.raises(LakeError, match=path.name):
            read_columns(session, place.format(path), COLUMNS)
