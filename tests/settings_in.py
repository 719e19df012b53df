"""Settings of a data folder, for tests that start nothing."""

from __future__ import annotations

from pathlib import Path

from lake.settings import Settings, load_settings


def settings_in(folder: Path, **overrides: str) -> Settings:
    return load_settings({"WEBLAKE_DATA": str(folder), **overrides})
