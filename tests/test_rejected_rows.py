"""The newest rejected records of bronze, without Spark: which they are, and how they are shown."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from settings_in import settings_in

from lake.contracts import FORMER_REASONS, REJECT_REASONS
from lake.errors import LakeError
from lake.reject_advice import advice_for
from lake.rejected_rows import newest_rejected
from lake.settings import Settings
from weblake.main import run
from weblake.show.rejected import text

START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)
SCHEMA = pa.schema(
    [
        ("value", pa.binary()),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
        ("ingested_at", pa.timestamp("us", "UTC")),
        ("reject_reason", pa.string()),
        ("format", pa.string()),
        ("event_date", pa.date32()),
    ]
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


def append(settings: Settings, *rows: tuple[int, bytes | None, str | None], day: int = 0) -> None:
    """Append rows that Kafka took so many seconds after the start, as one file like Spark's; None counts."""
    names = SCHEMA.names
    content = [
        (
            value,
            second % 6,
            second,
            START + dt.timedelta(seconds=second),
            reason,
            None,
            (START + dt.timedelta(day)).date(),
        )
        for second, value, reason in rows
    ]
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in content], SCHEMA)
    before = files(settings)
    write_deltalake(settings.bronze, table, partition_by="event_date", mode="append")
    (file,) = files(settings) - before
    pq.write_table(table.drop_columns("event_date"), file, use_deprecated_int96_timestamps=True)


def files(settings: Settings) -> set[Path]:
    return set(Path(settings.bronze).rglob("*.parquet"))


def seconds(settings: Settings, number: int, reason: str | None = None) -> list[int]:
    return [row.offset for row in newest_rejected(settings, number, reason)]


def test_the_newest_come_first_whatever_file_they_are_in(settings: Settings) -> None:
    assert seconds(settings, 5) == []
    append(settings, (1, b"a", "not_json"), (9, b"b", "not_json"), (3, b"good", None))
    append(settings, (5, b"c", "not_a_log_line"), (7, None, "not_json"))
    append(settings, (8, b"good", None), (20, b"good", None))
    assert seconds(settings, 5) == [9, 7, 5, 1]
    assert seconds(settings, 2) == [9, 7]
    assert seconds(settings, 2, "not_a_log_line") == [5]
    newest, null = newest_rejected(settings, 2)
    assert (newest.reason, newest.format, newest.value, newest.partition) == ("not_json", "none", b"b", 3)
    assert (newest.at, null.value) == (START + dt.timedelta(seconds=9), b"")


def test_older_files_are_not_looked_into(settings: Settings) -> None:
    append(settings, (1, b"a", "not_json"))
    (old,) = files(settings)
    append(settings, (5, b"b", "not_json"), day=1)
    old.unlink()
    assert seconds(settings, 1) == [5]
    with pytest.raises(LakeError, match=r"bronze cannot be read: .*; if files are missing, try again"):
        seconds(settings, 2)


def test_a_damaged_file_or_table_is_told_in_words(settings: Settings) -> None:
    append(settings, (1, b"a", "not_json"))
    (file,) = Path(settings.bronze).rglob("*.parquet")
    file.write_bytes(b"PAR1 and no more")
    with pytest.raises(LakeError, match="bronze cannot be read: "):
        seconds(settings, 1)
    (commit,) = Path(settings.bronze, "_delta_log").glob("*.json")
    commit.write_text("{")
    with pytest.raises(LakeError, match=r"bronze cannot be read: .*; ask marts.rejected instead"):
        seconds(settings, 1)


def test_a_lake_elsewhere_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="LAKE_ROOT=s3a://shop/lake is not on this machine's disk"):
        newest_rejected(settings_in(tmp_path, LAKE_ROOT="s3a://shop/lake"), 1)


def test_what_does_not_print_is_shown_as_an_escape(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log_as_it_was: None
) -> None:
    append(settings, (1, b"\x1b[31mred\n\xff", "invalid_utf8"), (2, b"x" * 300, "not_a_log_line"))
    monkeypatch.setenv("WEBLAKE_DATA", str(settings.data))
    assert run(["rejected"]) == 0
    shown = capsys.readouterr().out
    assert "2026-01-01T12:00:01Z  1-1    invalid_utf8    none    \\x1b[31mred\\n\\xff\n" in shown
    assert f"{'x' * 160}… (300 bytes)" in shown
    assert f"not_a_log_line (1): {advice_for('not_a_log_line')}" in shown
    assert run(["rejected", "--json", "--reason", "not_a_log_line"]) == 0
    assert f'"text": "{"x" * 300}"' in capsys.readouterr().out
    assert run(["rejected", "--reason", "not_a_reason"]) == 2
    assert "the reasons are" in capsys.readouterr().err
    assert text("é".encode(), is_whole=False) == "é"


def test_each_reason_says_what_to_do() -> None:
    unknown = advice_for("no_such_reason")
    assert [reason for reason in (*REJECT_REASONS, *FORMER_REASONS) if advice_for(reason) == unknown] == []
    assert {reason for reason in (*REJECT_REASONS, *FORMER_REASONS) if "`make replay`" in advice_for(reason)} == {
        *FORMER_REASONS
    }
    assert "FUTURE_SECONDS" in advice_for("time_in_future")
