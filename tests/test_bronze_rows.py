"""Bronze read without Spark: which lines are there already."""

from __future__ import annotations

from pathlib import Path

import pytest
from bronze_tables import EPOCH, Row, append, opened, table
from settings_in import settings_in

from lake.bronze_rows import open_bronze
from lake.errors import LakeError

NOON = int(EPOCH.timestamp())


def test_there_is_no_table_before_the_first_batch(tmp_path: Path) -> None:
    assert open_bronze(settings_in(tmp_path)) is None


@pytest.mark.parametrize("root", ["s3a://bucket/lake", "abfss://box@account/lake"])
def test_an_object_store_is_not_looked_into(tmp_path: Path, root: str) -> None:
    with pytest.raises(LakeError, match=f"LAKE_ROOT={root} is not on this machine's disk"):
        open_bronze(settings_in(tmp_path, LAKE_ROOT=root))


def test_a_damaged_file_is_told_in_words(tmp_path: Path) -> None:
    append(table(tmp_path), 1, Row(b"one", 0, 0, 7))
    rows = opened(tmp_path)
    (file,) = table(tmp_path).rglob("*.parquet")
    file.write_bytes(b"PAR1 and no more")
    with pytest.raises(LakeError, match="bronze cannot be read: "):
        list(rows.occurrences([b"one"], [(NOON, NOON + 9)]))
    file.unlink()
    with pytest.raises(LakeError, match="if files are missing, try again"):
        list(rows.occurrences([b"one"], [(NOON, NOON + 9)]))


def test_lines_are_found_by_their_bytes_and_times_with_any_line_end(tmp_path: Path) -> None:
    append(
        table(tmp_path),
        1,
        Row(b"one", 0, 0, 7, source="web1"),
        Row(b"two\r\n", 0, 1, 20),
        Row(b"one", 0, 2, 50_000),
        Row(b"three", 0, 3, 20),
        Row(b"one", 0, 4, reject_reason="not_a_log_line"),
    )
    spans = [(NOON, NOON + 9), (NOON + 15, NOON + 25)]
    found = {(row.value, row.event_id, row.source) for row in opened(tmp_path).occurrences([b"one", b"two"], spans)}
    assert found == {(b"one", "0-0", "web1"), (b"two", "0-1", None)}
    assert list(opened(tmp_path).occurrences([b"one"], [])) == []
