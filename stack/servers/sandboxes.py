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
    let_guard_end,
    reader_settings,
)

SECONDS = 60
CONNECTIONS = 5
PURPOSE = "A sandbox of Weblake, {} s a query; `weblake sandbox --drop` removes it."
QUOTAS = sql.SQL(
    """
    select rolname, rolconnlimit, coalesce({seconds}, (
        select extract(epoch from split_part(setting, '=', 2)::interval)::int
        from unnest(rolconfig) as setting
        where setting like 'statement_timeout=%%'
    ))
    from pg_roles
    where oid in (select member from pg_auth_members where roleid = to_regrole(%s) and not admin_option)
    order by rolname
    """
).format(seconds=SECONDS_A_QUERY.format(role=sql.SQL("oid")))
"""An older Weblake kept the seconds in the settings alone. Whoever made the group is in it, too, and may grant it."""


@dataclass(frozen=True)
class Quota:
    """How long a query of a sandbox may take (seconds), and how many connections it may have at once."""

    seconds: int = SECONDS
    connections: int = CONNECTIONS

    def __str__(self) -> str:
        return f"{self.seconds} s a query, {self.connections} connections"


def sandboxes(cursor: Cursor) -> dict[str, Quota]:
    """Return the sandboxes by name, with their quotas."""
    cursor.execute(QUOTAS, (SANDBOXES,))
    return {name: Quota(seconds or SECONDS, connections) for name, connections, seconds in cursor.fetchall()}


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
    cursor.execute(sql.SQL("create schema if not exists {} authorization {}").format(role, role))
