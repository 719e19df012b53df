"""An errand: a request that the running stream does between two batches, or, where none runs, this process itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lake.errors import LakeError, LockedError
from lake.requests import Request, ask, read_answer, withdraw
from lake.settings import Settings
from spark.pipeline import Pipeline
from spark.session import spark_session
from spark.tables.lock import lake_lock
from spark.tables.storage import list_texts

LOOK_SECONDS = 0.5


def carry_out(settings: Settings, request: Request, show: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Have a request done, and return the outcome; ``show`` is given each answer on the way to it.

    Raises:
        LakeError: it was refused; the message says why.
    """
    ask(settings.requests, request)
    try:
        outcome = None
        while outcome is None:
            outcome = _answer(settings, request, show) or _by_ourselves(settings, request, show)
            time.sleep(LOOK_SECONDS)
    finally:
        withdraw(settings.requests, request.id)
    if "error" in outcome:
        raise LakeError(outcome["error"])
    return outcome


def _answer(settings: Settings, request: Request, show: Callable[[dict[str, Any]], None]) -> dict[str, Any] | None:
    told = read_answer(settings.requests, request.id)
    if told and not told["done"]:
        show(told)
    return told if told and told["done"] else None


def _by_ourselves(
    settings: Settings, request: Request, show: Callable[[dict[str, Any]], None]
) -> dict[str, Any] | None:
    """Do it here if nobody holds the lake; None if somebody does, who then answers."""
    try:
        with lake_lock(settings.lock_file, 0, f"{type(request).__name__} {request.id}") as lock:
            session = spark_session(settings, app="errand")
            lock.also_held_by(session.sparkContext._gateway.proc.pid)  # type: ignore[union-attr]
            Pipeline(session, settings).count()
            session.stop()
    except LockedError:
        return None
    return _answer(settings, request, show)


def read_records(settings: Settings, folder: str) -> list[dict[str, Any]]:
    """Return what is on record of the errands of one kind, the oldest first; a local folder is read without Spark."""
    if "://" in folder:
        texts = list_texts(spark_session(settings, app="records"), folder)
    else:
        texts = [path.read_text() for path in sorted(Path(folder).glob("*.json"))]
    return [json.loads(text) for text in texts]
