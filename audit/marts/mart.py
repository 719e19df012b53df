"""One mart: what its rows are, and how they are counted again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from audit.check import Check, compared, difference, failed, number
from audit.facts import MEASURE_NAMES
from audit.marts.masks import shown
from audit.scope import Scope

WIDER_WINDOWS = {"five_minutes_start": 300, "hour_start": 3_600, "day_start": 86_400}
"""The column that says in which window of that many seconds a finer one lies."""

ACTIVITY = """
    select key, is_bot, extract(epoch from window_start)::bigint / 60 as minute, events,
        events - coalesce(assets, 0) as requests
    from silver.window_counts where dimension = 'client'
    union all
    select key, is_bot, extract(epoch from window_start)::bigint / 60 + listed.minute, listed.events,
        listed.events - coalesce(listed.assets, 0)
    from silver.window_counts
    cross join lateral unnest(minutes, minute_events, minute_assets) as listed (minute, events, assets)
    where dimension = 'client_day'
"""
"""What each client did in each minute (of all time), in PostgreSQL's counts: those of settled days are lists."""

NEWEST = """
    select least(
        max(window_start + (coalesce(last_seen, 0) + 1) * interval '10 seconds'),
        (select counted_until from silver.bookmark)
    ) as whole_until
    from silver.window_counts where dimension = 'all' and events > 0
"""
"""Windows that end by then are complete: all that came was counted, and the newest event is not before it."""


@dataclass(frozen=True)
class Mart:
    """A mart: its key, its columns, and the SQL for its rows from ``cells`` and ``activity``, PostgreSQL's counts.

    Where the SQL says ``{sums}`` stands the sum of each other measure of which the mart has a column of that name. The
    first of ``columns`` is added up for the report. ``aliases`` are columns that say the same as another one.
    ``unchecked`` are columns that counts cannot tell. A mart ``is_by_window`` if each row tells of the events of its
    own window alone. A mart of windows says how long they are; it also has the starts of the wider ones, and whether
    each is complete.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    query: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()
    is_by_window: bool = False
    window_seconds: int = 0
    literals: Mapping[str, object] = field(default_factory=dict)
    client: str = ""
    """In a mart that tells of single clients, the SQL for a row's: what is shown of it is ``{client}`` in the query."""

    @property
    def derived(self) -> dict[str, sql.Composable]:
        """Return the SQL for each column that follows from others of its own row: aliases, wider windows."""
        derived: dict[str, sql.Composable] = {alias: sql.Identifier(name) for alias, name in self.aliases.items()}
        if self.window_seconds:
            (start,) = (sql.Identifier(name) for name in self.key if name.endswith("_start"))
            derived |= {
                name: sql.SQL("to_timestamp(extract(epoch from {})::bigint / {} * {})").format(start, length, length)
                for name, seconds in WIDER_WINDOWS.items()
                if seconds > self.window_seconds
                for length in (sql.Literal(seconds),)
            }
            derived["is_complete"] = sql.SQL("coalesce({} + {} <= (select whole_until from newest), false)").format(
                start, sql.Literal(dt.timedelta(seconds=self.window_seconds))
            )
        return derived

    def check(self, cursor: Cursor, scope: Scope, mask: str = "") -> Check:
        """Compare the mart with the counts, row by row, inside the database; ``mask`` is the secret of pseudonyms."""
        name = f"marts: {self.name}"
        present = self.present_columns(cursor)
        missing = [column for column in (*self.key, *self.columns, *self.derived) if column not in present]
        if missing:
            return failed(name, f"it is missing, or lacks {', '.join(missing)}; run `make dbt`")
        sums = self.sums(present)
        cursor.execute(self._comparison(sums, scope, mask))
        values = cursor.fetchone()
        if values is None:
            return compared(name, "0 rows from PostgreSQL", "0 rows")
        row = dict(zip((column.name for column in cursor.description or ()), values, strict=True))
        problem = ""
        if row["different"]:
            key = ", ".join(f"{column} {_text(row[column])}" for column in self.key)
            share = f"{row['different']:,} of {number(row['rows'], 'row')} differ"
            problem = f"first: {key}: {_difference(row, [*self.columns, *sums, *self.derived])}; {share}"
        ours, theirs = (f"{int(row[total] or 0):,} {self.columns[0]}" for total in ("our_total", "their_total"))
        return compared(name, ours, theirs, problem, number(row["rows"], "row"))

    def present_columns(self, cursor: Cursor) -> list[str]:
        """Return the columns that the mart has in the database; none where there is no such mart."""
        cursor.execute(
            "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
            (f"marts.{self.name}",),
        )
        return [name for (name,) in cursor.fetchall()]

    def sums(self, present: list[str]) -> list[str]:
        """Return the columns that are the sums of the measures of their names, and nothing more."""
        if "{sums}" not in self.query:
            return []
        return [
            name for name in MEASURE_NAMES if name in present and name not in (*self.key, *self.columns, *self.derived)
        ]

    def _comparison(self, sums: list[str], scope: Scope, mask: str) -> sql.Composed:
        """Return the SQL for the first row that differs, or any row, with totals. A key that occurs twice differs."""
        key = sql.SQL(", ").join(map(sql.Identifier, self.key))
        columns = [*self.columns, *sums, *self.derived]
        parts: dict[str, sql.Composable] = {name: sql.Literal(value) for name, value in self.literals.items()}
        parts["client"] = shown(self.client, mask)
        parts["sums"] = sql.Composed(sql.SQL(", sum({0}) as {0}").format(sql.Identifier(name)) for name in sums)
        return sql.SQL("""
            with cells as ({cells}),
            activity as ({activity}),
            newest as ({newest}),
            ours as (select *, 1 as copy {derived} from ({query}) as counted where {inside}),
            theirs as (select *, row_number() over (partition by {key}) as copy from {mart} where {inside}),
            compared as (
                select {key}, {values}, theirs.copy is null as is_missing, ours.copy is null as is_extra,
                    ours.copy is null or theirs.copy is null or {is_different} as is_different
                from ours full join theirs using ({key}, copy)
            )
            select *, count(*) over () as rows, sum({our_first}) over () as our_total,
                sum({their_first}) over () as their_total, sum(is_different::int) over () as different
            from compared order by is_different desc, {key} limit 1
        """).format(
            cells=cells(),
            activity=sql.SQL(ACTIVITY),
            newest=sql.SQL(NEWEST),
            query=sql.SQL(self.query).format(**parts),
            derived=sql.Composed(
                sql.SQL(", {} as {}").format(expression, sql.Identifier(name))
                for name, expression in self.derived.items()
            ),
            inside=sql.SQL(scope.in_postgres("window_start") if self.is_by_window else "true"),
            key=key,
            mart=sql.Identifier("marts", self.name),
            values=sql.SQL(", ").join(
                sql.SQL("ours.{0} as {1}, theirs.{0} as {2}").format(*map(sql.Identifier, (name, *_sides(name))))
                for name in columns
            ),
            is_different=sql.SQL(" or ").join(
                sql.SQL("ours.{0} is distinct from theirs.{0}").format(sql.Identifier(name)) for name in columns
            ),
            our_first=sql.Identifier(_sides(columns[0])[0]),
            their_first=sql.Identifier(_sides(columns[0])[1]),
        )


def cells() -> sql.Composed:
    """Return the SQL for PostgreSQL's counts, in which no measure is null, with when there was an event in them.

    What is settled has wider windows: a client's are days.
    """
    measures = (sql.SQL("coalesce({0}, 0)::bigint as {0}").format(sql.Identifier(name)) for name in MEASURE_NAMES)
    return sql.SQL("""
        select case dimension when 'client_day' then 'client' else dimension end as dimension,
            window_start, key, is_bot, {}, version,
            case when events <> 0 then window_start + coalesce(first_seen, 0) * interval '10 seconds' end as first_at,
            case when events <> 0 then window_start + coalesce(last_seen, 0) * interval '10 seconds' end as last_at
        from silver.window_counts
    """).format(sql.SQL(", ").join(measures))


def _sides(column: str) -> tuple[str, str]:
    return f"our_{column}", f"their_{column}"


def _difference(row: dict[str, object], columns: list[str]) -> str:
    if row["is_missing"]:
        return "the mart has no such row"
    if row["is_extra"]:
        return "the counts give no such row, or give it once only"
    ours, theirs = zip(*((row[our], row[their]) for our, their in map(_sides, columns)), strict=True)
    return difference(columns, ours, theirs, ("PostgreSQL", "the mart"))


def _text(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}Z" if hasattr(value, "strftime") else repr(value)
