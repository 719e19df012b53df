"""Free disk, looked at before each batch: a full disk stops Kafka and PostgreSQL too, and those harder than us."""

from __future__ import annotations

import shutil
from pathlib import Path

from lake.errors import LakeError
from lake.settings import Settings

MEGABYTE = 1 << 20


def require_space(settings: Settings) -> None:
    """Return when the disks of the data folder and of a local lake have ``min_free_mb`` left.

    Raises:
        LakeError: one has less.
    """
    paths = [settings.data] if "://" in settings.lake_root else [settings.data, Path(settings.lake_root)]
    for path in paths:
        folder = next(folder for folder in (path, *path.parents) if folder.exists())
        free = shutil.disk_usage(folder).free // MEGABYTE
        if free < settings.min_free_mb:
            raise LakeError(
                f"the disk of {path} has {free} MB free, less than WEBLAKE_MIN_FREE_MB={settings.min_free_mb}: "
                "the stream waits; make room, and it goes on by itself"
            )
