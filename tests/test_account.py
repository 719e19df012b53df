"""The account of an import: waiting for a stream that reports how far it is, and what became of the lines."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from bronze_tables import Row, append
from settings_in import settings_in

from ingest import account as accounts
from ingest.account import NO_STREAM, Account, await_account
from ingest.stored import StoredOffsets
from lake.contracts.refusals import NewTopic, Refusal
from lake.contracts.reports import BronzeReport, SilverReport, StreamReport, write_stream_report
from lake.settings import Settings
from weblake.show.imports import show_account


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(accounts, "POLL_SECONDS", 0.01)
    return settings_in(tmp_path)


def stored(*places: tuple[int, int]) -> StoredOffsets:
    offsets = StoredOffsets()
    for partition, offset in places:
        offsets.add(partition, offset, 1_772_452_800_000 + offset)
    return offsets


def report(bronze: BronzeReport, counted: int, **more: object) -> StreamReport:
    return replace(StreamReport(os.getpid(), time.time(), bronze, SilverReport(rows=counted)), **more)  # type: ignore[arg-type]


def bronze(*ends: int, rows: int = 0) -> BronzeReport:
    return BronzeReport(rows=rows, next_offsets=dict(enumerate(ends)))


def test_it_waits_until_the_ledger_has_what_bronze_had_when_the_last_record_came(settings: Settings) -> None:
    append(Path(settings.bronze), 1, Row(b"a", 0, 4, 0, "f-1-a"), Row(b"b", 1, 7, 0, "f-2-b"))
    steps = [
        report(bronze(4, 7, rows=10), 10),
        report(bronze(5, 7, rows=11), 11),
        report(bronze(5, 8, rows=12), 11),
        report(bronze(9, 8, rows=16), 11),
        report(bronze(9, 8, rows=16), 12),
    ]
    shown: list[tuple[int, int]] = []

    def show(done: int, total: int) -> None:
        shown.append((done, total))
        if len(steps) > 1:
            steps.pop(0)
        write_stream_report(settings.stream_file, steps[0])

    write_stream_report(settings.stream_file, steps[0])
    assert await_account(settings, stored((0, 4), (1, 7)), {"f": "a.log"}, 60, show) == Account(counted=2)
    assert shown == [(0, 2), (1, 2), (2, 2), (2, 2), (2, 2)]


@pytest.mark.parametrize("is_dead", [True, False])
def test_a_stream_that_has_ended_is_not_waited_for_though_another_has_its_number(
    settings: Settings, is_dead: bool
) -> None:
    assert await_account(settings, stored((0, 4)), {}, 60, lambda *_: None).note == NO_STREAM
    ended: dict[str, object] = {"pid": 2**22 + 1} if is_dead else {"updated_at": psutil.Process().create_time() - 1}
    write_stream_report(settings.stream_file, report(bronze(), 0, **ended))
    assert await_account(settings, stored((0, 4)), {}, 60, lambda *_: None) == Account(note=NO_STREAM)


def test_a_stream_that_gets_no_further_is_given_up_with_its_error(settings: Settings) -> None:
    stuck = replace(bronze(3), error="the disk is full")
    write_stream_report(settings.stream_file, report(stuck, 0))
    account = await_account(settings, stored((0, 4)), {}, 0.05, lambda *_: None)
    assert account.note is not None
    assert account.note.startswith("the stream has got no further for 0 s; bronze: the disk is full; `make status`")


def test_a_stream_that_waits_for_somebody_is_not_waited_for(settings: Settings) -> None:
    waiting = replace(bronze(3), error="the topic is another", refusal=Refusal(topic=NewTopic("x", 1)))
    write_stream_report(settings.stream_file, report(waiting, 0))
    account = await_account(settings, stored((0, 4)), {}, 60, lambda *_: None)
    assert account.note == "bronze waits for you, and nothing is counted until then: the topic is another"


def test_a_lake_that_is_no_folder_ends_it_in_words(settings: Settings) -> None:
    write_stream_report(settings.stream_file, report(bronze(5, rows=5), 5))
    account = await_account(replace(settings, lake_root="s3a://bucket/lake"), stored((0, 4)), {}, 60, lambda *_: None)
    assert account.note is not None
    assert "LAKE_ROOT=s3a://bucket/lake is not on this machine's disk" in account.note


def test_the_first_line_of_a_reason_is_that_of_the_first_file_that_has_one(settings: Settings) -> None:
    reason = "not_a_log_line"
    append(
        Path(settings.bronze),
        1,
        Row(b"late", 0, 4, event_id="g-1-a", reject_reason=reason),
        Row(b"second", 1, 7, event_id="f-20-b", reject_reason=reason),
        Row(b"first", 2, 7, event_id="f-3-b", reject_reason=reason),
        Row(b"{", 2, 8, event_id="f-9-b", reject_reason="not_json"),
    )
    write_stream_report(settings.stream_file, report(bronze(5, 8, 10, rows=4), 4))
    logs = {"f": "one.log", "g": "other.log"}
    account = await_account(settings, stored((0, 4), (1, 7), (2, 7), (2, 8), (2, 9)), logs, 60, lambda *_: None)
    assert [(one.reason, one.lines, one.place, one.text) for one in account.rejections] == [
        (reason, 3, "one.log: line 3", b"first"),
        ("not_json", 1, "one.log: line 9", b"{"),
    ]
    assert (account.rejected, account.counted, account.missing) == (4, 0, 1)


def test_records_whose_place_is_unknown_are_not_missing(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    append(Path(settings.bronze), 1, Row(b"a", 0, 4, 0, "f-1-a"))
    write_stream_report(settings.stream_file, report(bronze(6, rows=1), 1))
    account = await_account(settings, stored((0, 4), (0, 5), (0, -1), (1, -1)), {}, 60, lambda *_: None)
    assert account == Account(counted=1, missing=1, unknown=2)
    assert show_account(account, 0.05) == 0
    told = capsys.readouterr().err
    assert "1 lines are not in bronze" in told
    assert "of 2 lines it is not known where Kafka has them" in told


def test_a_stream_that_lives_is_waited_for_though_it_is_silent(settings: Settings) -> None:
    silent = report(bronze(3), 0, pid=1, updated_at=psutil.Process(1).create_time() + 1)
    write_stream_report(settings.stream_file, silent)
    account = await_account(settings, stored((0, 4)), {}, 0.05, lambda *_: None)
    assert account.note is not None
    assert account.note.startswith("the stream has got no further for")


def test_offsets_are_kept_as_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    offsets = stored((0, 5), (0, 6), (1, 9), (0, 7), (0, 10), (0, -1))
    assert offsets.places.ranges == {0: [(5, 7), (10, 10)], 1: [(9, 9)]}
    assert (offsets.number, offsets.unknown, offsets.ends) == (6, 1, {0: 11, 1: 10})
    assert [offsets.before({0: end, 1: 9}) for end in (5, 6, 8, 10, 11)] == [0, 1, 3, 3, 4]
    monkeypatch.setattr("ingest.stored.MOST_RANGES", 3)
    for offset in range(11, 31, 2):
        offsets.add(0, offset, 0)
    assert (offsets.places.ranges[0], offsets.unknown, offsets.number) == ([(5, 7), (10, 11)], 10, 16)
