"""One Spark application, three independent loops: bronze, silver and mirror.

Each loop wakes the next in the process, and looks by itself now and then. One that fails tries again after a pause and
stops none of the others.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from py4j.protocol import Py4JError
from pyspark import inheritable_thread_target
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from lake.errors import WeblakeError
from lake.settings import Settings
from lake.url_rules import load_url_rules
from spark.bronze import Bronze, create_bronze
from spark.mirror import Mirror
from spark.progress import Progress
from spark.replay import Replays
from spark.silver import Silver, create_ledger

log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 30.0


class Pipeline:
    """The three loops over one lake."""

    def __init__(self, session: SparkSession, settings: Settings) -> None:
        """Create the tables where they are missing and prepare the loops."""
        self._session = session
        self._stop = threading.Event()
        self._bronze_moved = threading.Event()
        self._ledger_moved = threading.Event()
        create_bronze(session, settings)
        create_ledger(session, settings)
        self.progress = Progress(settings.data / "stream.json")
        rules = load_url_rules(settings.rules_file)
        self._bronze = Bronze(session, settings, rules, self.progress, self._bronze_moved.set)
        replays = Replays(session, settings)
        self._silver = Silver(session, settings, self.progress, replays, self._ledger_moved.set)
        self._mirror = Mirror(session, settings, self.progress, self._silver.has_caught_up.is_set)
        self._bronze.report()
        self._silver.report()

    def drain(self) -> None:
        """Bring everything that Kafka holds now through to PostgreSQL, and return."""
        self._bronze.drain()
        self.rebuild()

    def count(self) -> None:
        """Count what bronze holds, do the replays that are asked for, and return; PostgreSQL is left as it is."""
        self._silver.catch_up()

    def rebuild(self) -> None:
        """Count what bronze holds, bring it to PostgreSQL, and return; Kafka is left alone."""
        self._silver.catch_up()
        self._mirror.catch_up()
        self._mirror.close()

    def run(self) -> None:
        """Run the loops until :meth:`stop`."""
        loops = {
            "bronze": self._bronze.follow,
            "silver": lambda: self._on(self._bronze_moved, self._silver.catch_up),
            "mirror": lambda: self._on(self._ledger_moved, self._mirror.catch_up),
        }
        threads = [
            threading.Thread(name=name, target=inheritable_thread_target(self._session)(self._keep(name, loop)))
            for name, loop in loops.items()
        ]
        for thread in threads:
            thread.start()
        while not self._stop.wait(10):
            self.progress.touch()
        for thread in threads:
            thread.join()
        self._mirror.close()

    def stop(self) -> None:
        """Ask the loops to end after the batches at hand."""
        self._stop.set()
        for part in (self._bronze, self._silver, self._mirror):
            part.stop()
        self._bronze_moved.set()
        self._ledger_moved.set()

    def _on(self, moved: threading.Event, work: Callable[[], None]) -> None:
        """Do the work whenever the stage before has moved, and once in ``LOOK_SECONDS`` regardless."""
        while not self._stop.is_set():
            moved.clear()
            work()
            moved.wait(LOOK_SECONDS)

    def _keep(self, name: str, loop: Callable[[], None]) -> Callable[[], None]:
        """Make a loop that outlives its errors: they are logged, and it begins again after a pause."""

        def keep() -> None:
            self._session.sparkContext.setLocalProperty("spark.scheduler.pool", name)
            pause = FIRST_RETRY_SECONDS
            while not self._stop.is_set():
                try:
                    loop()
                    pause = FIRST_RETRY_SECONDS
                except (WeblakeError, PySparkException, Py4JError, OSError) as error:
                    log.error("%s: %s; trying again in %.0f s", name, _first_line(error), pause, exc_info=error)
                    self._stop.wait(pause)
                    pause = min(pause * 2, LONGEST_RETRY_SECONDS)

        return keep


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
