"""How far each stream has come, for whoever asks from outside: ``<data>/stream.json``."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class Progress:
    """The progress of bronze, silver and mirror; written whole, so that a reader never sees half of it."""

    def __init__(self, path: Path) -> None:
        """Start with nothing known; ``path`` is made with the first report."""
        self._path = path
        self._lock = threading.Lock()
        self._stages: dict[str, dict[str, Any]] = {
            "bronze": {"version": -1, "rows": 0, "rejected": 0, "next_offsets": {}, "as_of": 0.0, "refusal": None},
            "silver": {"version": -1, "rows": 0, "as_of": 0.0},
            "mirror": {"bookmark": -1, "rows": 0, "as_of": 0.0},
        }
        for facts in self._stages.values():
            facts["error"] = None

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
        text = json.dumps({"pid": os.getpid(), "updated_at": time.time(), **self._stages})
        draft = self._path.with_suffix(".tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text)
            draft.replace(self._path)
        except OSError as error:  # a full disk: nobody is told, but the streams live
            log.warning("%s cannot be written: %s", self._path, error)
