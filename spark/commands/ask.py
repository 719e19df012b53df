"""An errand: a request that the running stream does between two batches, or this process itself if no stream runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lake.errors import LakeError, LockedError, SpaceError
from lake.requests import A, MaintenanceRequest, Request, ask, read_answer, withdraw
from lake.settings import Settings
from lake.space import require_space
from spark.commands.writer import writer
from spark.pipeline import Pipeline
from spark.session import spark_session
from spark.tables.storage import list_texts

LOOK_SECONDS = 0.5
Record = TypeVar("Record")


def carry_out(settings: Settings, request: Request, kind: type[A], show: Callable[[A], None]) -> A:
    """Get a request done and return its outcome; ``show`` receives each interim answer.

    Args:
        settings: Where the requests and the lake are.
        request: What is to be done.
        kind: The class of its answers, such as ReplayAnswer for a ReplayRequest.
        show: Shows the user an answer.

    Raises:
        LakeError: it was refused; the message says why.
        SpaceError: the disk is nearly full, and this is no maintenance, which makes room.
    """
    if not isinstance(request, MaintenanceRequest):
        require_space(settings, "no replay or verdict begins")
    ask(settings.requests, request)
    try:
        while (outcome := _outcome(settings, request, kind, show)) is None:
            time.sleep(LOOK_SECONDS)
    finally:
        withdraw(settings.requests, request.id)
    if outcome.error is not None:
        raise LakeError(outcome.error)
    return outcome


def _outcome(settings: Settings, request: Request, kind: type[A], show: Callable[[A], None]) -> A | None:
    return _answer(settings, request, kind, show) or _by_ourselves(settings, request, kind, show)


def _answer(settings: Settings, request: Request, kind: type[A], show: Callable[[A], None]) -> A | None:
    answer = read_answer(settings.requests, request.id, kind)
    if answer and not answer.done:
        show(answer)
    return answer if answer and answer.done else None


def _by_ourselves(settings: Settings, request: Request, kind: type[A], show: Callable[[A], None]) -> A | None:
    """Do it here if no process holds the lake; return None if one does, because that one will answer."""
    try:
        with writer(settings, "errand", f"{type(request).__name__} {request.id}", wait_seconds=0) as session:
            Pipeline(session, settings).count()
    except LockedError:
        return None
    except SpaceError:  # counting waits, but maintenance is done without room
        if outcome := _answer(settings, request, kind, show):
            return outcome
        raise
    return _answer(settings, request, kind, show)


def read_records(settings: Settings, folder: str, read: Callable[[str], Record]) -> list[Record]:
    """Return the records of the errands of one kind, oldest first; a local folder is read without Spark.

    ``read`` makes a record of a file's text, such as :func:`lake.contracts.records.as_verdict`.
    """
    if "://" in folder:
        texts = list_texts(spark_session(settings, app="records"), folder)
    else:
        texts = [path.read_text() for path in sorted(Path(folder).glob("*.json"))]
    return [read(text) for text in texts]
