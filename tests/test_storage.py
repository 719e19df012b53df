"""Small files of the lake: written, and replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark.tables.storage import list_texts, read_text, write_text


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_small_file_takes_the_place_of_the_one_before(session: SparkSession, tmp_path: Path, scheme: str) -> None:
    folder = f"{scheme}{tmp_path}/records"
    for text in ("one", "two, and longer"):
        write_text(session, f"{folder}/a.json", text)
        assert read_text(session, f"{folder}/a.json") == text
    assert list_texts(session, folder) == ["two, and longer"]
    assert read_text(session, f"{folder}/b.json") is None
