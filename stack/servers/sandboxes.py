"""Sandboxes in the database: a login with a quota, the rights of all sandboxes, and a schema of its own."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from stack.servers.roles import (
    MARTS,
    SANDBOXES,
    SECONDS_A_QUERY,
    bring_login,
    is_superuser,
    let_guard_end,
    reader_settings,
)

SECONDS = 60
CONNECTIONS = 5
PURPOSE = "A sandbox of Weblake, {} s a query; `weblake sandbox --drop` removes it."
QUOTA = sql.SQL(
    """
    select rolconnlimit, coalesce({seconds}, (
        select extract(epoch from split_part(setting, '=', 2)::interval)::int
        from unnest(rolconfig) as setting
        where setting like 'statement_timeout=%%'
    ))
    from pg_roles where rolname = %s
    """
).format(seconds=SECONDS_A_QUERY.format(role=sql.SQL("oid")))
"""An older Weblake kept the seconds in the role's settings alone."""


@dataclass(frozen=True)
class Quota:
    """How long a query of a sandbox may take (seconds), and how many connections it may have at once."""

    seconds: int = SECONDS
    connections: int = CONNECTIONS

    def __str__(self) -> str:
        return f"{self.seconds} s a query, {self.connections} connections"


def sandboxes(cursor: Cursor) -> list[str]:
    """Return the names of the sandboxes; whoever made their group is a member of it too, with the right to grant it."""
    cursor.execute(
        "select rolname from pg_roles where oid in ("
        "select member from pg_auth_members where roleid = to_regrole(%s) and not admin_option) order by 1",
        (SANDBOXES,),
    )
    return [name for (name,) in cursor.fetchall()]


def quota_of(cursor: Cursor, name: str) -> Quota | None:
    """Return the quota of a sandbox; None where there is no sandbox of that name."""
    if name not in sandboxes(cursor):
        return None
    cursor.execute(QUOTA, (name,))
    connections, seconds = cursor.fetchone() or (CONNECTIONS, None)
    return Quota(seconds or SECONDS, connections)


def bring_sandbox(cursor: Cursor, name: str, quota: Quota, password: str | None = None) -> None:
    """Create a sandbox's login, or bring it up to date; ``password`` is None for one that keeps its own."""
    role, group, marts = sql.Identifier(name), sql.Identifier(SANDBOXES), sql.Identifier(MARTS)
    bring_login(cursor, name, password, quota.connections, reader_settings(quota.seconds))
    cursor.execute(sql.SQL("alter role {} set search_path = {}, {}").format(role, role, marts))
    cursor.execute(sql.SQL("comment on role {} is {}").format(role, sql.Literal(PURPOSE.format(quota.seconds))))
    cursor.execute("set local client_min_messages = warning")  # not of a membership that is there
    cursor.execute(sql.SQL("grant {} to {}").format(group, role))
    let_guard_end(cursor, name)


def make_schema(cursor: Cursor, name: str) -> None:
    """Make the schema that is the sandbox's own, unless it is there."""
    role = sql.Identifier(name)
    cursor.execute("set local client_min_messages = warning")  # not of a schema that is there
    if not is_superuser(cursor):  # it may then hand the schema over, and drop it
        cursor.execute(sql.SQL("grant {} to current_user with inherit true, set true").format(role))
    cursor.execute(sql.SQL("create schema if not exists {} authorization {}").format(role, role))
