"""An analyst who looks at the marts all the time, and whom nothing may disturb."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg2
from background import in_background

from lake.settings import Settings
from stack.servers import postgres

PAUSE_SECONDS = 0.05
TOTALS = """
set lock_timeout = '1s';
select
    (select version from build_info) as version,
    (select sum(events) from traffic)::bigint as traffic,
    (select sum(events) from actions)::bigint as actions,
    (select sum(events) from action_counts)::bigint as action_counts,
    (select sum(checkouts) from payment_errors)::bigint as checkouts,
    (select sum(events) from actions where action = 'checkout')::bigint as checkout_actions,
    (select sum(views) from products where product_id <> '')::bigint as views,
    (select sum(views) from product_views)::bigint as product_views
"""


@dataclass(frozen=True)
class Totals:
    """What one look at all marts shows; None where a mart is empty."""

    version: int | None
    traffic: int | None
    actions: int | None
    action_counts: int | None
    checkouts: int | None
    checkout_actions: int | None
    views: int | None
    product_views: int | None

    def complaint(self, earlier: Totals) -> str:
        """Return what an analyst would say of these totals, who has seen earlier ones; nothing where all is well."""
        if None in vars(self).values():
            return f"a mart is empty: {self}"
        pairs = ((self.traffic, self.actions), (self.traffic, self.action_counts), (self.views, self.product_views))
        if any(left != right for left, right in (*pairs, (self.checkouts, self.checkout_actions))):
            return f"marts of different versions: {self}"
        shrunk = [name for name, total in vars(self).items() if total < vars(earlier)[name]]
        return f"{', '.join(shrunk)} shrank: {earlier}, then {self}" if shrunk else ""


class Analyst:
    """Looks, as the role ``analyst``, whenever the server lets somebody in. ``complaints`` should stay empty."""

    def __init__(self, settings: Settings) -> None:
        """Look at nothing yet; the marts must be there."""
        self.looks = 0
        self.complaints: list[str] = []
        self.totals = _look(settings)
        self._settings = settings

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look all the time, in the background."""
        with in_background(self._watch, "analyst"):
            yield

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(PAUSE_SECONDS):
            started = time.monotonic()
            try:
                totals = _look(self._settings)
            except psycopg2.OperationalError as error:
                if isinstance(error, psycopg2.errors.LockNotAvailable):
                    self.complaints.append(f"blocked for {time.monotonic() - started:.1f} s")
                continue  # the server is away, which is not the marts' fault
            except psycopg2.Error as error:
                self.complaints.append(str(error).strip())
                continue
            self.looks += 1
            complaint = totals.complaint(self.totals)
            if complaint:
                self.complaints.append(complaint)
            self.totals = totals


def _look(settings: Settings) -> Totals:
    with closing(postgres.connect(settings, "analyst")) as connection, connection.cursor() as cursor:
        cursor.execute(TOTALS)
        row = cursor.fetchone()
        assert row is not None
        return Totals(*row)
