"""What became of records that were sent, as bronze has it."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest
from bronze_tables import Row, append, arrival, opened, table
from golden_lake import unpack

from lake import bronze_rows, fates
from lake.fates import ORDER, PLACE, Fate, Places, fate_of


def places(ranges: dict[int, list[tuple[int, int]]], since_batch: int = 0) -> Places:
    return Places(ranges, arrival(since_batch))


def counts(fate: Fate) -> tuple[int, int, int, int]:
    return fate.found, fate.counted, fate.duplicates, fate.rejects


def test_of_equal_ids_in_one_window_the_first_counts(tmp_path: Path) -> None:
    append(table(tmp_path), 1, Row(b"a", 0, 0, 3, "id-a"), Row(b"s", 0, 1, 3))
    append(
        table(tmp_path),
        2,
        Row(b"a", 0, 2, 3, "id-a"),  # came before
        Row(b"a", 0, 3, 13, "id-a"),  # another window
        Row(b"b", 1, 0, 4, "id-b"),
        Row(b"b", 0, 4, 4, "id-b"),  # before the one in partition 1
        Row(b"c", 0, 5, 86_400, "id-c"),
    )
    append(table(tmp_path), 3, Row(b"c", 0, 6, 86_400, "id-c"))  # after
    rows = opened(tmp_path)
    assert counts(fate_of(rows, places({0: [(2, 5)], 1: [(0, 0)]}))) == (5, 3, 2, 0)
    assert counts(fate_of(rows, places({1: [(0, 0)]}))) == (1, 0, 1, 0)
    assert counts(fate_of(rows, places({0: [(6, 6)]}))) == (1, 0, 1, 0)
    assert counts(fate_of(rows, places({0: [(0, 0), (2, 2)]}))) == (2, 1, 1, 0)
    assert counts(fate_of(rows, places({0: [(7, 9)], 5: [(0, 3)]}))) == (0, 0, 0, 0)


def test_rejected_records_are_told_by_reason_with_one_of_each(tmp_path: Path) -> None:
    append(table(tmp_path), 1, Row(b"not ours", 0, 0, event_id="x-1-y", reject_reason="not_json"))
    append(
        table(tmp_path),
        2,
        Row(b"good", 0, 1, 5, "f-1-a"),
        Row(b"bad", 0, 2, event_id="f-2-b", reject_reason="not_a_log_line"),
        Row(b"worse", 0, 3, event_id="f-3-c", reject_reason="not_a_log_line"),
        Row(b"late", 1, 9, event_id="f-4-d", reject_reason="not_a_log_line"),
        Row(b"{", 1, 10, event_id="f-5-e", reject_reason="not_json"),
    )
    fate = fate_of(opened(tmp_path), places({0: [(1, 3)], 1: [(9, 10)]}))
    assert counts(fate) == (5, 1, 0, 4)
    assert {reason: rejects.records for reason, rejects in fate.rejected.items()} == {
        "not_a_log_line": 3,
        "not_json": 1,
    }
    assert sorted(fate.rejected["not_a_log_line"].samples) == [("f-2-b", b"bad"), ("f-4-d", b"late")]


def test_many_records_are_looked_at_in_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dice, mine, seen, expected = random.Random(5), [], set(), 0
    for batch in range(4):
        rows = []
        for offset in range(batch * 50, batch * 50 + 50):
            event_id, second = f"id-{dice.randrange(90)}", dice.choice((0, 10, 90_000))
            rows.append(Row(b"x", 0, offset, second, event_id))
            is_mine = dice.random() < 0.5
            mine += [(offset, offset)] if is_mine else []
            expected += is_mine and (event_id, second) not in seen
            seen.add((event_id, second))
        append(table(tmp_path), batch, *rows)
    monkeypatch.setattr(fates, "KEYS_PER_PASS", 13)
    monkeypatch.setattr(fates, "ROWS_PER_SETTLEMENT", 5)
    monkeypatch.setattr(bronze_rows, "ROWS_PER_PIECE", 7)
    assert fate_of(opened(tmp_path), places({0: mine})).counted == expected


def test_offsets_that_begin_again_with_a_new_topic_are_told_apart_by_time(tmp_path: Path) -> None:
    append(table(tmp_path), 1, Row(b"a", 0, 0, 3, "id-a"), Row(b"b", 0, 1, 3, "id-b"))
    append(table(tmp_path), 2, Row(b"a", 0, 0, 3, "id-a"), Row(b"c", 0, 1, 3, "id-c"))
    assert counts(fate_of(opened(tmp_path), places({0: [(0, 1)]}, since_batch=2))) == (2, 1, 1, 0)
    elsewhere = Places({0: [(0, 1)]}, arrival(2).astimezone(dt.timezone(dt.timedelta(hours=5))))
    assert counts(fate_of(opened(tmp_path), elsewhere)) == (2, 1, 1, 0)


def test_bronze_that_spark_wrote_is_read_too(tmp_path: Path) -> None:
    unpack(tmp_path / "data")
    rows = opened(tmp_path / "data" / "lake")
    bronze = [row for piece in rows.pieces(list({*ORDER, *PLACE, "reject_reason"}), None) for row in piece.to_pylist()]
    ranges: dict[int, list[tuple[int, int]]] = {}
    for partition, offset in sorted({(row["kafka_partition"], row["kafka_offset"]) for row in bronze}):
        ranges.setdefault(partition, []).append((offset, offset))
    keys = [row["event_key"] for row in bronze if row["reject_reason"] is None]
    counted = len(set(keys) - {None}) + keys.count(None)
    fate = fate_of(rows, Places(ranges, arrival(0).replace(year=2020)))
    assert len(keys) > counted > 0
    assert counts(fate) == (len(bronze), counted, len(keys) - counted, len(bronze) - len(keys))
