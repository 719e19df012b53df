"""How far PostgreSQL is: the mirror's bookmark, and what the marts show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import psycopg2

from lake.errors import first_line
from lake.settings import Settings
from stack.servers import postgres
from stack.servers.roles import ANALYST

BOOKMARK = "select coalesce(max(version), -1) from silver.bookmark"
BUILT = "select coalesce(max(version), -1), extract(epoch from max(built_at))::float8 from marts.build_info"
REJECTED = """
    select split_part(key, '|', 1) from silver.window_counts
    where dimension = 'rejected' and window_start > now() - interval '10 minutes'
    group by 1 having sum(events) > 0 order by sum(events) desc, 1 limit 1
"""
TOO_MANY = "too many connections for role"
"""What PostgreSQL says to an analyst who has all the connections that it may have, which is its own affair."""


@dataclass(frozen=True)
class Database:
    """The bookmark, the version that the marts show, when they were built (epoch seconds), and a reject reason.

    Versions are -1, and the time is None, where there is nothing yet. What could not be looked up is None.
    """

    bookmark: int | None = None
    marts_version: int | None = None
    built_at: float | None = None
    rejected_most: str | None = None
    """The reason of most records that were rejected in the last ten minutes."""


def look_at_database(settings: Settings, complain: Callable[[str], None]) -> Database:
    """Return how far PostgreSQL is; ``complain`` gets a sentence for each thing that is wrong."""
    bookmark, version, built_at, reason = None, None, None, None
    try:
        ((number,),) = postgres.query(settings, "dbt", BOOKMARK)
        bookmark = int(str(number))
        reason = next((str(row[0]) for row in postgres.query(settings, "dbt", REJECTED)), None)
        ((is_there,),) = postgres.query(settings, "dbt", "select to_regclass('marts.build_info') is not null")
        ((number, seconds),) = postgres.query(settings, "dbt", BUILT) if is_there else [(-1, None)]
        version, built_at = int(str(number)), None if seconds is None else float(str(seconds))
    except psycopg2.Error as error:
        complain(f"PostgreSQL at port {settings.postgres_port}: {first_line(error)}; see `make logs NAME=postgres`")
        return Database(bookmark, version, built_at, reason)
    refusal = postgres.refusal(settings, ANALYST)
    if refusal and TOO_MANY not in refusal.words:
        complain(f"the analyst cannot log in ({refusal.words}); to give it its password again, run `make up`")
    return Database(bookmark, version, built_at, reason)
