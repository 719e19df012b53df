"""Small local files, written whole: a reader never sees half of one."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Write a file in one step: first beside it, then in its place. It makes a folder that is missing.

    Args:
        path: The file.
        content: Its bytes, or its text, which is written as UTF-8.
        mode: Its permissions, such as 0o600; without, those that the process gives.

    Raises:
        OSError: the disk is full, or the folder is not ours.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        with os.fdopen(os.open(draft, flags, 0o666 if mode is None else mode), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
