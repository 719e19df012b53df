"""PostgreSQL's counts against the marts: every row of every mart, counted anew by plain SQL."""

from __future__ import annotations

import time
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from audit.check import Check, compared, difference, failed, number, unchecked
from audit.database import Stand, database_snapshot, marts_stand, mirror_stand
from audit.scope import Scope
from lake.settings import Settings

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Mart:
    """A mart: its key, the columns that are counts (none is as good as 0), other columns, and the SQL for its rows."""

    name: str
    key: tuple[str, ...]
    counts: tuple[str, ...]
    others: tuple[str, ...]
    sql: str

    @property
    def has_windows(self) -> bool:
        """Whether each row is about one window of time."""
        return "window_start" in self.key


def _start(seconds: int) -> str:
    epoch = "extract(epoch from window_start)::bigint"
    return f"to_timestamp({epoch} - {epoch} % {seconds})"


def _share(part: str, whole: str) -> str:
    return f"round({part}::numeric / nullif({whole}, 0), 4)"


_HUMAN = "filter (where not is_bot)"
_BOT = "filter (where is_bot)"
_KINDS = (("views", "views"), ("add_to_carts", "add_to_carts"), ("checkouts", "checkouts"))
_BY_KIND = ", ".join(
    f"sum({column}) as {name}, coalesce(sum({column}) {_HUMAN}, 0) as human_{name}, "
    f"coalesce(sum({column}) {_BOT}, 0) as bot_{name}"
    for name, column in _KINDS
)
_SEEN = (
    "min(window_start) filter (where events <> 0) as first_seen_at, "
    "max(window_start) filter (where events <> 0) as last_seen_at"
)
_SPLIT = (
    f"sum(events) as action_count, coalesce(sum(events) {_HUMAN}, 0) as human_count, "
    f"coalesce(sum(events) {_BOT}, 0) as bot_count"
)

MARTS = (
    Mart(
        "products",
        ("product_id",),
        tuple(f"{who}{name}" for name, _ in _KINDS for who in ("", "human_", "bot_")),
        ("cart_rate", "checkout_rate", "first_seen_at", "last_seen_at"),
        f"""select *, {_share("add_to_carts", "views")} as cart_rate, {_share("checkouts", "views")} as checkout_rate
        from (select key as product_id, {_BY_KIND}, {_SEEN} from cells where dimension = 'product'
              group by 1 having sum(events) <> 0) as sums""",
    ),
    Mart(
        "actions",
        ("action",),
        ("action_count", "human_count", "bot_count", "server_errors"),
        ("share", "avg_response_ms"),
        f"""select *, {_share("action_count", "sum(action_count) over ()")} as share,
            round(response_ms::numeric / nullif(timed_events, 0), 1) as avg_response_ms
        from (select key as action, {_SPLIT}, sum(server_errors) as server_errors, sum(response_ms) as response_ms,
                  sum(timed_events) as timed_events
              from cells where dimension = 'action' group by 1 having sum(events) <> 0) as sums""",
    ),
    Mart(
        "product_views",
        ("window_start", "product_id"),
        ("view_count",),
        (),
        f"""select {_start(300)} as window_start, key as product_id, sum(views) as view_count
        from cells where dimension = 'product' group by 1, 2""",
    ),
    Mart(
        "action_counts",
        ("window_start", "action"),
        ("action_count", "human_count", "bot_count"),
        ("action_ratio",),
        f"""select *, {_share("action_count", "sum(action_count) over (partition by window_start)")} as action_ratio
        from (select {_start(300)} as window_start, key as action, {_SPLIT}
              from cells where dimension = 'action' group by 1, 2) as sums""",
    ),
    Mart(
        "payment_errors",
        ("window_start",),
        ("checkouts", "error_count"),
        ("error_rate",),
        f"""select *, {_share("error_count", "checkouts")} as error_rate
        from (select {_start(60)} as window_start, sum(checkouts) as checkouts, sum(payment_errors) as error_count
              from cells where dimension = 'all' group by 1) as sums""",
    ),
    Mart(
        "traffic",
        ("window_start",),
        ("human_events", "bot_events", "late_events", "server_errors"),
        (),
        f"""select {_start(60)} as window_start, coalesce(sum(events) {_HUMAN}, 0) as human_events,
            coalesce(sum(events) {_BOT}, 0) as bot_events, sum(late_events) as late_events,
            sum(server_errors) as server_errors
        from cells where dimension = 'all' group by 1""",
    ),
)


def check_marts(settings: Settings, scope: Scope, patience_seconds: float = PATIENCE_SECONDS) -> list[Check]:
    """Compare each mart with the counts; waits a little where one is about to follow the other."""
    deadline = time.monotonic() + patience_seconds
    while True:
        with database_snapshot(settings) as cursor:
            silver, marts = mirror_stand(cursor), marts_stand(cursor)
            if marts is None:
                return [unchecked("marts", "there are none yet; run `make dbt`")]
            if silver == marts:
                return [_check(cursor, mart, scope) for mart in MARTS if mart.has_windows or scope.is_all]
        if time.monotonic() >= deadline:
            return [_out_of_step(silver, marts)]
        time.sleep(POLL_SECONDS)


def _out_of_step(silver: Stand, marts: Stand) -> Check:
    if silver.ledger_id != marts.ledger_id:
        problem = f"they show ledger {marts.ledger_id or 'none'}, PostgreSQL holds {silver.ledger_id or 'none'}"
        return failed("marts", f"{problem}; run `make dbt`")
    versions = f"they stand at version {marts.version}, PostgreSQL at {silver.version}"
    if marts.version > silver.version:
        return failed("marts", f"{versions}: was an older backup restored? Start the stream (`make up`)")
    return unchecked("marts", f"the marts are behind: {versions}; run `make dbt`")


def _check(cursor: Cursor, mart: Mart, scope: Scope) -> Check:
    """Compare one mart, row by row, inside the database."""
    columns = [*mart.counts, *mart.others]
    inside = scope.in_postgres("window_start") if mart.has_windows else "true"
    key = ", ".join(mart.key)
    same_counts = " and ".join(f"coalesce(ours.{name}, 0) = coalesce(theirs.{name}, 0)" for name in mart.counts)
    same_others = "".join(f" and ours.{name} is not distinct from theirs.{name}" for name in mart.others)
    values = [f"{side}.{name}" for side in ("ours", "theirs") for name in columns]
    cursor.execute(f"""
        with cells as (select * from silver.window_counts),
        ours as (select * from ({mart.sql}) as counted where {inside}),
        theirs as (select * from marts.{mart.name} where {inside}),
        compared as (
            select {key}, {", ".join(f"{value} as v{place}" for place, value in enumerate(values))},
                not ({same_counts}{same_others}) as differs
            from ours full join theirs using ({key})
        )
        select *, count(*) over (), sum(v0) over (), sum(v{len(columns)}) over (),
            sum(differs::int) over ()
        from compared order by differs desc, {key} limit 1
    """)
    row = cursor.fetchone()
    name, counted = f"marts: {mart.name}", mart.counts[0]
    if row is None:
        return compared(name, "0 rows from PostgreSQL", "0 rows")
    place = len(mart.key)
    ours, theirs = row[place : place + len(columns)], row[place + len(columns) : place + 2 * len(columns)]
    rows, our_total, their_total, different = row[-4:]
    problem = ""
    if different:
        named = ", ".join(f"{column} {_shown(value)}" for column, value in zip(mart.key, row, strict=False))
        told = difference(columns, ours, theirs, ("PostgreSQL", "the mart"))
        problem = f"first: {named}: {told}; {different:,} of {number(rows, 'row')} differ"
    return compared(
        name, f"{int(our_total or 0):,} {counted}", f"{int(their_total or 0):,} {counted}", problem, number(rows, "row")
    )


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else f"{value:%Y-%m-%d %H:%M:%S}Z"
