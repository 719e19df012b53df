"""Room on the disks: all that write look here first, and wait in time. What comes first in the pipeline stops first.

``WEBLAKE_MIN_FREE_MB`` is the one setting. Senders stop at it, so that Kafka is not filled while the stream waits; the
stream, the marts and the charts at half of it; what is at work in PostgreSQL is ended at a quarter. What is left is for
the servers, which suffer most from a full disk.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from lake.errors import SpaceError
from lake.settings import Settings

MEGABYTE = 1 << 20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layer:
    """Who stops at the same part of the limit; ``of`` stands before the setting in messages."""

    part: int
    of: str = ""

    def limit_mb(self, settings: Settings) -> int:
        """Return how many megabytes the layer wants to be free."""
        return settings.min_free_mb // self.part


SENDERS = Layer(1)
WRITERS = Layer(2, "half of ")
AT_WORK = Layer(4, "a quarter of ")


def existing(path: Path) -> Path:
    """Return the folder, or the nearest one above it that is there: on its disk the folder is, or will be once made."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def free_mb(path: Path) -> int:
    """Return the free megabytes of the disk that a folder is on, or will be on once it is made."""
    return shutil.disk_usage(existing(path)).free // MEGABYTE


def folders(settings: Settings) -> list[Path]:
    """Return the folders that the pipeline fills: the data folder, and a lake that is a folder of its own."""
    return [settings.data] if "://" in settings.lake_root else [settings.data, Path(settings.lake_root)]


def lack(settings: Settings, layer: Layer, path: Path) -> str | None:
    """Return how much less is free on the disk of a folder than the layer wants; None where there is enough."""
    free = free_mb(path)
    if free >= layer.limit_mb(settings):
        return None
    limit = f"{layer.of}WEBLAKE_MIN_FREE_MB={settings.min_free_mb}"
    return f"the disk of {path} has {free:,} MB free, less than {limit}"


def shortage(settings: Settings, layer: Layer, who: str, *paths: Path) -> str | None:
    """Return in a sentence which disk has less free than the layer wants; None where all have enough.

    Args:
        settings: With the limit, and the folders of the pipeline.
        layer: What part of the limit counts.
        who: Who does what about it, such as "the stream waits".
        paths: Folders to look at instead of the pipeline's.
    """
    lacks = (lack(settings, layer, path) for path in paths or folders(settings))
    first = next(filter(None, lacks), None)
    return f"{first}: {who} until there is room; `make status` says what may be freed" if first else None


def glance(settings: Settings, layer: Layer, who: str) -> str | None:
    """Return what :func:`shortage` does, for watches that look again soon: a look that fails ends none of them."""
    try:
        return shortage(settings, layer, who)
    except OSError as error:
        log.warning("the disk cannot be looked at: %s", error)
        return None


def require_space(settings: Settings, who: str, *paths: Path, layer: Layer = WRITERS) -> None:
    """Return where the disks have what the layer wants; arguments as in :func:`shortage`.

    Raises:
        SpaceError: one has less.
    """
    short = shortage(settings, layer, who, *paths)
    if short:
        raise SpaceError(short)
