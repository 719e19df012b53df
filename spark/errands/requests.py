"""The requests for errands: which comes next, and when an error is the answer to one.

An error that another try may mend is raised, and the pipeline tries again after a pause. One that stays is the answer,
or the request would hold up all those behind it for ever.
"""

from __future__ import annotations

import logging

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
)
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException

from lake.causes import cause
from lake.errors import WeblakeError
from lake.requests import R, waiting
from lake.settings import Settings

log = logging.getLogger(__name__)

FAILURES = (WeblakeError, PySparkException, Py4JError)
"""What can go wrong with an errand."""
PASSING = (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
    Py4JNetworkError,
)
"""Another process has written the table, or Java is gone: the next try, or the next start, goes on."""
MOST_TRIES = 3


def first_request(settings: Settings, kind: type[R]) -> R | None:
    """Return the oldest request of a kind; None where there is none."""
    return next(iter(waiting(settings.requests, kind)), None)


def is_final(error: Exception, tries: int) -> bool:
    """Return whether an error is the answer to a request that has now failed so many times in a row."""
    return isinstance(error, WeblakeError) or (tries >= MOST_TRIES and not isinstance(error, PASSING))


def report(errand: str, error: Exception) -> None:
    """Log a failure, with a trace where it is none that Weblake raises on purpose."""
    log.error("%s failed: %s", errand, cause(error), exc_info=None if isinstance(error, WeblakeError) else error)


def failure_text(error: Exception) -> str:
    """Return what to answer."""
    if isinstance(error, WeblakeError):
        return str(error)
    return f"{cause(error)}; see the stream's log, then run it again"
