"""A shop's day: what a million records cost in all, as dense as a shop has them.

The backlog's events are dense: thousands fall on each product in a window, so that next to nothing is left of them once
they are counted. Those of a shop are not, and most of what they cost is what is left.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from bench.load import SAY_SECONDS, Loaded, spawned, yesterday
from bench.stream import Stream, metered_services
from bench.usage import per_million
from ingest.connection import connect
from ingest.headers import ID
from ingest.shop.traffic import records
from lake.errors import ServiceError
from lake.settings import Settings
from marts.build import Marts
from stack.disk import disk_usage
from stack.servers import postgres
from viz.draw import draw_all
from viz.marts import connect as connect_charts

SEED = 42
BOTS = 0.2
BATCH_OF_MIRROR = re.compile(r"PostgreSQL (?:at|filled at) version \d+: [\d,]+ rows in ([\d.]+) s")
BUILDERS = ("marts", "charts")
PATIENCE_SECONDS = 600.0
POLL_SECONDS = 0.1
SIZES = """
    select nspname, relname, pg_total_relation_size(pg_class.oid)
    from pg_class join pg_namespace on relnamespace = pg_namespace.oid
    where nspname in ('silver', 'staging', 'marts') and relkind = 'r'
"""
CELLS = "select dimension, count(*), coalesce(sum(events), 0)::bigint from silver.window_counts group by dimension"
WRITTEN = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"


@dataclass(frozen=True)
class Day:
    """What some hours of a shop cost; sizes, and CPU seconds by program, are per million records.

    ``first_build_seconds`` is the marts' of all of it, ``build_seconds`` that of a run after which nothing has changed.
    """

    rate: int
    form: str
    records: int
    events: int
    seconds: float
    cpu_seconds_per_million: dict[str, float]
    mirror_seconds: float
    first_build_seconds: float
    build_seconds: float
    cells_per_event: dict[str, float]
    postgres_bytes_per_million: dict[str, float]
    wal_bytes_per_million: float
    wal_bytes: int
    disk_bytes_per_million: dict[str, float]
    peak_memory_bytes: dict[str, int]


def measure_day(folder: Path, rate: int, form: str, count: int, say: Callable[[str], None]) -> Day:
    """Drain ``count`` records of yesterday at ``rate`` a second of their own time, build the marts and draw the charts.

    Raises:
        ServiceError: a process failed, or the counts stand still.
    """
    with metered_services(folder) as (settings, meter):
        written, before = _number(settings, WRITTEN), {**meter.cpu(), "stream": 0.0}
        loaded = _load(settings, rate, form, count, say)
        with Stream(settings) as stream:
            meter.follow("stream", stream.pid)
            seconds = _wait(stream, loaded.records, say) - stream.started_at
            drained = meter.cpu()
        with spawned(_build, [(settings,)]) as answers:
            built, first_build, build, drawn = next(iter(answers))
        cost = per_million(before, {**meter.cpu(), "stream": drained["stream"]}, loaded.records)
        cost |= {name: cpu / loaded.records * 1e6 for name, cpu in zip(BUILDERS, (built, drawn), strict=True)}
        cells = _rows(settings, CELLS)
        events = next((events for dimension, _, events in cells if dimension == "all"), 0)
        sizes = {f"{schema}.{table}": size for schema, table, size in _rows(settings, SIZES)}
        by_schema: dict[str, int] = {}
        for name, size in sizes.items():
            schema = name.partition(".")[0]
            by_schema[schema] = by_schema.get(schema, 0) + size
        largest = dict(sorted(sizes.items(), key=lambda one: -one[1])[:8])
        return Day(
            rate=rate,
            form=form,
            records=loaded.records,
            events=events,
            seconds=seconds,
            cpu_seconds_per_million=cost,
            mirror_seconds=sum(map(float, BATCH_OF_MIRROR.findall(stream.log.read_text(errors="replace")))),
            first_build_seconds=first_build,
            build_seconds=build,
            cells_per_event={dimension: number / max(events, 1) for dimension, number, _ in sorted(cells)},
            postgres_bytes_per_million={
                name: size / loaded.records * 1e6
                for name, size in {"all": sum(by_schema.values()), **by_schema, **largest}.items()
            },
            wal_bytes_per_million=(_number(settings, WRITTEN) - written) / loaded.records * 1e6,
            wal_bytes=disk_usage(postgres.cluster(settings) / "pg_wal"),
            disk_bytes_per_million={
                name: disk_usage(Path(path)) / loaded.records * 1e6
                for name, path in (("bronze", settings.bronze), ("ledger", settings.ledger))
            },
            peak_memory_bytes=meter.peaks(),
        )


def _load(settings: Settings, rate: int, form: str, count: int, say: Callable[[str], None]) -> Loaded:
    """Send the first ``count`` records of a shop's yesterday."""
    started = last_message = time.monotonic()
    producer = connect(settings, SAY_SECONDS * 6, threading.Event())
    if producer is None:
        raise ServiceError("Kafka was not there")
    size = 0
    for record in records(count / rate, SEED, rate, BOTS, form, yesterday()):
        if not producer.has_room:
            producer.wait(lambda: producer.has_room)
        producer.send(record.value, None if record.header is None else [(ID, record.header)], "a record of the shop")
        size += len(record.value)
        if time.monotonic() - last_message > SAY_SECONDS:
            last_message = time.monotonic()
            say(f"  {producer.sent:,} of {count:,} records loaded")
    if not producer.flush(SAY_SECONDS * 6):
        raise ServiceError("Kafka did not take all records")
    return Loaded(producer.sent, producer.sent, size, time.monotonic() - started)


def _wait(stream: Stream, rows: int, say: Callable[[str], None]) -> float:
    """Wait until PostgreSQL has what was counted of so many rows; return when (epoch seconds)."""
    moved_at = last_message = time.monotonic()
    seen: dict[str, Any] = {}
    while True:
        report = stream.check()
        now = time.monotonic()
        if report.get("mirror", 0) >= rows:
            return time.time()
        if report != seen:
            seen, moved_at = report, now
        if now - moved_at > PATIENCE_SECONDS:
            raise ServiceError(f"nothing has moved for {PATIENCE_SECONDS:.0f} s: {seen} of {rows:,} rows")
        if now - last_message > SAY_SECONDS * 2:
            last_message = now
            say(f"  {report.get('mirror', 0):,} of {rows:,} records in PostgreSQL")
        time.sleep(POLL_SECONDS)


def _build(settings: Settings, answer: Callable[[Any], None]) -> None:
    """Build the marts twice and draw the charts; answer the CPU of the first build, both's seconds, the charts' CPU."""
    marts = Marts(settings)
    started, cpu = time.monotonic(), _cpu()
    marts.run()
    first, built = time.monotonic() - started, _cpu() - cpu
    started = time.monotonic()
    marts.run()
    again, cpu = time.monotonic() - started, _cpu()
    draw_all(connect_charts(settings), settings.data / "charts")
    answer((built, first, again, _cpu() - cpu))


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(settings.postgres_dsn("owner"))) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _number(settings: Settings, query: str) -> int:
    return int(_rows(settings, query)[0][0])
