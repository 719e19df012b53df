"""Requests to the stream: files that come, go and may be anything."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from lake.requests import MaintenanceAnswer, MaintenanceRequest, answer, ask, read_answer, waiting, withdraw


def test_a_request_that_is_withdrawn_while_the_folder_is_read_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(tmp_path, MaintenanceRequest("a"))
    ask(tmp_path, MaintenanceRequest("b"))
    read_text = Path.read_text

    def withdraw_and_read(path: Path, *arguments: Any, **options: Any) -> str:
        withdraw(tmp_path, "a")
        return read_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", withdraw_and_read)
    assert waiting(tmp_path, MaintenanceRequest) == [MaintenanceRequest("b")]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"id": "x"}', '{"kind": "party", "id": "x"}', '{"kind": "verdict", "id": "x", "changes": 1}']
)
def test_a_file_that_is_no_request_is_named_once_and_holds_up_no_other(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.json").write_text(text)
    ask(tmp_path, MaintenanceRequest("b"))
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            assert waiting(tmp_path, MaintenanceRequest) == [MaintenanceRequest("b")]
    (message,) = caplog.messages
    assert str(tmp_path / "a.json") in message


def test_a_request_that_was_withdrawn_gets_no_answer(tmp_path: Path) -> None:
    ask(tmp_path, MaintenanceRequest("a"))
    answer(tmp_path, "a", MaintenanceAnswer(done=False, at="bronze"))
    assert read_answer(tmp_path, "a", MaintenanceAnswer) == MaintenanceAnswer(done=False, at="bronze")
    withdraw(tmp_path, "a")
    answer(tmp_path, "a", MaintenanceAnswer(done=True))
    assert list(tmp_path.iterdir()) == []
