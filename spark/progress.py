"""How far each stream has come, for whoever asks from outside: ``<data>/stream.json``."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any


class Progress:
    """The progress of bronze, silver and mirror; written whole, so that a reader never sees half of it."""

    def __init__(self, path: Path) -> None:
        """Start with nothing known; ``path`` is made with the first report."""
        self._path = path
        self._lock = threading.Lock()
        self._stages: dict[str, dict[str, Any]] = {
            "bronze": {"version": -1, "rows": 0, "rejected": 0, "next_offsets": {}, "as_of": 0.0},
            "silver": {"version": -1, "rows": 0, "as_of": 0.0},
            "mirror": {"bookmark": -1, "rows": 0, "as_of": 0.0, "error": None},
        }

    def report(self, stage: str, **facts: Any) -> None:
        """Change what is known of a stage and write it down."""
        with self._lock:
            self._stages[stage].update(facts)
            self._write()

    def touch(self) -> None:
        """Say that the streams are alive."""
        with self._lock:
            self._write()

    def stage(self, name: str) -> dict[str, Any]:
        """Return a copy of what is known of a stage."""
        with self._lock:
            return dict(self._stages[name])

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"pid": os.getpid(), "updated_at": time.time(), **self._stages})
        draft = self._path.with_suffix(".tmp")
        draft.write_text(text)
        draft.replace(self._path)
