"""The exporter: what a scrape gets. A part of it that fails is left out, and counted."""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Callable, Iterator
from typing import TypeAlias

from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from lake.errors import first_line
from lake.settings import Settings
from stack.metrics import database, look, programs, reports
from stack.metrics.families import counter
from stack.status import Status

Part: TypeAlias = Callable[[Settings, "Status | None"], Iterator[Metric]]

PARTS: dict[str, Part] = {
    "programs": programs.programs,
    "state": look.state,
    "kafka": look.kafka,
    "stages": look.stages,
    "disks": look.disks,
    "stream": reports.stream,
    "waiting": reports.waiting,
    "verify": reports.verify,
    "schemas": database.schemas,
    "marts": database.marts,
}

log = logging.getLogger(__name__)


class Exporter(Collector):
    """All metrics. One scrape at a time is served; it looks at what is cheap, and takes the rest from the last look."""

    def __init__(self, settings: Settings, version: str) -> None:
        """Begin with nothing seen; ``version`` is Weblake's."""
        self._settings = settings
        self._build = InfoMetricFamily("weblake_build", "Versions of Weblake and of Python")
        self._build.add_metric([], {"version": version, "python": platform.python_version()})
        self._seen: Status | None = None
        self._failures = dict.fromkeys(PARTS, 0)
        self._last = dict.fromkeys(PARTS, "")
        self._lock = threading.Lock()

    def show(self, status: Status) -> None:
        """Take what the lookout has just seen."""
        self._seen = status

    def seen(self) -> Status | None:
        """Return what it was shown last."""
        return self._seen

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics that can be had now."""
        with self._lock:
            yield self._build
            for name, part in PARTS.items():
                yield from self._of(name, part)
            meaning = "Scrapes since the program's start without the metrics of that part"
            failures = {name: float(number) for name, number in self._failures.items()}
            yield counter("weblake_scrape_failures", meaning, failures, "part")

    def _of(self, name: str, part: Part) -> list[Metric]:
        try:
            families = list(part(self._settings, self._seen))
        except Exception as error:  # also what nobody thought of: the others are served all the same
            self._failures[name] += 1
            if first_line(error) != self._last[name]:  # said once, however long it lasts
                log.warning("the metrics of %s cannot be had: %s", name, first_line(error))
                log.debug("the trace", exc_info=error)
            self._last[name] = first_line(error)
            return []
        self._last[name] = ""
        return families
