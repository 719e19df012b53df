"""PostgreSQL's counts against the marts: every row of every mart, and which state of the counts they show."""

from __future__ import annotations

import datetime as dt
import time

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from audit.check import Check, Verdict, compared, failed, number, unchecked
from audit.database import Stand, database_snapshot, marts_stand, mirror_stand
from audit.marts.agreement import check_agreement, check_verdicts
from audit.marts.bots import BOT_MARTS, SCRATCH, score_clients
from audit.marts.history import HISTORY_MARTS
from audit.marts.mart import NEWEST
from audit.marts.shop import SHOP_MARTS
from audit.scope import Scope
from lake.settings import Settings

PATIENCE_SECONDS = 60.0
"""So long after they last moved, marts that are behind follow no more."""
MOST_PATIENCES = 5
"""Where a backlog is counted, PostgreSQL may be ahead of them for longer."""
POLL_SECONDS = 1.0
BUILD = """
    select version, built_at <= now(), models <> '', build_info.whole_until is not distinct from newest.whole_until
    from marts.build_info cross join ({newest}) as newest
"""


def check_marts(
    settings: Settings,
    scope: Scope,
    patience_seconds: float = PATIENCE_SECONDS,
    is_of_one_edition: bool = True,
    horizon: dt.date | None = None,
) -> list[Check]:
    """Compare each mart with the counts; waits where they follow them, for ``patience_seconds`` after each step.

    In a range of time only those marts are compared whose rows tell of one window: others tell of all time, and so do
    verdicts. The past may have been counted without a measure or dimension of today; then it is not of one edition. Of
    verdicts, it tells from the horizon on: they move nothing of what lies before.
    """
    started = moved = time.monotonic()
    mask = settings.retention.mask
    seen = None
    while True:
        with database_snapshot(settings, SCRATCH) as cursor:
            silver, marts = mirror_stand(cursor), marts_stand(cursor)
            if marts is None:
                return [unchecked("marts", "there are none yet; run `make dbt`")]
            if silver == marts:
                return [_check_build(cursor), *_check_rows(cursor, scope, is_of_one_edition, horizon, mask)]
        now = time.monotonic()
        if marts != seen:
            seen, moved = marts, now
        if now >= moved + patience_seconds or now >= started + patience_seconds * MOST_PATIENCES:
            return [_out_of_step(silver, marts)]
        time.sleep(POLL_SECONDS)


def _check_rows(
    cursor: Cursor, scope: Scope, is_of_one_edition: bool, horizon: dt.date | None, mask: str
) -> list[Check]:
    checks = [mart.check(cursor, scope) for mart in SHOP_MARTS if mart.is_by_window or scope.is_all]
    if scope.is_all:
        score_clients(cursor)
        checks += [mart.check(cursor, scope, mask) for mart in (*BOT_MARTS, *HISTORY_MARTS)]
        if all(check.verdict is Verdict.OK for check in checks):  # a mart that differs is named already
            checks.append(check_agreement(cursor, is_of_one_edition))
        checks.append(check_verdicts(cursor, horizon))
    return checks


def _check_build(cursor: Cursor) -> Check:
    """Compare the version that the marts say they show with the newest that any count has."""
    cursor.execute("select coalesce(max(version), -1) from silver.window_counts")
    ((newest,),) = cursor.fetchall()
    cursor.execute(sql.SQL(BUILD).format(newest=sql.SQL(NEWEST)))
    rows = cursor.fetchall()
    version, is_built, has_edition, is_newest = rows[0]
    problem = ""
    if len(rows) != 1:
        problem = f"it has {number(len(rows), 'row')} instead of one; run `make dbt`"
    elif newest > version:
        problem = f"counts have version {newest}, which the marts do not show; run `make dbt`"
    elif not is_built or not has_edition:
        problem = "it does not say when the marts were built, or by which models; run `make dbt`"
    elif not is_newest:
        problem = "whole_until is not what the counts say; run `make dbt FULL_REFRESH=1`"
    return compared("marts: build_info", f"counts up to version {newest}", f"version {version}", problem)


def _out_of_step(silver: Stand, marts: Stand) -> Check:
    if silver.ledger_id != marts.ledger_id:
        problem = f"they show ledger {marts.ledger_id or 'none'}, PostgreSQL holds {silver.ledger_id or 'none'}"
        return failed("marts", f"{problem}; run `make dbt`")
    versions = f"they are at version {marts.version}, PostgreSQL is at {silver.version}"
    if marts.version > silver.version:
        return failed("marts", f"{versions}: was an older backup restored? Start the stream with `make up`")
    if marts.version == silver.version and marts.filled_at == silver.filled_at:
        return unchecked("marts", "verdicts or replays were put on record after they were built; run `make dbt`")
    if marts.version == silver.version:
        return unchecked("marts", "PostgreSQL was filled again after they were built; run `make dbt`")
    return unchecked("marts", f"the marts are behind: {versions}; run `make dbt`")
