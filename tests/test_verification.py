"""When the stack verifies itself, and when it does not."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from background import in_background
from settings_in import settings_in
from statuses import a_status

from lake import posts
from lake.settings import Settings
from stack import verification
from stack.disk import Room
from stack.servers.waiting import wait_until
from stack.status import Status
from stack.verification import HOUR, alone, keep_verifying, verify_if_due

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
DAY = 24 * HOUR
WELL = a_status(room=Room({"/": 5_000}, 1_024, [], []))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = settings_in(tmp_path)
    settings.lock_file.touch()
    return settings


class Runs(list[bool]):
    """The verifications that were begun, by whether they were deep; each ends with ``code``."""

    code = 0

    def __call__(self, settings: Settings, stop: threading.Event, is_deep: bool) -> int:
        self.append(is_deep)
        return self.code


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    runs = Runs()
    monkeypatch.setattr(verification, "_run", runs)
    return runs


def look(settings: Settings, *times: float, status: Status | None = WELL) -> None:
    for now in times:
        verify_if_due(settings, threading.Event(), status, now)


def test_a_new_stack_has_an_hour_and_then_a_day(settings: Settings, runs: Runs) -> None:
    look(settings, NOW, NOW + HOUR - 1)
    assert runs == []
    look(settings, NOW + HOUR, NOW + HOUR + 60, NOW + HOUR + DAY - 1)
    assert runs == [False]
    look(settings, NOW + HOUR + DAY)
    assert runs == [False, False]


def test_once_a_week_it_is_deep_and_what_was_missed_is_done_once(settings: Settings, runs: Runs) -> None:
    look(settings, NOW, NOW + HOUR)
    look(settings, NOW + 30 * DAY, NOW + 30 * DAY + 60, NOW + 31 * DAY)
    assert runs == [False, True, False]


def test_one_that_judged_nothing_is_tried_again_in_an_hour(settings: Settings, runs: Runs) -> None:
    runs.code = 3
    look(settings, NOW, NOW + HOUR, NOW + HOUR + 60, NOW + 2 * HOUR)
    assert len(runs) == 2


@pytest.mark.parametrize(
    "status",
    [
        None,
        replace(WELL, bookmark=-1),
        replace(WELL, bookmark=None),
        replace(WELL, room=None),
        replace(WELL, room=Room({"/": 5}, 1_024, ["the disk has too little"], [])),
    ],
    ids=["not seen", "nothing counted", "no database", "disk not seen", "disk full"],
)
def test_where_it_cannot_be_done_it_waits_and_is_then_done(
    settings: Settings, runs: Runs, status: Status | None
) -> None:
    look(settings, NOW)
    look(settings, NOW + DAY, NOW + 2 * DAY, status=status)
    assert runs == []
    look(settings, NOW + 2 * DAY + 60)
    assert runs == [False]


def test_two_are_never_at_once(settings: Settings, runs: Runs) -> None:
    look(settings, NOW)
    words: list[str] = []
    with alone(settings, words.append):
        look(settings, NOW + DAY)
        second = threading.Thread(target=_verify_alone, args=(settings, words))
        second.start()
        wait_until(lambda: bool(words), 60, "the second one says that it waits")
    second.join()
    assert runs == []
    assert words[0].startswith("waiting for the end of weblake verify")
    assert words[1:] == ["it is alone"]


def _verify_alone(settings: Settings, words: list[str]) -> None:
    with alone(settings, words.append):
        words.append("it is alone")


def test_without_a_stack_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    with alone(settings_in(tmp_path), lambda _: None):
        assert list(tmp_path.iterdir()) == []


def test_hours_of_zero_mean_never(settings: Settings) -> None:
    never = replace(settings, outlook=replace(settings.outlook, verify_hours=0))
    keep_verifying(never, threading.Event(), lambda: WELL)
    assert not (settings.data / "verify-plan.json").exists()


def test_a_plan_that_cannot_be_read_is_made_anew(settings: Settings, runs: Runs) -> None:
    (settings.data / "verify-plan.json").write_text("{")
    look(settings, NOW, NOW + 60)
    assert json.loads((settings.data / "verify-plan.json").read_text())["next_at"] == NOW + HOUR
    assert runs == []


def test_it_is_a_process_of_the_lowest_priority_which_ends_with_the_program(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A verification that takes long: it waits for another one."""
    monkeypatch.setattr(verification, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(verification, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(posts, "worker", lambda _: None)  # so that it is begun although there is another one
    (settings.data / "verify-plan.json").write_text(json.dumps({"next_at": 0.0, "deep_at": 9e9}))

    def children() -> list[psutil.Process]:
        found = psutil.Process().children()
        return [one for one in found if "verify" in one.cmdline() and one.nice() == verification.LOWEST_PRIORITY]

    with alone(settings, lambda _: None):
        with in_background(lambda stop: keep_verifying(settings, stop, lambda: WELL), "verification"):
            wait_until(lambda: len(children()) == 1, 60, "a verification has begun")
        assert children() == []
