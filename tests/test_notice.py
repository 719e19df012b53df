"""The notice of a failure: what is told, to whom, and how often."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hook import SECRET, Hook, listening
from settings_in import settings_in

from lake.errors import ServiceError
from lake.settings import Settings
from stack.boot import notice
from stack.boot.notice import notify, why
from stack.boot.recipients import remember

UNIT = "weblake-verify.service"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as server:
        yield server


@pytest.fixture
def told(hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A stack whose failures are posted."""
    monkeypatch.setattr(notice, "PAUSE_SECONDS", 0)
    settings = settings_in(tmp_path)
    remember(settings, hook.address, None)
    return settings


def mailer(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program in sendmail's place."""
    (folder / "sendmail").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "sendmail").chmod(0o755)
    monkeypatch.setattr(notice, "USUAL_PATH", str(folder))


def test_a_failure_is_posted_once_an_hour(hook: Hook, told: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert notify(told, UNIT, of_user=True)
    ((path, message),) = hook.posts
    assert path == f"/T0/{SECRET}"
    assert message["unit"] == UNIT
    assert "`make status`" in message["text"]
    assert f"`journalctl --user -u {UNIT}`" in message["text"]
    assert not notify(told, UNIT, of_user=True)
    assert len(hook.posts) == 1
    assert notify(told, "weblake-status.service", of_user=False)
    assert "--user" not in hook.posts[1][1]["text"]
    monkeypatch.setattr(notice, "REPEAT_SECONDS", 0)
    assert notify(told, UNIT, of_user=True)
    assert len(hook.posts) == 3


def test_a_clock_that_was_wrong_keeps_no_notice_back(hook: Hook, told: Settings) -> None:
    assert notify(told, UNIT, of_user=True)
    (memory,) = (told.data / "notified").iterdir()
    os.utime(memory, (time.time() + 1e6,) * 2)
    assert notify(told, UNIT, of_user=True)
    assert not notify(told, UNIT, of_user=True)


@pytest.mark.parametrize(
    ("code", "says"), [(503, "HTTP Error 503"), (301, "it answers with another address"), (0, "SSH-2.0")]
)
def test_a_webhook_that_does_not_take_it_is_tried_again_and_named_without_its_address(
    code: int, says: str, hook: Hook, told: Settings
) -> None:
    hook.code = code
    with pytest.raises(ServiceError, match=rf"nobody was told by webhook \({says}") as raised:
        notify(told, UNIT, of_user=True)
    assert SECRET not in str(raised.value)
    assert len(hook.posts) == notice.ATTEMPTS
    hook.code = 200
    assert notify(told, UNIT, of_user=True), "what was not told is not taken for told"


def test_a_failure_is_mailed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mailer(tmp_path, f'echo "$@" > "{tmp_path}/arguments"; cat > "{tmp_path}/message"', monkeypatch)
    settings = settings_in(tmp_path)
    remember(settings, None, "ops@example.org")
    assert notify(settings, UNIT, of_user=False)
    message = (tmp_path / "message").read_text()
    assert "To: ops@example.org\n" in message
    assert "Subject: Weblake on " in message
    assert (tmp_path / "arguments").read_text() == "-t -oi\n"


def test_mail_that_cannot_be_sent_keeps_no_webhook_back_and_has_nothing_posted_twice(
    hook: Hook, told: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailer(tmp_path, "exit 75", monkeypatch)
    remember(told, None, "ops@example.org")
    for _ in range(2):
        with pytest.raises(ServiceError, match=r"by mail \(.*75"):
            notify(told, UNIT, of_user=True)
    assert len(hook.posts) == 1
    mailer(tmp_path, "cat > /dev/null", monkeypatch)
    assert notify(told, UNIT, of_user=True), "what was not mailed is not taken for mailed"
    assert not notify(told, UNIT, of_user=True)
    assert len(hook.posts) == 1


def test_nobody_to_tell_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="run `make service` with WEBHOOK="):
        notify(settings_in(tmp_path), UNIT, of_user=True)


@pytest.mark.parametrize(
    ("unit", "code", "words"),
    [
        ("weblake-verify.service", 1, "a check did not hold"),
        ("weblake-verify.service", 3, "something could not be checked"),
        ("second-status.service", 4, "it is down"),
        ("second-status.service", 77, "second-status.service failed with exit code 77"),
        ("weblake-maintain.service", None, "weblake-maintain.service failed"),
    ],
)
def test_an_exit_code_is_told_in_words(unit: str, code: int | None, words: str) -> None:
    assert why(unit, code) == words
