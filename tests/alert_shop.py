"""A shop in which payments go well or badly, minute by minute, and a watcher of it."""

from __future__ import annotations

from alert_marts import NOW, show, stack_is
from alert_rules import a_rule
from psycopg2.extensions import connection as Connection

from lake.settings import Settings
from watch.rules import Rule
from watch.watcher import Watcher

MINUTE = 60.0
BAD, GOOD = (90, 100), (1, 100)


class Shop:
    """A shop whose minutes are good or bad, and a watcher that looks at the end of each."""

    def __init__(self, settings: Settings, connection: Connection, *rules: Rule) -> None:
        self.settings, self.connection, self.rules = settings, connection, rules or (a_rule(),)
        self.version = 0
        self.restart()

    def restart(self) -> None:
        self.watcher = Watcher(self.rules, ("log",))

    def look(self, minute: float, *shares: tuple[int, int], first: float | None = None) -> list[str]:
        """Publish minutes, the last of which ends at ``minute``, and look then."""
        self.version += 1
        start = minute - len(shares) if first is None else first
        show(
            self.settings,
            self.version,
            NOW + minute * MINUTE,
            {NOW + (start + number) * MINUTE: share for number, share in enumerate(shares)},
        )
        stack_is(self.settings, NOW + minute * MINUTE, "3 rows are being counted")
        return self.watcher.look(self.connection, NOW + minute * MINUTE)
