"""PostgreSQL's counts as the mirror writes them: ten-second windows while they are hot, and then wider ones.

Sums lose nothing in a wider window. What dbt asks of single minutes of a client stands in the client's day as a list of
its minutes. Only when in a settled window the first and the last event was is no sum: where something is taken away
from it, :func:`put_seen` brings that from the ledger.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values
from pyarrow import csv

from lake.contracts import LEDGER_DIMENSIONS, LEDGER_KEY, MIRROR_SCHEMA, names, postgres_type
from lake.contracts.mirror import CLIENT_DAY, SEEN, SETTLED_SECONDS, SPARSE, SUMS
from spark import failpoints

COUNTS = sql.Identifier(MIRROR_SCHEMA, "window_counts")
LONG_AGO = dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)
FOR_EVER_HOURS = 1000 * 366 * 24
"""More than that is no time that a clock can show."""
CELLS_AT_ONCE = 2_000_000
"""So many of a dimension's hot windows are settled in one transaction, or those of an hour."""
BECOMES = {name: CLIENT_DAY if name == "client" else name for name in LEDGER_DIMENSIONS}
"""Dimension of the ledger -> the one in which its settled windows stand."""

_ENTRIES = "create temporary table if not exists entries ({columns}) on commit drop"
_ADD_HOT = """
    insert into {counts} as counts ({sums}, version)
    select {sums}, %(version)s from entries where window_start >= %(until)s order by {key}
    on conflict ({key}) do update set {added}, version = excluded.version
"""
_CELLS = """
    create temporary table cells on commit drop as
    select {sums}, %(version)s::bigint as version from entries where window_start < %(until)s
"""
_CELLS_WITH_HOT = """
    create temporary table cells on commit drop as
    select {key}, {totals}, max(version) as version
    from (
        select {sums}, %(version)s::bigint as version from entries where window_start < %(until)s
        union all
        select {sums}, version from {counts} where {is_leaving}
    ) as parts
    group by {key}
"""
_LEAVE_HOT = "delete from {counts} where {is_leaving}"
_LEAVING = "dimension = any(%(dimensions)s) and window_start >= %(since)s and window_start < %(until)s"
_SETTLE = """
    insert into {counts} as counts ({sums}, first_seen, last_seen, version)
    select
        becomes, starts_at, key, is_bot, {totals},
        case when becomes = any(%(seen)s)
            then (extract(epoch from min(window_start) filter (where events > 0) - starts_at) / 10)::smallint end,
        case when becomes = any(%(seen)s)
            then (extract(epoch from max(window_start) filter (where events > 0) - starts_at) / 10)::smallint end,
        max(version)
    from (
        select becomes, date_bin(width, window_start, timestamptz '2000-01-01 00:00:00+00') as starts_at, cells.*
        from cells join (values {widths}) as widths (dimension, becomes, width) using (dimension)
    ) as wider
    group by becomes, starts_at, key, is_bot
    order by becomes, starts_at, key, is_bot
    on conflict ({key}) do update set {added}, first_seen = least(counts.first_seen, excluded.first_seen),
        last_seen = greatest(counts.last_seen, excluded.last_seen),
        version = greatest(counts.version, excluded.version)
"""
_LIST_MINUTES = """
    with added as (
        select date_trunc('day', window_start, 'UTC') as starts_at, key, is_bot,
            extract(epoch from window_start - date_trunc('day', window_start, 'UTC'))::integer / 60 as minute,
            events, assets
        from cells where dimension = 'client'
    ),
    listed as (
        select counts.window_start as starts_at, counts.key, counts.is_bot, old.minute, old.events, old.assets
        from (select distinct starts_at, key, is_bot from added) as touched
        join {counts} as counts on counts.dimension = %(client_day)s and counts.window_start = touched.starts_at
            and counts.key = touched.key and counts.is_bot = touched.is_bot
        cross join lateral unnest(counts.minutes, counts.minute_events, counts.minute_assets)
            as old (minute, events, assets)
    ),
    merged as (
        select starts_at, key, is_bot, minute, sum(events)::integer as events,
            coalesce(sum(assets), 0)::integer as assets
        from (select * from added union all select * from listed) as minutes
        group by starts_at, key, is_bot, minute
    ),
    lists as (
        select starts_at, key, is_bot, array_agg(minute::smallint order by minute) as minutes,
            array_agg(events order by minute) as minute_events,
            case when bool_or(assets <> 0) then array_agg(assets order by minute) end as minute_assets
        from merged group by starts_at, key, is_bot
    )
    update {counts} as counts
    set minutes = lists.minutes, minute_events = lists.minute_events, minute_assets = lists.minute_assets
    from lists
    where counts.dimension = %(client_day)s and counts.window_start = lists.starts_at
        and counts.key = lists.key and counts.is_bot = lists.is_bot
"""
_PUT_SEEN = """
    update silver.window_counts as counts
    set first_seen = seen.first_seen::smallint, last_seen = seen.last_seen::smallint
    from (values %s) as seen (dimension, window_start, key, is_bot, first_seen, last_seen)
    where counts.dimension = seen.dimension and counts.window_start = seen.window_start
        and counts.key = seen.key and counts.is_bot = seen.is_bot
"""


Seen: TypeAlias = tuple[str, dt.datetime, str, bool, int | None, int | None]
"""The key of a settled row, and when in it the first and the last event was, in windows of ten seconds; None: never."""


@dataclass
class Brought:
    """What stands in the table of entries: how many rows, and the newest window with an event.

    ``shrunk`` has the key of each cell of which events were taken away, with its window in microseconds.
    """

    rows: int = 0
    newest: dt.datetime | None = None
    shrunk: list[pa.Table] = field(default_factory=list)


def bring(cursor: Cursor, sums: pa.Table, brought: Brought) -> None:
    """Copy sums of entries into PostgreSQL, beside those that were brought before in this transaction.

    ``sums`` has a row per cell, its window in microseconds since 1970: see :mod:`spark.entry_sums`.
    """
    columns = [sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(postgres_type(column))) for column in SUMS]
    cursor.execute(sql.SQL(_ENTRIES).format(columns=sql.SQL(", ").join(columns)))
    table = sums.select(names(SUMS))
    _note(brought, table)
    stamps = pa.compute.strftime(table["window_start"].cast(pa.timestamp("us")), format="%Y-%m-%d %H:%M:%S+00")
    table = table.set_column(table.column_names.index("window_start"), "window_start", stamps)
    for name in names(SPARSE):
        counts = table[name]
        sparse = pa.compute.if_else(pa.compute.equal(counts, 0), pa.scalar(None, counts.type), counts)
        table = table.set_column(table.column_names.index(name), name, sparse)
    buffer = io.BytesIO()
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    buffer.seek(0)
    copy = sql.SQL("copy entries ({}) from stdin with (format csv)").format(_listed(names(SUMS)))
    cursor.copy_expert(copy, buffer)


def _note(brought: Brought, sums: pa.Table) -> None:
    brought.rows += int(sums.num_rows)
    of_all = pa.compute.and_(pa.compute.equal(sums["dimension"], "all"), pa.compute.greater(sums["events"], 0))
    newest = pa.compute.max(sums["window_start"].filter(of_all)).as_py()
    if newest is not None:
        window = dt.datetime.fromtimestamp(newest / 1e6, tz=dt.timezone.utc)
        brought.newest = max(window, brought.newest or window)
    dimensions = pa.array([name for name, becomes in BECOMES.items() if becomes in SEEN])
    is_less = pa.compute.and_(pa.compute.is_in(sums["dimension"], dimensions), pa.compute.less(sums["events"], 0))
    brought.shrunk.append(sums.select(names(LEDGER_KEY)).filter(is_less))


def add_entries(
    cursor: Cursor, version: int, since: dt.datetime | None, until: dt.datetime | None, has_hot: bool = True
) -> None:
    """Add what was brought to the counts, and settle the windows from ``since`` up to ``until``; the entries go.

    Rows that it touches are stamped with ``version``. What is only settled is no newer by it than what it is made of.

    Args:
        cursor: in the transaction that moves the bookmark.
        version: of the ledger.
        since: windows before it are settled; None where none are.
        until: windows before it will be; not before ``since``.
        has_hot: whether hot windows may stand before ``until``; where the tables are filled, none do.
    """
    parameters = {
        "version": version,
        "since": since or LONG_AGO,
        "until": until or LONG_AGO,
        "dimensions": list(BECOMES),
        "seen": list(SEEN),
        "client_day": CLIENT_DAY,
    }
    parts = _parts()
    cursor.execute("set local work_mem = '64MB'")
    _execute(cursor, _ADD_HOT, parts, parameters)
    if until is not None:
        is_moving = has_hot and (since is None or until > since)
        _execute(cursor, _CELLS_WITH_HOT if is_moving else _CELLS, parts, parameters)
        if cursor.rowcount:
            cursor.execute("analyze cells")  # without, PostgreSQL takes them for few
            if is_moving:
                _execute(cursor, _LEAVE_HOT, parts, parameters)
            failpoints.reach("mirror-while-settling")
            _execute(cursor, _SETTLE, parts, parameters)
            _execute(cursor, _LIST_MINUTES, parts, parameters)
        cursor.execute("drop table cells")
    cursor.execute("truncate entries")


def next_boundary(
    cursor: Cursor, since: dt.datetime | None, newest: dt.datetime | None, hot_hours: int
) -> dt.datetime | None:
    """Return until when windows are to be settled now, given until when they are, and the newest window with an event.

    That is a full hour, and where many are hot, only as far as ``CELLS_AT_ONCE`` of them reach.
    """
    wanted = wanted_boundary(newest, hot_hours)
    if wanted is None or (since is not None and wanted <= since):
        return since
    query = "select window_start from {} where dimension = 'client' and window_start >= %s order by 1 offset %s limit 1"
    cursor.execute(sql.SQL(query).format(COUNTS), (since or LONG_AGO, CELLS_AT_ONCE))
    row = cursor.fetchone()
    return min(wanted, _full_hour(row[0]) + HOUR) if row else wanted


def wanted_boundary(newest: dt.datetime | None, hot_hours: int) -> dt.datetime | None:
    """Return the full hour before which nothing is hot any more."""
    return None if newest is None else _full_hour(newest - min(hot_hours, FOR_EVER_HOURS) * HOUR)


def put_seen(cursor: Cursor, seen: Iterable[Seen]) -> None:
    """Write when in settled windows the first and the last event was."""
    execute_values(cursor, _PUT_SEEN, seen, page_size=1000)


def _full_hour(time: dt.datetime) -> dt.datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def _execute(cursor: Cursor, statement: str, parts: dict[str, sql.Composable], parameters: dict[str, object]) -> None:
    cursor.execute(sql.SQL(statement).format(**parts), parameters)


def _parts() -> dict[str, sql.Composable]:
    measures = [column.name for column in SUMS if column not in LEDGER_KEY]
    sparse = names(SPARSE)
    total, summed = "nullif(sum({0}), 0) as {0}", "nullif(coalesce(counts.{0}, 0) + coalesce(excluded.{0}, 0), 0)"
    return {
        "counts": COUNTS,
        "sums": _listed(names(SUMS)),
        "key": _listed(names(LEDGER_KEY)),
        "totals": sql.SQL(", ").join(
            sql.SQL(total if name in sparse else "sum({0}) as {0}").format(sql.Identifier(name)) for name in measures
        ),
        "added": sql.SQL(", ").join(
            sql.SQL(f"{{0}} = {summed if name in sparse else 'counts.{0} + excluded.{0}'}").format(sql.Identifier(name))
            for name in measures
        ),
        "is_leaving": sql.SQL(_LEAVING),
        "widths": sql.SQL(", ").join(
            sql.SQL("({}, {}, interval {})").format(
                sql.Literal(name), sql.Literal(becomes), sql.Literal(f"{SETTLED_SECONDS[becomes]} seconds")
            )
            for name, becomes in BECOMES.items()
        ),
    }


def _listed(columns: Iterable[str]) -> sql.Composed:
    """Return columns, separated by commas."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))
