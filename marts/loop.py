"""Build the marts whenever the mirror has moved: `weblake run marts`."""

from __future__ import annotations

import logging
import threading
import time

import psycopg2

from lake.contracts.reports import report_round
from lake.errors import WeblakeError
from lake.settings import Settings
from marts.build import Marts, build, building, first_lines
from marts.listener import Listener
from marts.propose import propose
from marts.stand import is_due, stands

FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 15.0
LOOK_SECONDS = 20.0
"""How long to wait for PostgreSQL to say that the mirror has moved, which it may never do."""
SHORTEST_PAUSE_SECONDS = 1.0
"""After a round that found nothing to build: anybody who is logged in may notify."""
PROPOSAL_SECONDS = 60.0
"""After verdicts were asked for, how long the next ones are gathered: each reads its clients' records again."""

log = logging.getLogger(__name__)


def run_loop(marts: Marts, settings: Settings, stop: threading.Event) -> None:
    """Build whenever the mirror has moved, until ``stop`` is set. No failure ends it.

    Between the starts of two builds there are at least ``marts_seconds``.
    """
    retry_seconds = FIRST_RETRY_SECONDS
    has_built = False
    next_proposal = 0.0
    with Listener(settings.postgres_dsn("dbt")) as listener:
        while not stop.is_set():
            started = time.monotonic()
            try:
                listener.listen()
                with building(settings, stop):
                    mirror, published = stands(settings)
                    is_new = is_due(mirror, published, has_built and not marts.has_changed())
                    if is_new:
                        build(marts, settings)
                        has_built = True
                    # A verdict that has to wait, or was taken back, is asked for again even where nothing new comes in.
                    if (is_new or mirror == published) and started >= next_proposal and propose(settings):
                        next_proposal = started + PROPOSAL_SECONDS
                report_round(settings.loop_file("marts"), None)
            except Exception as error:  # also what nobody thought of: it is reported, and tried again like the rest
                if stop.is_set():
                    return
                trace = None if isinstance(error, (WeblakeError, psycopg2.Error)) else error
                log.error("%s; next try in %.0f s", first_lines(error), retry_seconds, exc_info=trace)
                report_round(settings.loop_file("marts"), first_lines(error))
                stop.wait(retry_seconds)
                retry_seconds = min(2 * retry_seconds, LAST_RETRY_SECONDS)
                continue
            retry_seconds = FIRST_RETRY_SECONDS
            pause = max(settings.marts_seconds if is_new else 0, SHORTEST_PAUSE_SECONDS)
            stop.wait(max(0.0, started + pause - time.monotonic()))
            listener.wait(LOOK_SECONDS, stop)
