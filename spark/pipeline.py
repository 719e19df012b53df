"""One Spark application, three independent loops: bronze, silver and mirror.

Each loop wakes the next in the process, and looks by itself now and then. One that fails tries again after a pause and
stops none of the others.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias

from py4j.protocol import Py4JError
from pyspark import inheritable_thread_target
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from lake.causes import cause
from lake.contracts.edition import Edition
from lake.errors import LakeError, SpaceError, WeblakeError
from lake.settings import Settings
from lake.space import WRITERS, shortage
from lake.url_rules import load_rules
from spark.bronze import Bronze, create_bronze
from spark.errands.court import Court
from spark.errands.errands import Errands
from spark.errands.maintenance import Maintenance
from spark.errands.replays import Replays
from spark.events.agent_rules import agent_rules
from spark.mirror import Mirror
from spark.progress import Progress, Stage
from spark.session import java_process
from spark.silver import Silver, create_ledger
from spark.tables.delta import snapshot
from spark.tables.edition import edition_advice, note_zones
from spark.tables.horizon import require_past
from spark.tables.records import Records

log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 30.0
SHORTEST_PAUSE_SECONDS = 0.1
GRACE_SECONDS = 12.0
"""How long the work at hand may go on when the end is asked for; then it is cut short, and comes again."""
END_SECONDS = 22.0
"""How long all loops together may take to end; whatever hangs then is left to die with the process."""

Loop: TypeAlias = tuple[threading.Event, float, Callable[[], None]]
"""What wakes a loop, the seconds after which it looks by itself, and its work."""


class Pipeline:
    """The three loops over one lake."""

    def __init__(self, session: SparkSession, settings: Settings) -> None:
        """Create the tables where they are missing and prepare the loops."""
        self._session = session
        self._settings = settings
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._bronze_is_due = threading.Event()
        self._bronze_moved = threading.Event()
        self._ledger_moved = threading.Event()
        rules = load_rules(settings)  # first: no table is made under rules that cannot be used
        agent_rules()
        create_bronze(session, settings)
        require_past(session, settings)
        create_ledger(session, settings)
        note_zones(session, settings)
        self._edition = Edition.of_today(settings)
        self.progress = Progress(settings.stream_file, self._edition.reads_by)
        self._bronze = Bronze(session, settings, rules, self.progress, self._bronze_moved.set)
        court = Court(session, settings)
        self._silver = Silver(session, settings, self.progress, court.judge, self._ledger_moved.set, rules.actions)
        replays = Replays(session, settings, court.judge, self._edition)
        self._errands = Errands(
            replays=replays,
            verdicts=court,
            maintenance=Maintenance(session, settings, self._bronze.writing, self._has_room),
            has_room=self._has_room,
        )
        is_whole = self._silver.has_caught_up.is_set
        self._mirror = Mirror(
            session, settings, self.progress, is_whole, lambda: Records(court.verdicts, replays.records)
        )
        self._bronze.report()
        self._silver.report()
        self._report_advice()

    def drain(self) -> None:
        """Bring everything that Kafka holds now through to PostgreSQL, and return."""
        self._unless_stopped(self._bronze.catch_up)
        self.rebuild()

    def count(self) -> None:
        """Count what bronze holds, do what is asked for, and return; PostgreSQL is left as it is."""
        self._unless_stopped(self._count)

    def rebuild(self) -> None:
        """Count what bronze holds, bring it to PostgreSQL, and return; Kafka is left alone."""
        self._unless_stopped(self._count)
        self._unless_stopped(self._mirror.catch_up)
        self._mirror.close()
        self._ended.set()

    def run(self) -> None:
        """Run the loops until :meth:`stop`; return within ``END_SECONDS`` of it.

        Raises:
            LakeError: Spark's Java process is gone; only a new start helps.
        """
        loops: dict[Stage, Loop] = {
            "bronze": (self._bronze_is_due, self._settings.trigger_seconds, self._bronze.follow),
            "silver": (self._bronze_moved, LOOK_SECONDS, self._count),
            "mirror": (self._ledger_moved, LOOK_SECONDS, self._mirror.catch_up),
        }
        keep = inheritable_thread_target(self._session)(self._keep)
        threads = [
            threading.Thread(name=name, target=keep, args=(name, *loop), daemon=True) for name, loop in loops.items()
        ]
        for thread in threads:
            thread.start()
        while not self._stop.wait(10):
            self._require_java()
            self.progress.touch()
        deadline = time.monotonic() + END_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._ended.set()
        hanging = [thread.name for thread in threads if thread.is_alive()]
        if hanging:
            log.warning("%s did not end within %.0f s; ending without it", " and ".join(hanging), END_SECONDS)
        else:
            self._mirror.close()

    def stop(self) -> None:
        """Ask the loops to end after their current batches, and cancel what takes too long."""
        self._stop.set()
        for part in (self._bronze, self._silver, self._mirror):
            part.stop()
        for event in (self._bronze_is_due, self._bronze_moved, self._ledger_moved):
            event.set()
        threading.Thread(name="end", target=self._cut_short, daemon=True).start()

    def _count(self) -> None:
        """Count what bronze holds, and do the errands; batches that come meanwhile are counted between two pieces."""
        short = self._catch_up()
        while not self._stop.is_set() and self._errands.step(self._silver.counted_up_to):
            short = self._catch_up()
            self._ledger_moved.set()
            if self.progress.silver.advice:
                self._report_advice()
        if short:
            raise short

    def _catch_up(self) -> SpaceError | None:
        """Count what bronze holds; return why that has to wait, if it has: maintenance, which makes room, does not."""
        try:
            self._silver.catch_up()
        except SpaceError as error:
            return error
        return None

    def _has_room(self) -> bool:
        return shortage(self._settings, WRITERS, "errands wait") is None

    def _report_advice(self) -> None:
        """Report what to run if the ledger's past was counted by another edition."""
        advice = edition_advice(self._session, self._settings, self._edition)
        if advice != self.progress.silver.advice:
            if advice:
                log.warning("%s", advice)
            self.progress.report_silver(lambda silver: replace(silver, advice=advice))

    def _require_java(self) -> None:
        """Raise LakeError if Spark's Java process has ended; retrying would not help."""
        code = java_process(self._session).poll()
        if code is not None:
            raise LakeError(f"the stream's Java process has ended with code {code}; start it again with `make up`")

    def _cut_short(self) -> None:
        """Cancel what runs longer than the grace. Nothing of it has been committed, so it begins again next time."""
        if self._ended.wait(GRACE_SECONDS):
            return
        log.info("cancelling work that has not ended within %.0f s", GRACE_SECONDS)
        while not self._ended.wait(1):
            self._session.sparkContext.cancelAllJobs()

    def _look_again(self) -> None:
        """Read the tables' logs: what failed may have been committed, or another process may have written."""
        for path in (self._settings.bronze, self._settings.ledger):
            with suppress(PySparkException, Py4JError, LakeError):
                snapshot(self._session, path)

    def _unless_stopped(self, work: Callable[[], None]) -> None:
        """Do the work; being cut short by a stop is not an error."""
        try:
            work()
        except (PySparkException, Py4JError):
            if not self._stop.is_set():
                raise

    def _keep(self, name: Stage, moved: threading.Event, seconds: float, work: Callable[[], None]) -> None:
        """Do the work whenever the stage before has moved, and every so many seconds regardless, until stopped.

        Errors are logged and reported, and end nothing: the work begins again after a pause.
        """
        self._session.sparkContext.setLocalProperty("spark.scheduler.pool", name)
        pause = FIRST_RETRY_SECONDS
        while True:
            due = time.monotonic() + seconds
            moved.clear()
            if self._stop.is_set():
                return
            try:
                work()
            except Exception as error:  # also what nobody thought of: a loop that is gone looks like one that waits
                if self._stop.is_set():
                    return
                trace = None if isinstance(error, WeblakeError) else error
                reason = cause(error)
                log.error("%s: %s; trying again in %.0f s", name, reason, pause, exc_info=trace)
                self.progress.report_error(name, reason)
                self._look_again()
                self._stop.wait(pause)
                pause = min(pause * 2, LONGEST_RETRY_SECONDS)
                continue
            pause = FIRST_RETRY_SECONDS
            if self.progress.has_error(name):
                self.progress.report_error(name, None)
            moved.wait(max(SHORTEST_PAUSE_SECONDS, due - time.monotonic()))
