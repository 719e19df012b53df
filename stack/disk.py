"""What a folder takes on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def disk_usage(folder: Path, complain: Callable[[str], None] = lambda _: None) -> int:
    """Return the bytes that a folder takes on the disk; files may vanish meanwhile.

    ``complain`` gets a sentence for each file or folder that cannot be read, and so is not counted.
    """
    total = 0

    def note(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            complain(f"{error.filename} cannot be read ({error.strerror}), so its size is not known; see who owns it")

    for top, folders, files in os.walk(folder, onerror=note):
        for name in (*folders, *files):
            try:
                total += Path(top, name).lstat().st_blocks * 512
            except OSError as error:
                note(error)
    return total
