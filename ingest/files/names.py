"""The files that the words of a command line name."""

from __future__ import annotations

from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path

from ingest.files.source import STDIN


def files_of(words: Iterable[str]) -> list[str]:
    """Return the files that the words name, each once, in order.

    A word that is no file is a pattern as in a shell, which may begin with ``~``; the folders that it fits are left
    out. One that fits nothing stands for itself, so that whoever opens it says that there is no such file.
    """
    names: list[str] = []
    for word in words:
        names += [word] if word == STDIN or Path(word).exists() else _matches(word)
    return list(dict.fromkeys(names))


def _matches(word: str) -> list[str]:
    path = str(Path(word).expanduser()) if word.startswith("~") else word
    if not has_magic(path):
        return [path]
    found = sorted(name for name in glob(path, recursive=True) if not Path(name).is_dir())  # noqa: PTH207
    return found or [word]
