"""Errands: which comes first, and that a piece is all that is done at once."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from delta.exceptions import ConcurrentAppendException
from disks import has_free
from frames import event, iso
from lakes import append_batch
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from settings_in import settings_in

from lake.contracts.edition import Edition
from lake.contracts.records import BY_HAND, Change
from lake.errors import LakeError, SpaceError
from lake.requests import (
    MaintenanceAnswer,
    MaintenanceRequest,
    ReplayAnswer,
    ReplayRequest,
    Request,
    Sizes,
    VerdictRequest,
    answer,
    ask,
    read_answer,
)
from spark.commands.ask import carry_out
from spark.errands import maintenance
from spark.errands.court import Court
from spark.errands.errands import Errand, Errands
from spark.errands.maintenance import Maintenance
from spark.errands.replays import Replays
from spark.pipeline import Pipeline
from spark.silver import counted_up_to
from spark.tables.lock import lake_lock


@dataclass
class Fake:
    """An errand of some pieces, which writes down when it was done one of."""

    name: str
    pieces: int
    diary: list[str] = field(default_factory=list)

    def step(self, counted_up_to: int, /) -> bool:
        if self.pieces == 0:
            return False
        self.pieces -= 1
        self.diary.append(f"{self.name} at {counted_up_to}")
        return True


def test_a_replay_is_finished_before_verdicts_and_these_before_maintenance() -> None:
    diary: list[str] = []
    replays, verdicts, maintenance = Fake("replay", 2, diary), Fake("verdict", 1, diary), Fake("maintenance", 1, diary)
    errands = Errands(replays=replays, verdicts=verdicts, maintenance=maintenance, has_room=lambda: True)
    assert errands.step(7)
    assert diary == ["replay at 7"]
    verdicts.pieces = 2
    assert [errands.step(batch) for batch in (8, 9, 10, 11, 12)] == [True, True, True, True, False]
    assert diary[1:] == ["replay at 8", "verdict at 9", "verdict at 10", "maintenance at 11"]


def test_an_errand_that_comes_up_meanwhile_goes_before_those_after_it() -> None:
    diary: list[str] = []
    replays, verdicts, maintenance = Fake("replay", 0, diary), Fake("verdict", 0, diary), Fake("maintenance", 2, diary)
    errands = Errands(replays=replays, verdicts=verdicts, maintenance=maintenance, has_room=lambda: True)
    errands.step(1)
    replays.pieces = 1
    while errands.step(2):
        pass
    assert diary == ["maintenance at 1", "replay at 2", "maintenance at 2"]


def test_without_room_only_maintenance_goes_on_and_the_rest_when_there_is() -> None:
    diary: list[str] = []
    has_room = False
    replays, verdicts, maintenance = Fake("replay", 1, diary), Fake("verdict", 1, diary), Fake("maintenance", 1, diary)
    errands = Errands(replays=replays, verdicts=verdicts, maintenance=maintenance, has_room=lambda: has_room)
    assert [errands.step(batch) for batch in (1, 2)] == [True, False]
    has_room = True
    assert [errands.step(batch) for batch in (3, 4, 5)] == [True, True, False]
    assert diary == ["maintenance at 1", "replay at 3", "verdict at 4"]


def test_what_comes_between_two_pieces_is_counted_there(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path)
    for batch in range(2):
        append_batch(session, settings, [event(event_id=f"e-{batch}", timestamp=iso(batch))])
    pipeline = Pipeline(session, settings)
    seen: list[int] = []
    step = Maintenance.step

    def arrive_and_step(self: Maintenance, batch: int) -> bool:
        seen.append(batch)
        if len(seen) == 1:
            append_batch(session, settings, [event(event_id="late", timestamp=iso(1))])
        return step(self, batch)

    monkeypatch.setattr(Maintenance, "step", arrive_and_step)
    ask(settings.requests, MaintenanceRequest("m"))
    pipeline.count()
    answer = read_answer(settings.requests, "m", MaintenanceAnswer)
    assert answer is not None
    assert answer.done
    assert answer.error is None
    assert seen[0] == 2
    assert seen[1] > 2
    assert counted_up_to(session, settings) >= 3


def test_an_outcome_that_is_there_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, request, naps = settings_in(tmp_path), MaintenanceRequest("m"), list[float]()

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        answer(settings.requests, request.id, MaintenanceAnswer(done=True, at="vacuum"))

    monkeypatch.setattr("spark.commands.ask.time", SimpleNamespace(sleep=sleep))
    with lake_lock(settings.lock_file, 0, "stream"):
        outcome = carry_out(settings, request, MaintenanceAnswer, lambda _: None)
    assert outcome.at == "vacuum"
    assert len(naps) == 1


def test_an_error_that_stays_is_the_answer_and_one_that_passes_is_not(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path)
    append_batch(session, settings, [event()])
    Pipeline(session, settings).count()
    court = Court(session, settings)
    replays = Replays(session, settings, court.judge, Edition.of_today(settings))
    errors: list[Exception] = []

    def fail(*_: object) -> None:
        raise errors.pop(0)

    monkeypatch.setattr(Court, "_carry_out", fail)
    monkeypatch.setattr(Replays, "_begin", fail)
    change = Change("203.0.113.7", "convicted", "a test")
    cases: tuple[tuple[Errand, Request], ...] = (
        (court, VerdictRequest("v", BY_HAND, (change,))),
        (replays, ReplayRequest("r", 0, 10)),
    )
    for errand, request in cases:
        ask(settings.requests, request)
        errors += [ConcurrentAppendException("overtaken") for _ in range(5)] + [PySparkException("torn file")]
        for _ in range(5):
            with pytest.raises(ConcurrentAppendException):
                errand.step(0)
        path = settings.requests / f"{request.id}.answer"
        assert not path.exists()
        assert errand.step(0)
        assert json.loads(path.read_text())["error"] == "torn file; see the stream's log, then run it again"
        assert not errand.step(0)
        ask(settings.requests, request)
        errors += [PySparkException("torn file"), LakeError("not here")]
        with pytest.raises(PySparkException):
            errand.step(0)
        assert errand.step(0)
        assert json.loads(path.read_text())["error"] == "not here"


def test_only_maintenance_may_be_asked_for_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has_free(monkeypatch, 511)
    settings = settings_in(tmp_path)
    with pytest.raises(SpaceError, match="half of WEBLAKE_MIN_FREE_MB=1024: no replay or verdict begins until there"):
        carry_out(settings, ReplayRequest("r", 0, 10), ReplayAnswer, lambda _: None)
    assert not settings.requests.exists()


def test_maintenance_whose_tables_cannot_be_measured_is_answered_with_the_error(
    session: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path)
    append_batch(session, settings, [event()])
    errand = Maintenance(session, settings, threading.Lock(), lambda: True)
    measures: list[Sizes] = [{}]

    def measure(*_: object) -> Sizes:
        if measures:
            return measures.pop()
        raise PySparkException("no such folder")

    monkeypatch.setattr(maintenance, "sizes", measure)
    monkeypatch.setattr(Maintenance, "_all", lambda *_, **__: iter(()))
    ask(settings.requests, MaintenanceRequest("m"))
    assert not errand.step(0)
    answer = read_answer(settings.requests, "m", MaintenanceAnswer)
    assert answer is not None
    assert answer.error == "maintenance failed: no such folder; see the stream's log, then run it again"
