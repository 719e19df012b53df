"""The ledger against PostgreSQL: every cell, at the version of PostgreSQL's bookmark and at the resolution that it has.

What PostgreSQL has settled stands in wider windows: of those the ledger's sums are worked out here once more, with what
they say besides sums, when in them there was an event, and in which minutes of a client's day.

Both sides are first compared by a checksum per day and dimension, made where the rows are. Only the first day that
differs is then read row by row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from audit.cells import CELL, cell_name
from audit.check import Check, compared, difference, failed, number
from audit.database import database_snapshot, mirror_stand
from audit.facts import MEASURE_NAMES
from audit.lake import PinnedLake
from audit.scope import Scope
from spark.tables.delta import snapshot

FETCH_ROWS = 5_000
DIGITS = 15  # hexadecimal digits of a row's checksum: fits a BIGINT
NAME = "PostgreSQL: window_counts"
DETAILS = ("dimension", "key", "is_bot")
IS_ZERO = " and ".join(f"coalesce({name}, 0) = 0" for name in MEASURE_NAMES)
SETTLED = {"all": 60, "action": 60, "product": 300, "status": 300, "rejected": 300, "client": 86_400}
"""Dimension of the ledger -> seconds of its windows once they are settled; a client's stand under another name."""
SAYS_WHEN = ("all", "product", "client")
"""The dimensions of which a settled window says when there was an event in it."""
DAY = 86_400
BESIDES = ("first_seen", "last_seen", "minutes")
"""What a settled row says besides its measures; the minutes are those with events or assets, with how many."""
MINUTES = """
    (select string_agg(concat_ws('/', listed.minute, listed.events, coalesce(listed.assets, 0)), ' ' order by minute)
    from unnest(minutes, minute_events, minute_assets) as listed (minute, events, assets)
    where listed.events <> 0 or listed.assets <> 0)
"""
IN_POSTGRES = {"first_seen": "first_seen", "last_seen": "last_seen", "minutes": MINUTES}


class Part(NamedTuple):
    """One day of one dimension."""

    day: str
    dimension: str


class Digest(NamedTuple):
    """Cells, events, and the sum of the cells' checksums."""

    cells: int
    events: int
    checksum: int


def check_mirror(lake: PinnedLake, scope: Scope) -> list[Check]:
    """Compare PostgreSQL's counts with the ledger's sums at the bookmark. A cell of zeros equals no cell."""
    with database_snapshot(lake.settings) as cursor:
        stand = mirror_stand(cursor)
        theirs = _postgres_digests(cursor, scope)
        if stand.version < 0:
            problem = "there is no bookmark, but there are counts" if theirs else ""
            return [compared(NAME, "0 cells at version -1", number(len(theirs), "part"), problem, "not filled yet")]
        if stand.ledger_id != lake.ledger_id:
            return [failed(NAME, f"it holds the counts of ledger {stand.ledger_id}, not of {lake.ledger_id}")]
        newest = snapshot(lake.session, lake.settings.ledger).version
        if stand.version > newest:
            problem = (
                f"it stands at version {stand.version} of the ledger, which ends at {newest}: is this an older copy?"
            )
            return [failed(NAME, problem)]
        until = _settled_until(cursor)
        entries = lake.ledger(stand.version).filter(scope.widened(DAY).in_spark("window_start"))
        sums = _sums(entries, until).filter(scope.in_spark("window_start"))
        ours = _spark_digests(sums)
        wrong = sorted(part for part in {*ours, *theirs} if ours.get(part) != theirs.get(part))
        problem = _first_difference(cursor, sums, scope, wrong) if wrong else ""
    return [
        compared(
            NAME,
            f"{_total(ours)} in the ledger",
            _total(theirs),
            problem,
            f"{len(MEASURE_NAMES)} measures, at version {stand.version}{_resolution(until)}",
        )
    ]


def _total(digests: dict[Part, Digest]) -> str:
    events = sum(digest.events for part, digest in digests.items() if part.dimension == "all")
    return f"{number(events, 'event')} in {number(sum(digest.cells for digest in digests.values()), 'cell')}"


def _settled_until(cursor: Cursor) -> dt.datetime | None:
    cursor.execute("select max(settled_until) from silver.bookmark")
    ((until,),) = cursor.fetchall()
    return until  # type: ignore[no-any-return]


def _resolution(until: dt.datetime | None) -> str:
    return f"; before {until:%Y-%m-%d %H:%M}Z by minute, five minutes and, of a client, by day" if until else ""


def _sums(entries: DataFrame, until: dt.datetime | None) -> DataFrame:
    """Return the ledger's sums as PostgreSQL should have them: :data:`CELL`, measures and :data:`BESIDES`."""
    second, settled = F.unix_seconds("window_start"), F.lit(until.timestamp() if until else float("-inf"))
    width = F.when(second >= settled, 10)
    for name, seconds in SETTLED.items():
        width = width.when(F.col("dimension") == name, seconds)
    is_day = (second < settled) & (F.col("dimension") == "client")
    is_seen = (second < settled) & F.col("dimension").isin(*SAYS_WHEN) & (F.col("events") > 0)
    cells = entries.groupBy(*CELL).agg(*(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in MEASURE_NAMES))
    placed = cells.withColumns({"second": second, "start": second - F.pmod(second, width)}).withColumns(
        {
            "dimension": F.when(is_day, "client_day").otherwise(F.col("dimension")),
            "window_start": F.timestamp_seconds("start"),
            "place": F.when(is_seen, ((F.col("second") - F.col("start")) / 10).cast("int")),
            "minute": F.when(is_day, ((F.col("second") - F.col("start")) / 60).cast("int")),
        }
    )
    by_minute = placed.groupBy(*CELL, "minute").agg(
        *(F.sum(name).alias(name) for name in MEASURE_NAMES),
        F.min("place").alias("first"),
        F.max("place").alias("last"),
    )
    is_listed = F.col("minute").isNotNull() & ((F.col("events") != 0) | (F.col("assets") != 0))
    listed = F.when(is_listed, F.struct("minute", "events", "assets"))
    texts = F.expr("transform(sort_array(listed), one -> concat_ws('/', one.minute, one.events, one.assets))")
    sums = by_minute.groupBy(*CELL).agg(
        *(F.sum(name).alias(name) for name in MEASURE_NAMES),
        F.min("first").alias("first_seen"),
        F.max("last").alias("last_seen"),
        F.collect_list(listed).alias("listed"),
    )
    minutes = F.when(F.size("listed") > 0, F.array_join(texts, " "))
    return sums.withColumn("minutes", minutes).drop("listed").filter(f"not ({IS_ZERO})")


def _row_text(second: str, text: Callable[[str], str], besides: Sequence[str], separator: str) -> str:
    """Return SQL for one cell as text, the same in Spark and in PostgreSQL."""
    parts = [text(name) for name in ("key", "is_bot")] + [text(f"coalesce({name}, 0)") for name in MEASURE_NAMES]
    parts += [f"coalesce({text(name)}, '')" for name in besides]
    return f"concat_ws({separator}, {second}, {', '.join(parts)})"


def _spark_digests(sums: DataFrame) -> dict[Part, Digest]:
    text = _row_text("unix_seconds(window_start)", lambda value: f"string({value})", BESIDES, "'\\u001f'")
    checksum = f"cast(conv(substr(md5({text}), 1, {DIGITS}), 16, 10) as decimal(20, 0))"
    digests = sums.groupBy(F.expr("string(date(window_start))").alias("day"), "dimension").agg(
        F.count("*").alias("cells"), F.sum("events").cast("bigint").alias("events"), F.sum(F.expr(checksum))
    )
    return _digests(tuple(row) for row in digests.collect())


def _postgres_digests(cursor: Cursor, scope: Scope) -> dict[Part, Digest]:
    text = _row_text(
        "extract(epoch from window_start)::bigint", lambda value: f"({value})::text", [*IN_POSTGRES.values()], "chr(31)"
    )
    query = sql.SQL("""
        select window_start::date::text, dimension, count(*), sum(events)::bigint,
            sum(('x0' || substr(md5({text}), 1, {digits}))::bit(64)::bigint)
        from silver.window_counts where not ({is_zero}) and {inside} group by 1, 2
    """)
    inside = sql.SQL(scope.in_postgres("window_start"))
    cursor.execute(
        query.format(text=sql.SQL(text), digits=sql.Literal(DIGITS), is_zero=sql.SQL(IS_ZERO), inside=inside)
    )
    return _digests(iter(cursor.fetchall()))


def _digests(rows: Iterator[tuple[Any, ...]]) -> dict[Part, Digest]:
    return {Part(day, name): Digest(cells, events, int(Decimal(total))) for day, name, cells, events, total in rows}


def _first_difference(cursor: Cursor, sums: DataFrame, scope: Scope, wrong: list[Part]) -> str:
    """Read the first day that differs, in both, in the same order, and name the first cell that differs."""
    day = wrong[0].day
    dimensions = [part.dimension for part in wrong if part.day == day]
    own = sums.filter((F.to_date("window_start") == day) & F.col("dimension").isin(dimensions))
    second = F.unix_seconds("window_start").alias("second")
    ordered = own.orderBy("window_start", *DETAILS).select(second, *DETAILS, *MEASURE_NAMES, *BESIDES)
    reader = cursor.connection.cursor(name="verify")
    reader.itersize = FETCH_ROWS
    query = sql.SQL("""
        select extract(epoch from window_start)::bigint, {columns} from silver.window_counts
        where date(window_start) = {day} and dimension = any({dimensions}) and not ({is_zero}) and {inside}
        order by window_start, dimension collate "C", key collate "C", is_bot
    """)
    reader.execute(
        query.format(
            columns=sql.SQL(", ").join(
                [
                    *map(sql.Identifier, DETAILS),
                    *(sql.SQL("coalesce({}, 0)").format(sql.Identifier(name)) for name in MEASURE_NAMES),
                    *map(sql.SQL, IN_POSTGRES.values()),
                ]
            ),
            day=sql.Literal(day),
            dimensions=sql.Literal(dimensions),
            is_zero=sql.SQL(IS_ZERO),
            inside=sql.SQL(scope.in_postgres("window_start")),
        )
    )
    first, count = _merge(map(_cell, ordered.toLocalIterator()), map(_cell, reader))
    parts = f"; {number(len(wrong), 'day and dimension', 'days and dimensions')} differ" if len(wrong) > 1 else ""
    return f"first: {first}; {number(count, 'cell')} of {day} differ{parts}"


class Key(NamedTuple):
    """What names a cell, in the order in which both sides are read."""

    second: int
    dimension: bytes
    key: bytes
    is_bot: bool

    def __str__(self) -> str:
        return cell_name(self.second, self.dimension.decode(), self.key.decode(), self.is_bot)


class Cell(NamedTuple):
    """A cell, its measures and what it says besides."""

    key: Key
    values: tuple[object, ...]


def _cell(row: Sequence[Any]) -> Cell:
    second, dimension, key, is_bot, *values = row
    return Cell(Key(int(second), dimension.encode(), key.encode(), bool(is_bot)), tuple(values))


def _merge(ours: Iterator[Cell], theirs: Iterator[Cell]) -> tuple[str, int]:
    """Walk through two ordered lists of cells; return the first difference in words, and how many there are."""
    nothing: tuple[object, ...] = (0,) * len(MEASURE_NAMES) + (None,) * len(BESIDES)
    first, count = "", 0
    left, right = next(ours, None), next(theirs, None)
    while left is not None or right is not None:
        key = min(cell.key for cell in (left, right) if cell is not None)
        left_values = left.values if left is not None and left.key == key else nothing
        right_values = right.values if right is not None and right.key == key else nothing
        if left_values != right_values:
            count += 1
            if count == 1:
                sides = ("the ledger", "PostgreSQL")
                first = f"{key}: {difference((*MEASURE_NAMES, *BESIDES), left_values, right_values, sides)}"
        left = next(ours, None) if left is not None and left.key == key else left
        right = next(theirs, None) if right is not None and right.key == key else right
    return first, count
