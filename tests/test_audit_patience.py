"""How long the audit waits for marts that are behind: while they follow, and not for ever."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from audit.database import Stand
from audit.marts import checks
from audit.scope import Scope
from lake.settings import load_settings


@pytest.mark.parametrize(
    ("seconds_per_build", "version", "waited"),
    [
        (1_000, 1, 60),  # nobody builds
        (50, 1, 50),
        (50, 3, 150),
        (50, 100, 300),
    ],
)
def test_marts_are_waited_for_while_they_follow(
    monkeypatch: pytest.MonkeyPatch, seconds_per_build: int, version: int, waited: int
) -> None:
    now = [0]
    clock = SimpleNamespace(monotonic=lambda: float(now[0]), sleep=lambda _: now.append(now.pop() + 1))
    monkeypatch.setattr(checks, "time", clock)
    monkeypatch.setattr(checks, "database_snapshot", lambda *_: nullcontext())
    monkeypatch.setattr(checks, "mirror_stand", lambda _: Stand("a", version))
    monkeypatch.setattr(checks, "marts_stand", lambda _: Stand("a", now[0] // seconds_per_build))
    monkeypatch.setattr(checks, "_check_build", lambda _: None)
    monkeypatch.setattr(checks, "_check_rows", lambda *_: [])
    checks.check_marts(load_settings(), Scope())
    assert now == [waited]
