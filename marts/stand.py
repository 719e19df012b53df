"""Where the mirror stands, and what the marts show: whether there is something to build."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from lake.settings import Settings


@dataclass(frozen=True)
class Stand:
    """Which ledger and which version of it a table shows (-1 before the first), since the fill at an epoch second.

    ``moved_at`` is the epoch second of the mirror's last transaction in it: records may come without a new version.
    """

    ledger_id: str
    version: int
    filled_at: float
    moved_at: float = 0.0


def is_due(mirror: Stand, published: Stand | None, has_built: bool) -> bool:
    """Say whether there is something to build, given whether this process has built with the models of today.

    The first build finds out whether other models built what is there.

    A mirror behind the marts was set back, to an old backup say: it catches up, and the marts keep what they show.
    """
    if published is None:
        return True
    is_filled_anew = mirror.filled_at > published.filled_at
    is_behind = mirror.version < published.version and not is_filled_anew
    return not is_behind and (mirror != published or not has_built)


def stands(settings: Settings) -> tuple[Stand, Stand | None]:
    """Return where the mirror stands and what the marts show; None where there are no marts yet."""
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
        mirror = _stand(cursor, "silver.bookmark", "moved_at") or Stand("", -1, 0.0)
        if not _is_there(cursor, "marts.build_info"):
            return mirror, None
        moved_at = (
            "(select mirrored_at from marts.freshness)" if _is_there(cursor, "marts.freshness") else "null::timestamptz"
        )
        return mirror, _stand(cursor, "marts.build_info", moved_at)


def _is_there(cursor: Cursor, table: str) -> bool:
    cursor.execute("select to_regclass(%s) is not null", (table,))
    return cursor.fetchone() == (True,)


def _stand(cursor: Cursor, table: str, moved_at: str) -> Stand | None:
    """Return the stand of a table, given the SQL for when the mirror had moved."""
    query = (
        "select ledger_id, version, coalesce(extract(epoch from filled_at), 0)::float8, "
        "coalesce(extract(epoch from {moved_at}), 0)::float8 from {table}"
    )
    cursor.execute(sql.SQL(query).format(moved_at=sql.SQL(moved_at), table=sql.SQL(table)))
    row = cursor.fetchone()
    return Stand(*row) if row else None
