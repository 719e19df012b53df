"""Disks that say what a test wants to be free."""

from __future__ import annotations

import errno
import shutil
from types import SimpleNamespace

import pytest


def cannot_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every disk answer with an error."""

    def fail(_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", fail)


def has_free(monkeypatch: pytest.MonkeyPatch, megabytes: int) -> None:
    """Have every disk say that so much is free."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=megabytes << 20))
