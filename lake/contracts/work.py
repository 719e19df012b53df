"""What has been done so far, by a process and by those before it: kept in its report, so that a restart loses none."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lake.contracts.fields import fields_of
from lake.files import write_whole

SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0)
ROWS = (10.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0)
POSTGRES, MARTS = "postgres", "marts"
"""Where records arrive after bronze."""


@dataclass(frozen=True)
class Histogram:
    """How many values were at most each bound and above the one before it, the last above all bounds; and their sum."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...] = ()
    total: float = 0.0

    def with_value(self, value: float) -> Histogram:
        """Add a value."""
        counts = list(self.counts or (0,) * (len(self.bounds) + 1))
        counts[bisect_left(self.bounds, value)] += 1
        return replace(self, counts=tuple(counts), total=self.total + value)


@dataclass(frozen=True)
class Work:
    """The batches of each stage that had rows, and how old the newest records were when each place had them."""

    seconds: dict[str, Histogram] = field(default_factory=dict)
    rows: dict[str, Histogram] = field(default_factory=dict)
    ages: dict[str, Histogram] = field(default_factory=dict)
    """Place -> seconds from the moment at which Kafka got a record until it was there."""
    newest: dict[str, float] = field(default_factory=dict)
    """Place -> when Kafka got the newest record that is there (epoch seconds)."""

    def with_batch(self, stage: str, seconds: float, rows: int | None = None) -> Work:
        """Add a batch; ``rows`` is None where they do not matter."""
        work = replace(self, seconds=_added(self.seconds, stage, seconds, SECONDS))
        return work if rows is None else replace(work, rows=_added(self.rows, stage, rows, ROWS))

    def with_arrival(self, place: str, appended_at: float, now: float) -> Work:
        """Add that records have arrived, if the newest of them is newer than what was there (epoch seconds)."""
        if appended_at <= self.newest.get(place, 0.0):
            return self
        ages = _added(self.ages, place, max(now - appended_at, 0.0), SECONDS)
        return replace(self, ages=ages, newest={**self.newest, place: appended_at})

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Work:
        """Read it from a JSON object; a histogram with other bounds than today's begins anew."""
        bounds = {"seconds": SECONDS, "rows": ROWS, "ages": SECONDS}
        histograms = {name: _histograms(content.get(name, {}), of_name) for name, of_name in bounds.items()}
        return cls(**{**fields_of(cls, content), **histograms})


def read_work(path: Path) -> Work:
    """Return what a process wrote; nothing where it has written none, or none that can be read.

    Raises:
        OSError: the file is not ours.
    """
    try:
        return Work.of(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return Work()


def write_work(path: Path, work: Work) -> None:
    """Write it, whole.

    Raises:
        OSError: the disk is full, or the folder is not ours.
    """
    write_whole(path, json.dumps(asdict(work)))


def _added(
    histograms: dict[str, Histogram], name: str, value: float, bounds: tuple[float, ...]
) -> dict[str, Histogram]:
    return {**histograms, name: histograms.get(name, Histogram(bounds)).with_value(value)}


def _histograms(content: Mapping[str, Any], bounds: tuple[float, ...]) -> dict[str, Histogram]:
    read = {name: Histogram(tuple(one["bounds"]), tuple(one["counts"]), one["total"]) for name, one in content.items()}
    return {name: histogram for name, histogram in read.items() if histogram.bounds == bounds}
