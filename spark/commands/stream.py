"""The streams: ``weblake run stream`` until it is stopped, ``--once`` to drain what is there, ``weblake rebuild``."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Literal

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from lake.causes import cause
from lake.errors import LakeError
from lake.settings import Settings
from lake.space import require_space
from spark import failpoints
from spark.commands.writer import writer
from spark.pipeline import Pipeline
from spark.tables.horizon import give_up_past

log = logging.getLogger(__name__)

LOCK_WAIT_SECONDS = 30.0
HOLDER = "the stream (weblake run stream)"


def run_stream(
    settings: Settings,
    work: Literal["run", "once", "rebuild"],
    on_stop: Callable[[Callable[[], object]], None],
    from_horizon: bool = False,
) -> None:
    """Run the pipeline under the lake's lock.

    Args:
        settings: Where everything is.
        work: ``run`` until it is stopped; ``once`` drains what Kafka holds now through to PostgreSQL; ``rebuild``
            counts a deleted ledger again from bronze.
        on_stop: Called with what ends the work well, first before there is a pipeline; the signals to stop shall call
            the last.
        from_horizon: Whether a ledger that is gone may be counted without the days that bronze no longer has.

    Raises:
        LockedError: somebody else writes the lake.
        SpaceError: the disk is nearly full, and this is not the stream that waits for room.
        LakeError: the lake cannot be used.
    """
    if work != "run":
        require_space(settings, "no rebuild begins" if work == "rebuild" else "nothing is drained")
    failpoints.arm(settings.fail_at)
    try:
        with writer(settings, "weblake", HOLDER, LOCK_WAIT_SECONDS) as session:
            is_ending = threading.Event()
            on_stop(is_ending.set)  # to leave a call of Java without its answer would break the session
            if from_horizon:
                give_up_past(session, settings)
            pipeline = Pipeline(session, settings)
            on_stop(pipeline.stop)
            if not is_ending.is_set():
                {"run": pipeline.run, "once": pipeline.drain, "rebuild": pipeline.rebuild}[work]()
    except (PySparkException, Py4JError) as error:
        log.error("%s", cause(error), exc_info=error)
        raise LakeError(
            f"the lake {settings.lake_root} cannot be used: {cause(error)}; `make verify` says what is damaged"
        ) from error
