"""The alerts' loop, a thread of ``weblake run watch``: it looks when the marts have moved, and once in a while."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection

from lake.contracts.reports import report_round
from lake.errors import WeblakeError, first_line
from lake.settings import Settings
from watch import journal
from watch.channels import channels
from watch.post import keep_post
from watch.readings import looking
from watch.rules import Rule, load_alert_rules
from watch.watcher import Watcher, read_stand

POLL_SECONDS = 5.0
"""How often it looks whether the marts have moved."""
LOOK_SECONDS = 30.0
"""How often it looks although nothing has moved: that nothing comes is what some rules are about."""
REPORT = "alerts"

log = logging.getLogger(__name__)


def keep_alerts(settings: Settings, stop: threading.Event) -> None:
    """Look by the rules and send what there is to tell, until ``stop`` is set; no failure ends it."""
    ways, complaints = channels(settings)
    wake = threading.Event()
    post = threading.Thread(target=keep_post, args=(settings, ways, wake, stop), name="post", daemon=True)
    post.start()
    rounds = Rounds(settings, complaints)
    reader = RulesReader(settings.outlook.alerts_file)
    while not stop.is_set():
        try:
            watcher = Watcher(reader.read(), tuple(ways))
            with closing(journal.connect(settings)) as connection:
                while not (stop.is_set() or reader.has_changed()):
                    rounds.take(connection, watcher, wake)
                    stop.wait(POLL_SECONDS)
        except (WeblakeError, psycopg2.Error) as error:
            rounds.report([first_line(error)])
        except Exception as error:  # what nobody thought of: the next look may work
            log.exception("the alerts were not looked at")
            rounds.report([first_line(error)])
        stop.wait(POLL_SECONDS)
    wake.set()
    post.join()


class Rounds:
    """The looks, one after the other, and what is said of them.

    Args:
        settings: of the stack.
        complaints: what is wrong all the time.
    """

    def __init__(self, settings: Settings, complaints: Sequence[str]) -> None:
        self._settings = settings
        self._complaints = complaints
        self._said: set[str] = set()
        self._version: int | None = None
        self._looked_at = 0.0

    def take(self, connection: Connection, watcher: Watcher, wake: threading.Event) -> None:
        """Look if the marts have moved, or after a while; set ``wake`` where something is to be sent.

        Raises:
            psycopg2.Error: PostgreSQL does not answer, or lacks the schema.
        """
        now = time.time()
        with looking(connection) as cursor:
            stand = read_stand(cursor, now)
        if stand.version == self._version and now - self._looked_at < LOOK_SECONDS:
            return
        failures = watcher.look(connection, now)
        self._version, self._looked_at = stand.version, now
        with looking(connection) as cursor:
            failing = journal.failing_channels(cursor)
            due = journal.next_due(cursor)
        if due is not None and due <= now:
            wake.set()
        self.report([*failures, *(f"{name} takes no message: {why}" for name, why in failing)])

    def report(self, failures: Sequence[str]) -> None:
        """Report a round, for ``weblake status``; what fails is logged once, however long it lasts."""
        failures = [*self._complaints, *failures]
        for failure in failures:
            if failure not in self._said:
                log.warning("%s", failure)
        self._said = set(failures)
        report_round(self._settings.loop_file(REPORT), "; ".join(failures) or None)


class RulesReader:
    """Reads the file of rules again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: object = None

    def has_changed(self) -> bool:
        """Say whether the file is another one than was read last."""
        return self._stamp != self._stamp_now()

    def read(self) -> tuple[Rule, ...]:
        """Return the rules; raises RulesError as :func:`load_alert_rules`."""
        self._stamp = self._stamp_now()
        return load_alert_rules(self._path)

    def _stamp_now(self) -> object:
        with suppress(OSError):
            stat = self._path.stat()
            return stat.st_mtime_ns, stat.st_size, stat.st_ino
        return None
