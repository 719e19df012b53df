"""Disks that say what a test wants to be free."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest


def has_free(monkeypatch: pytest.MonkeyPatch, megabytes: int) -> None:
    """Have every disk say that so much is free."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=megabytes << 20))
