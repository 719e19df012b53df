"""The session of a command that writes the lake."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from py4j.protocol import Py4JError
from settings_in import settings_in

from lake.errors import LakeError, LockedError
from spark.commands.writer import writer
from spark.tables.lock import lake_lock


class Session:
    """A session whose Java process is a ``sleep``."""

    def __init__(self) -> None:
        self.java = subprocess.Popen(["sleep", "60"])
        self.sparkContext = SimpleNamespace(_gateway=SimpleNamespace(proc=self.java))
        self.stops = 0

    def stop(self) -> None:
        self.stops += 1


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    session = Session()
    monkeypatch.setattr("spark.commands.writer.spark_session", lambda settings, app: session)
    yield session
    session.java.kill()
    session.java.wait()


def test_the_session_ends_with_the_work_that_fails_too(fake: Session, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with pytest.raises(LakeError, match="no room"), writer(settings, "test", "a test", wait_seconds=0):
        started = psutil.Process(fake.java.pid).create_time()
        assert settings.lock_file.read_text().endswith(f"\njava {fake.java.pid} {started}")
        raise LakeError("no room")
    assert fake.stops == 1


def test_the_error_of_a_session_whose_java_is_gone_is_not_hidden(fake: Session, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="has ended"), writer(settings_in(tmp_path), "test", "a test", wait_seconds=0):
        fake.java.kill()
        fake.java.wait()
        raise LakeError("Java has ended")
    assert fake.stops == 0


def test_a_second_writer_starts_no_session(fake: Session, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with (
        lake_lock(settings.lock_file, 0, "the first"),
        pytest.raises(LockedError, match="the first"),
        writer(settings, "test", "the second", wait_seconds=0),
    ):
        pass
    assert fake.stops == 0


def test_the_error_of_a_session_that_cannot_be_stopped_is_not_hidden(
    fake: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise Py4JError("an answer is left unread")

    monkeypatch.setattr(fake, "stop", fail)
    with pytest.raises(SystemExit), writer(settings_in(tmp_path), "test", "a test", wait_seconds=0):
        raise SystemExit
