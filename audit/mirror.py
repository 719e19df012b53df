"""The ledger against PostgreSQL: every cell, at the version of PostgreSQL's bookmark.

Both sides are first compared by a checksum per day and dimension, made where the rows are. Only the first day that
differs is then read row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg2.extensions import cursor as Cursor
from pyspark.sql import DataFrame

from audit.cells import cell_name
from audit.check import Check, compared, difference, failed, number
from audit.database import database_snapshot, mirror_stand
from audit.facts import MEASURE_NAMES
from audit.lake import PinnedLake
from audit.scope import Scope
from spark.tables.delta import snapshot

FETCH_ROWS = 5_000
DIGITS = 15  # hexadecimal digits of a row's checksum: fits a BIGINT
NAME = "PostgreSQL: window_counts"
IS_ZERO = " and ".join(f"{name} = 0" for name in MEASURE_NAMES)


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
    """Compare PostgreSQL's counts with the ledger's sums at the bookmark. Cells of zeros alone are as good as none."""
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
        sums = _sums(lake.ledger(stand.version).filter(scope.in_spark("window_start")))
        ours = _spark_digests(sums)
        wrong = sorted(part for part in {*ours, *theirs} if ours.get(part) != theirs.get(part))
        problem = _first_difference(cursor, sums, scope, wrong) if wrong else ""
    return [
        compared(
            NAME,
            f"{_total(ours)} in the ledger",
            _total(theirs),
            problem,
            f"{len(MEASURE_NAMES)} measures, at version {stand.version}",
        )
    ]


def _total(digests: dict[Part, Digest]) -> str:
    events = sum(digest.events for part, digest in digests.items() if part.dimension == "all")
    return f"{number(events, 'event')} in {number(sum(digest.cells for digest in digests.values()), 'cell')}"


def _sums(entries: DataFrame) -> DataFrame:
    sums = ", ".join(f"sum({name}) as {name}" for name in MEASURE_NAMES)
    query = f"""
        select dimension, window_start, key, is_bot, {sums} from {{entries}}
        group by dimension, window_start, key, is_bot having not ({IS_ZERO})
    """
    return entries.sparkSession.sql(query, entries=entries)


def _row_text(second: str, text: Callable[[str], str], separator: str) -> str:
    """Return SQL for one cell as text, the same in Spark and in PostgreSQL."""
    parts = [text(name) for name in ("key", "is_bot", *MEASURE_NAMES)]
    return f"concat_ws({separator}, {second}, {', '.join(parts)})"


def _spark_digests(sums: DataFrame) -> dict[Part, Digest]:
    text = _row_text("unix_seconds(window_start)", lambda name: f"string({name})", "'\\u001f'")
    query = f"""
        select string(date(window_start)) as day, dimension, count(*) as cells, bigint(sum(events)) as events,
            sum(cast(conv(substr(md5({text}), 1, {DIGITS}), 16, 10) as decimal(20, 0))) as checksum
        from {{sums}} group by 1, 2
    """
    return _digests(tuple(row) for row in sums.sparkSession.sql(query, sums=sums).collect())


def _postgres_digests(cursor: Cursor, scope: Scope) -> dict[Part, Digest]:
    text = _row_text("extract(epoch from window_start)::bigint", lambda name: f"{name}::text", "chr(31)")
    cursor.execute(f"""
        select window_start::date::text, dimension, count(*), sum(events)::bigint,
            sum(('x0' || substr(md5({text}), 1, {DIGITS}))::bit(64)::bigint)
        from silver.window_counts where not ({IS_ZERO}) and {scope.in_postgres("window_start")} group by 1, 2
    """)
    return _digests(iter(cursor.fetchall()))


def _digests(rows: Iterator[tuple[Any, ...]]) -> dict[Part, Digest]:
    return {Part(day, name): Digest(cells, events, int(Decimal(total))) for day, name, cells, events, total in rows}


def _first_difference(cursor: Cursor, sums: DataFrame, scope: Scope, wrong: list[Part]) -> str:
    """Read the first day that differs, in both, in the same order, and name the first cell that differs."""
    day = wrong[0].day
    dimensions = ", ".join(f"'{part.dimension}'" for part in wrong if part.day == day)
    condition = f"date(window_start) = '{day}' and dimension in ({dimensions})"
    columns = ", ".join(["dimension", "key", "is_bot", *MEASURE_NAMES])
    ordered = sums.filter(condition).orderBy("window_start", "dimension", "key", "is_bot")
    second = ordered.selectExpr("unix_seconds(window_start) as second", *columns.split(", "))
    ours = (tuple(row) for row in second.toLocalIterator())
    reader = cursor.connection.cursor(name="verify")
    reader.itersize = FETCH_ROWS
    reader.execute(
        f"select extract(epoch from window_start)::bigint, {columns} from silver.window_counts "
        f"where {condition} and not ({IS_ZERO}) and {scope.in_postgres('window_start')} "
        'order by window_start, dimension collate "C", key collate "C", is_bot'
    )
    first, count = _merge(ours, iter(reader))
    parts = f"; {number(len(wrong), 'day and dimension', 'days and dimensions')} differ" if len(wrong) > 1 else ""
    return f"first: {first}; {number(count, 'cell')} of {day} differ{parts}"


def _merge(ours: Iterator[tuple[Any, ...]], theirs: Iterator[tuple[Any, ...]]) -> tuple[str, int]:
    """Walk through two ordered lists of cells; return the first difference in words, and how many there are."""
    nothing = [0] * len(MEASURE_NAMES)
    first, count = "", 0
    left, right = next(ours, None), next(theirs, None)
    while left is not None or right is not None:
        left_key, right_key = _key(left), _key(right)
        key = left_key if right_key is None or (left_key is not None and left_key <= right_key) else right_key
        assert key is not None
        left_values = list(left[4:]) if left is not None and left_key == key else nothing
        right_values = list(right[4:]) if right is not None and right_key == key else nothing
        if left_values != right_values:
            count += 1
            if count == 1:
                told = difference(MEASURE_NAMES, left_values, right_values, ("the ledger", "PostgreSQL"))
                first = f"{_cell(key)}: {told}"
        left = next(ours, None) if left_key == key else left
        right = next(theirs, None) if right_key == key else right
    return first, count


Key = tuple[int, bytes, bytes, bool]


def _key(row: tuple[Any, ...] | None) -> Key | None:
    return None if row is None else (int(row[0]), row[1].encode(), row[2].encode(), bool(row[3]))


def _cell(key: Key) -> str:
    return cell_name(key[0], key[1].decode(), key[2].decode(), key[3])
