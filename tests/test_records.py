"""What one process writes and another reads: today's JSON, an older version's and a later one's."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lake.contracts.records import (
    Change,
    Correction,
    ErasureRecord,
    ReplayRecord,
    VerdictRecord,
    as_replay,
    as_text,
    as_verdict,
)
from lake.contracts.refusals import Loss, NewTopic, Refusal
from lake.contracts.reports import BronzeReport, MirrorReport, SilverReport, StreamReport, read_stream_report
from lake.contracts.reports import write_stream_report as write_report
from lake.contracts.work import SECONDS
from lake.errors import LakeError
from spark.progress import Progress

REPLAY = {
    "id": "20260101T000000-abcd",
    "first": 0,
    "end": 10,
    "client": None,
    "dry_run": False,
    "undo": None,
    "reason": "filters are no views",
    "rules": {"urls.yml": "0123456789abcdef"},
    "cause": "replay",
    "at": 1.5,
    "corrections": 2,
    "moved": {"events": 0, "views": -3},
    "keys": 2,
    "shown": [
        {"dimension": "all", "key": "all", "views": -3},
        {"dimension": "all", "key": "all", "is_bot": True, "views": 1},
    ],
    "ledger_version": 7,
}
VERDICT = {
    "number": 3,
    "by": "hand",
    "at": 2.5,
    "moved": {"events": 20},
    "ledger_id": "a-table",
    "changes": [{"ip_address": "198.51.100.1", "verdict": "convicted", "reason": "a test"}],
}
ERASURE = {"id": "e", "at": 3.5, "reason": "asked for", "finished": True, "own": 9, "others": 2, "rejected": 3}
STREAM = {
    "pid": 12,
    "updated_at": 4.5,
    "bronze": {
        "version": 3,
        "rows": 90,
        "rejected": 2,
        "next_offsets": {"0": 50, "5": 40},
        "ends": {"0": 52, "5": 45},
        "as_of": 1.0,
        "clock_ahead_seconds": 0.0,
        "clock_ahead_at": 0.0,
        "refusal": {"loss": [{"generation": 0, "partition": 5, "first": 40, "last": 44}]},
        "error": "it waits",
        "recent": [{"at": 4.0, "records": 7, "rejected": 1}],
    },
    "silver": {
        "version": 2,
        "rows": 80,
        "as_of": 1.0,
        "error": None,
        "advice": None,
        "named": 0,
        "unlisted": 0,
        "unlisted_at": 0.0,
    },
    "mirror": {"bookmark": 2, "rows": 80, "as_of": 1.0, "error": None},
    "batch_since": {"bronze": 2.5},
    "running_since": 1.5,
    "waiting_since": {"silver": 3.5},
    "moved_at": {"bronze": 2.5},
    "reads_by": {"urls.yml": "a1b2"},
    "work": {
        "seconds": {"bronze": {"bounds": list(SECONDS), "counts": [0, 1] + [0] * (len(SECONDS) - 1), "total": 0.5}},
        "rows": {},
        "ages": {},
        "newest": {"postgres": 4.0},
    },
}


def test_records_are_read_and_written_in_the_same_words() -> None:
    replay, verdict, erasure = (
        as_replay(json.dumps(REPLAY)),
        as_verdict(json.dumps(VERDICT)),
        ErasureRecord.of(json.loads('{"id":"e","at":1}')),
    )
    assert replay.shown[1] == Correction("all", "all", True, {"views": 1})
    assert verdict.changes == (Change("198.51.100.1", "convicted", "a test"),)
    assert (erasure.finished, erasure.own) == (False, None)
    assert list(json.loads(as_text(replay)).items()) == list(REPLAY.items())
    assert list(json.loads(as_text(verdict)).items()) == list(VERDICT.items())
    assert list(json.loads(as_text(ErasureRecord.of(ERASURE))).items()) == list(ERASURE.items())
    assert json.loads(as_text(erasure)) == {"id": "e", "at": 1, "reason": "", "finished": False}


def test_a_replay_without_corrections_has_no_ledger_version() -> None:
    without = {name: value for name, value in REPLAY.items() if name != "ledger_version"}
    assert json.loads(as_text(as_replay(json.dumps(without)))) == without


def test_an_older_record_has_defaults_and_a_later_ones_new_keys_are_left_out() -> None:
    assert as_replay('{"id": "r", "undo": "q", "colour": "blue"}') == ReplayRecord("r", undo="q")
    old = {"number": 1, "by": "marts", "at": 1.0, "changes": [{"ip_address": "::1", "verdict": "released", "by": "x"}]}
    assert as_verdict(json.dumps(old)) == VerdictRecord(1, "marts", 1.0, (Change("::1", "released"),))
    assert ErasureRecord.of(json.loads('{"id": "e", "at": 1.0, "who": "nobody"}')) == ErasureRecord("e", 1.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"number": 1}', "null"])
def test_what_is_no_record_is_said_to_be_none(text: str) -> None:
    with pytest.raises(LakeError, match="cannot be read"):
        as_verdict(text)


def test_the_streams_report_is_read_and_written_in_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "data" / "stream.json"
    assert read_stream_report(path) is None
    report = StreamReport.of(STREAM)
    assert report.bronze.next_offsets == {0: 50, 5: 40}
    assert report.bronze.ends == {0: 52, 5: 45}
    assert report.bronze.refusal == Refusal(losses=(Loss(0, 5, 40, 44),))
    assert report.errors == {"bronze": "it waits"}
    write_report(path, report)
    assert read_stream_report(path) == report
    assert path.read_text() == json.dumps(STREAM)


@pytest.mark.parametrize("text", ["", '{"pid": 1', "[]"])
def test_a_report_that_is_none_is_not_there(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stream.json"
    path.write_text(text)
    assert read_stream_report(path) is None


def test_an_older_report_has_defaults_and_a_later_ones_new_keys_are_left_out() -> None:
    content: dict[str, Any] = {"updated_at": 1.0, "bronze": {"rows": 5, "lag": 1}, "page": {}, "mirror": {"rows": 4}}
    report = StreamReport.of(content)
    assert report == StreamReport(0, 1.0, BronzeReport(rows=5), SilverReport(), MirrorReport(rows=4))


def test_a_refusal_of_a_topic_names_it() -> None:
    content = {"topic": {"topic_id": "x", "generation": 1}}
    assert Refusal.of(content) == Refusal(topic=NewTopic("x", 1))
    assert Refusal.of(content).as_json() == content


def test_the_streams_progress_is_written_as_it_always_was(tmp_path: Path) -> None:
    path = tmp_path / "data" / "stream.json"
    progress = Progress(path)
    refusal = Refusal(topic=NewTopic("x", 1))
    progress.report_bronze(lambda bronze: replace(bronze, version=3, rows=90, next_offsets={0: 50}, refusal=refusal))
    progress.report_error("mirror", "it waits")
    assert (progress.bronze.rows, progress.has_error("mirror"), progress.has_error("silver")) == (90, True, False)
    content = json.loads(path.read_text())
    assert (content.pop("pid"), content.pop("updated_at") > 0) == (os.getpid(), True)
    since = content.pop("running_since")
    assert content.pop("waiting_since") == {"silver": since}
    assert content.pop("moved_at") == dict.fromkeys(("bronze", "silver", "mirror"), since)
    assert json.dumps(content) == json.dumps(
        {
            "bronze": {
                "version": 3,
                "rows": 90,
                "rejected": 0,
                "next_offsets": {"0": 50},
                "ends": {},
                "as_of": 0.0,
                "clock_ahead_seconds": 0.0,
                "clock_ahead_at": 0.0,
                "refusal": {"topic": {"topic_id": "x", "generation": 1}},
                "error": None,
                "recent": [],
            },
            "silver": {
                "version": -1,
                "rows": 0,
                "as_of": 0.0,
                "error": None,
                "advice": None,
                "named": 0,
                "unlisted": 0,
                "unlisted_at": 0.0,
            },
            "mirror": {"bookmark": -1, "rows": 0, "as_of": 0.0, "error": "it waits"},
            "batch_since": {},
            "reads_by": {},
            "work": {"seconds": {}, "rows": {}, "ages": {}, "newest": {}},
        }
    )
