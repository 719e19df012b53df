"""The reserve: made where there is room, given up where there is none, and servers that wait for room to start."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from disks import cannot_be_looked_at, has_free
from settings_in import settings_in

from lake.settings import Settings
from stack.servers import postgres, reserve

SIZE = reserve.RESERVE_MB << 20


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder with a database cluster, or so it seems."""
    settings = settings_in(tmp_path, WEBLAKE_MIN_FREE_MB="100")
    postgres.cluster(settings).mkdir(parents=True)
    (postgres.cluster(settings) / "PG_VERSION").touch()
    return settings


def allocated(path: Path) -> int:
    return path.stat().st_blocks * 512


@pytest.mark.parametrize("allocates", [True, False], ids=["allocated", "written"])
def test_it_takes_its_room_on_the_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch, allocates: bool) -> None:
    if not allocates:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    has_free(monkeypatch, 1000)
    reserve.keep(settings)
    assert allocated(reserve.path(settings)) >= SIZE
    before = reserve.path(settings).stat().st_mtime_ns
    reserve.keep(settings)
    assert reserve.path(settings).stat().st_mtime_ns == before


def test_it_is_not_made_where_it_would_keep_senders_waiting_or_for_a_server_elsewhere(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_free(monkeypatch, 163)
    reserve.keep(settings)
    assert not reserve.path(settings).exists()
    has_free(monkeypatch, 1000)
    elsewhere = settings_in(tmp_path / "without")
    reserve.keep(elsewhere)
    assert not reserve.path(elsewhere).exists()
    has_free(monkeypatch, 164)
    reserve.keep(settings)
    assert reserve.path(settings).exists()


def test_it_is_given_up_only_on_a_full_disk(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reserve.path(settings).write_bytes(b"x")
    has_free(monkeypatch, 48)
    reserve.give_up(settings)
    assert reserve.path(settings).exists()
    has_free(monkeypatch, 47)
    reserve.give_up(settings)
    reserve.give_up(settings)
    assert not reserve.path(settings).exists()
    assert f"the disk of {settings.data} is full; 64 MB that were kept back are given up" in caplog.text


def test_one_that_cannot_be_made_is_left_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reserve, "_make", refuse)
    has_free(monkeypatch, 1000)
    reserve.keep(settings)
    assert not reserve.path(settings).exists()
    cannot_be_looked_at(monkeypatch)
    reserve.keep(settings)
    no_room, no_look = (record.getMessage() for record in caplog.records)
    assert "could not be made: [Errno 28]" in no_room
    assert "could not be made: [Errno 5]" in no_look


def test_room_that_comes_just_when_it_is_asked_for_is_no_riddle(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = iter(["no room", "no room", None, None])
    monkeypatch.setattr(reserve, "lacking", lambda *_: next(looks))
    monkeypatch.setattr(reserve, "SAY_SECONDS", -1)
    reserve.wait_for_room(settings, "kafka")
    assert {record.getMessage() for record in caplog.records} == {"no room"}


@pytest.mark.parametrize(
    ("name", "free", "least"),
    [
        ("postgres", 48, "less than the 48 MB that postgres may need to start: it waits"),
        ("kafka", 128, "less than the 128 MB that kafka may need to start: it waits"),
        ("stream", 128, "less than the 128 MB that stream may need to start: it waits"),
    ],
)
def test_a_program_waits_for_room_says_so_and_starts_when_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, free: int, least: str
) -> None:
    settings = settings_in(tmp_path)
    has_free(monkeypatch, free)
    reserve.wait_for_room(settings, name)
    assert caplog.text == ""
    has_free(monkeypatch, free - 1)
    waits = threading.Thread(target=reserve.wait_for_room, args=(settings, name))
    waits.start()
    while not caplog.records:
        waits.join(0.01)
    assert waits.is_alive()
    assert f"has {free - 1} MB free, {least} until there is room" in caplog.text
    has_free(monkeypatch, free)
    waits.join(30)
    assert not waits.is_alive()
