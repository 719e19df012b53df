"""How `make down` ends what runs, and what `make clean` deletes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import psutil
import pytest
from settings_in import settings_in

from lake.errors import ServiceError
from lake.posts import Worker
from lake.settings import STACK_FILE
from stack import down as stack_down
from stack import supervision
from stack.down import clean
from stack.turns import START


def test_clean_deletes_only_what_is_a_data_folder(tmp_path: Path) -> None:
    data, charts = tmp_path / "data", tmp_path / "charts"
    data.mkdir()
    settings = settings_in(data, WEBLAKE_CHARTS=str(charts))
    with pytest.raises(ServiceError, match="not a data folder of Weblake"):
        clean(settings, force=True)
    (data / STACK_FILE).write_text("")
    clean(settings, force=True)
    assert not data.exists()


def test_clean_spares_a_stack_that_was_started_while_it_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_in(tmp_path)
    (tmp_path / STACK_FILE).write_text("")

    def confirm(*_: object) -> None:
        monkeypatch.setattr(supervision, "is_running", lambda _: True)

    monkeypatch.setattr(stack_down, "confirm", confirm)
    with pytest.raises(ServiceError, match="the stack is up"):
        clean(settings, force=False)
    assert (tmp_path / STACK_FILE).exists()


def test_clean_has_the_turn_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_in(tmp_path / "data")
    (settings.data / "lake").mkdir(parents=True)
    (settings.data / STACK_FILE).write_text("")
    remove, left = shutil.rmtree, []

    def look_and_remove(path: Path) -> None:
        left.append({one.name for one in settings.data.iterdir()})
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", look_and_remove)
    clean(settings, force=True)
    assert left[-1] == {START, STACK_FILE}
    assert not settings.data.exists()


def test_what_is_said_of_imports_is_what_became_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, stuck = Worker(7, "first"), Worker(8, "second"), Worker(0, "stuck")
    at_work = iter([[first, stuck], [second, stuck]])
    told: list[int] = []

    class Process:
        def __init__(self, pid: int) -> None:
            self.pid = pid

        def terminate(self) -> None:
            told.append(self.pid)

    monkeypatch.setattr(psutil, "Process", Process)
    monkeypatch.setattr(stack_down, "imports", lambda _: next(at_work, [stuck]))
    monkeypatch.setattr(stack_down, "IMPORT_SECONDS", 0.5)
    stack_down._end_imports(settings_in(tmp_path))
    assert told == [7, 8]
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "first (pid 7) was told to end",
        "stuck has not ended within 0.5 s, and loses Kafka",
        "second (pid 8) was told to end",
    ]


def test_the_time_that_imports_took_is_not_taken_from_supervisor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now, answers = time.monotonic, iter([True, True])

    def take_long(_: object) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: now() + stack_down.PATIENCE_SECONDS)

    monkeypatch.setattr(supervision, "is_running", lambda _: next(answers, False))
    monkeypatch.setattr(stack_down, "_end_imports", take_long)
    stack_down.down(settings_in(tmp_path))
    assert "still running" not in capsys.readouterr().out
