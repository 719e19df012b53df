"""The backlog: how fast, and at what cost, the stream brings a full topic to PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from bench.load import Loaded
from bench.stream import Stream
from bench.usage import Meter, per_million
from bench.watch import CountWatch
from lake.settings import Settings
from stack.disk import disk_usage
from stack.servers import kafka

COLD_EVENTS = 1_000_000
NEARLY = 0.99
"""The first million counts as there at 99 %: batches are cut by records, of which a few are copies."""


@dataclass(frozen=True)
class Stretch:
    """A part of the drain; CPU seconds per million events are by process tree: stream, broker, postgres."""

    events: int
    seconds: float
    events_per_second: float
    cpu_seconds_per_million: dict[str, float]


@dataclass(frozen=True)
class Backlog:
    """The drain's figures. ``warm`` is None where the backlog was no larger than the cold part."""

    events: int
    records: int
    bytes_per_record: float
    load_seconds: float
    cold: Stretch
    warm: Stretch | None
    peak_memory_bytes: dict[str, int]
    disk_bytes_per_million: dict[str, float]


def measure_backlog(
    settings: Settings, stream: Stream, loaded: Loaded, meter: Meter, watch: CountWatch, say: Callable[[str], None]
) -> Backlog:
    """Wait until PostgreSQL holds what was loaded, and measure. Call it right after the stream's start.

    Raises:
        ServiceError: the stream ended, or the counts stand still.
    """
    before = {**meter.cpu(), "stream": 0.0}
    first = min(COLD_EVENTS, loaded.events)
    goal = int(first * NEARLY) if first < loaded.events else first
    cold_step = watch.wait_for(goal, stream.check, say)
    at_cold = meter.cpu()
    cold = _stretch(cold_step.events, cold_step.at - stream.started_at, before, at_cold)
    say(f"  the first {cold.events:,} after {cold.seconds:.1f} s")
    warm = None
    if cold_step.events < loaded.events:
        end = watch.wait_for(loaded.events, stream.check, say)
        warm = _stretch(end.events - cold_step.events, end.at - cold_step.at, at_cold, meter.cpu())
        say(f"  the other {warm.events:,} in {warm.seconds:.1f} s more")
    return Backlog(
        events=loaded.events,
        records=loaded.records,
        bytes_per_record=loaded.bytes / loaded.records,
        load_seconds=loaded.seconds,
        cold=cold,
        warm=warm,
        peak_memory_bytes=meter.peaks(),
        disk_bytes_per_million={name: size / loaded.events * 1e6 for name, size in _disk_bytes(settings).items()},
    )


def _stretch(events: int, seconds: float, before: dict[str, float], after: dict[str, float]) -> Stretch:
    return Stretch(events, seconds, events / seconds, per_million(before, after, events))


def _disk_bytes(settings: Settings) -> dict[str, int]:
    """Return what each store takes; of PostgreSQL the table and its indexes, whose log (WAL) is bounded."""
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_total_relation_size('silver.window_counts')")
        ((table,),) = cursor.fetchall()
    return {
        "bronze": disk_usage(Path(settings.bronze)),
        "ledger": disk_usage(Path(settings.ledger)),
        "kafka": disk_usage(kafka.home(settings) / "log"),
        "postgres": table,
    }
