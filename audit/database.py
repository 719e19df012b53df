"""PostgreSQL as the audit reads it: one snapshot, read only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import cursor as Cursor

from lake.errors import ServiceError, first_line
from lake.settings import Settings

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


@dataclass(frozen=True)
class Stand:
    """Which ledger and which version of it a table shows (-1 before the first), since it was last filled again.

    ``moved_at`` is when the mirror had last changed anything: it may bring records without a new version.
    """

    ledger_id: str
    version: int
    filled_at: dt.datetime = EPOCH
    moved_at: dt.datetime = EPOCH


@contextmanager
def database_snapshot(settings: Settings, scratch: str = "") -> Iterator[Cursor]:
    """Give a cursor in one repeatable-read transaction, in UTC.

    Args:
        settings: Where PostgreSQL is.
        scratch: SQL that creates temporary tables; nothing else can be written.

    Raises:
        ServiceError: PostgreSQL does not answer, or has no tables of Weblake's.
    """
    where = f"PostgreSQL at {settings.postgres_host}:{settings.postgres_port}"
    try:
        with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection:
            connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
            with connection, connection.cursor() as cursor:
                cursor.execute("set local timezone = 'UTC'")
                if scratch:
                    cursor.execute(scratch)
                cursor.execute("set transaction read only")
                yield cursor
    except psycopg2.OperationalError as error:
        raise ServiceError(f"{where} does not answer: {first_line(error)}") from error
    except psycopg2.Error as error:
        raise ServiceError(f"{where} refused: {first_line(error)}") from error


def mirror_stand(cursor: Cursor) -> Stand:
    """Return the mirror's bookmark."""
    cursor.execute("select ledger_id, version, filled_at, moved_at from silver.bookmark")
    row = cursor.fetchone()
    return Stand(*row) if row else Stand("", -1)


def marts_stand(cursor: Cursor) -> Stand | None:
    """Return what the marts show, None where there are none yet.

    Where ``freshness`` does not say when the mirror had moved, its own check does: here that counts as today's.
    """
    cursor.execute("select to_regclass('marts.build_info') is not null, to_regclass('marts.freshness') is not null")
    has_marts, has_freshness = cursor.fetchone() or (False, False)
    if not has_marts:
        return None
    mirrored_at = "(select mirrored_at from marts.freshness)" if has_freshness else "null"
    query = sql.SQL(
        "select ledger_id, version, filled_at, coalesce({}, (select moved_at from silver.bookmark), 'epoch') "
        "from marts.build_info"
    )
    cursor.execute(query.format(sql.SQL(mirrored_at)))
    row = cursor.fetchone()
    return Stand(*row) if row else None
