"""The results, as a table for people."""

from __future__ import annotations

from bench.backlog import Backlog, Stretch
from bench.cells import Comparison
from bench.day import Day
from bench.idle import ALL, Idle
from bench.live import Live
from bench.replay import Replay

MIB = 1024**2


def table(
    backlog: Backlog | None,
    live: Live | None,
    days: list[Day],
    replay: Replay | None,
    idle: Idle | None,
    check: Comparison | None,
) -> str:
    """Return one table of what was measured."""
    rows: list[tuple[str, str]] = []
    if backlog:
        rows += _backlog_rows(backlog)
    if live:
        rows += _live_rows(live)
    for day in days:
        rows += _day_rows(day)
    if replay:
        rows += _replay_rows(replay)
    if idle:
        rows += _idle_rows(idle)
    if check:
        rows += [("Check", ""), ("cells equal to the loader's counts", f"{check.cells:,}")]
        rows += [("first difference", check.first_difference or "none")]
    width = max(len(name) for name, _ in rows) + 4
    return "\n".join(f"{name}" if not value else f"  {name:<{width}}{value:>14}" for name, value in rows)


def _backlog_rows(backlog: Backlog) -> list[tuple[str, str]]:
    rows = [
        (f"Backlog of {backlog.events:,} events ({backlog.bytes_per_record:.0f} bytes each)", ""),
        *_stretch_rows("cold", backlog.cold),
    ]
    if backlog.warm:
        rows += _stretch_rows("warm", backlog.warm)
    rows += [(f"peak memory of {name}, MiB", _mebibytes(size)) for name, size in backlog.peak_memory_bytes.items()]
    rows += [(f"disk, {name}, MiB per million", _mebibytes(n)) for name, n in backlog.disk_bytes_per_million.items()]
    return rows


def _stretch_rows(name: str, stretch: Stretch) -> list[tuple[str, str]]:
    costs = stretch.cpu_seconds_per_million
    return [
        (f"{name}: seconds for {stretch.events:,}", f"{stretch.seconds:.1f}"),
        (f"{name}: events/s", f"{stretch.events_per_second:,.0f}"),
        *((f"{name}: CPU-seconds per million, {program}", f"{cost:.1f}") for program, cost in costs.items()),
    ]


def _live_rows(live: Live) -> list[tuple[str, str]]:
    costs = live.cpu_seconds_per_million
    return [
        (f"Live at {live.rate:,.0f} events/s for {live.seconds:.0f} s", ""),
        *_freshness_rows(live),
        *((f"CPU-seconds per million, {program}", f"{cost:.1f}") for program, cost in costs.items()),
        *((f"peak memory of {name}, MiB", _mebibytes(size)) for name, size in live.peak_memory_bytes.items()),
    ]


def _day_rows(day: Day) -> list[tuple[str, str]]:
    costs = day.cpu_seconds_per_million
    return [
        (f"A day of a shop at {day.rate:,} records/s ({day.form}): {day.records:,} records, from a cold start", ""),
        ("seconds until PostgreSQL has them", f"{day.seconds:.1f}"),
        ("seconds of them the mirror's", f"{day.mirror_seconds:.1f}"),
        ("seconds of the first dbt run", f"{day.first_build_seconds:.1f}"),
        ("seconds of a dbt run that finds nothing new", f"{day.build_seconds:.2f}"),
        *((f"CPU-seconds per million, {program}", f"{cost:.1f}") for program, cost in costs.items()),
        ("CPU-seconds per million, all", f"{sum(costs.values()):.1f}"),
        *((f"cells per event, {dimension}", f"{cells:.3f}") for dimension, cells in day.cells_per_event.items()),
        *((f"PostgreSQL, {n}, MiB per million", _mebibytes(s)) for n, s in day.postgres_bytes_per_million.items()),
        ("written to PostgreSQL's log, MiB per million", _mebibytes(day.wal_bytes_per_million)),
        ("PostgreSQL's log on disk, MiB", _mebibytes(day.wal_bytes)),
        *((f"disk, {name}, MiB per million", _mebibytes(size)) for name, size in day.disk_bytes_per_million.items()),
    ]


def _replay_rows(replay: Replay) -> list[tuple[str, str]]:
    return [
        (f"Replay of {replay.events:,} events, at {replay.live.rate:,.0f} events/s", ""),
        ("seconds", f"{replay.seconds:.0f}"),
        ("corrections", f"{replay.corrections:,}"),
        *_freshness_rows(replay.live),
    ]


def _freshness_rows(live: Live) -> list[tuple[str, str]]:
    return [
        ("freshness p50, seconds", f"{live.freshness_p50_seconds:.1f}"),
        ("freshness p95, seconds", f"{live.freshness_p95_seconds:.1f}"),
        ("freshness max, seconds", f"{live.freshness_max_seconds:.1f}"),
    ]


def _idle_rows(idle: Idle) -> list[tuple[str, str]]:
    percents, sizes = idle.cpu_percent_of_a_core, idle.peak_memory_bytes
    names = [*(name for name in percents if name != ALL), ALL]
    rows = [
        (f"Idle stack at {idle.rate:,} events/s for {idle.seconds:.0f} s", ""),
        ("up after, seconds", f"{idle.up_seconds:.0f}"),
        *((f"{name}: % of a core", f"{percents[name]:.1f}") for name in names),
        ("% of a core, minute by minute", " ".join(f"{percent:.0f}" for percent in idle.cpu_percent_by_minute)),
        *((f"{name}: memory, MiB", _mebibytes(sizes[name])) for name in names if name in sizes),
    ]
    if idle.restarted:
        rows.append(("RESTARTED MEANWHILE", " ".join(idle.restarted)))
    return rows


def _mebibytes(size: float) -> str:
    return f"{size / MIB:,.0f}"
