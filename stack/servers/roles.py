"""The database's roles: who logs in, and with which limits.

All of it is for a superuser, or for an owner of the database who may create roles.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import encrypt_password

from lake.errors import ServiceError

MARTS = "marts"
ANALYST, GUARD, WATCH = "analyst", "guard", "watch"
LOGINS = ("pipeline", "dbt", "charts", GUARD, WATCH, ANALYST)
SANDBOXES = "sandboxes"
"""The role, without a login, whose rights all sandboxes have (stack/access/sandbox.py)."""
OLDEST_SERVER = 160_000

ANALYST_SECONDS = 30
IDLE_SECONDS = 300
"""How long a reader's transaction may wait for the reader."""
TRANSACTION_SECONDS = 600
"""How long a reader's transaction may take: it keeps old rows from being removed. Or as long as one query may take."""
TEMPORARY_FILES = "512MB"
CONNECTIONS = {"pipeline": 8, "dbt": 15, "charts": 5, GUARD: 2, WATCH: 4, ANALYST: 10}
RESERVED = {role: number for role, number in CONNECTIONS.items() if role != ANALYST}
"""What is kept for our own programs, however many readers there are."""

IS_READER = sql.SQL(
    "(usename = {analyst} or usesysid in "
    "(select member from pg_auth_members where roleid = to_regrole({group}) and not admin_option))"
).format(analyst=sql.Literal(ANALYST), group=sql.Literal(SANDBOXES))
"""Says of a row of ``pg_stat_activity`` whether it is a session of the analyst or of a sandbox."""
SECONDS_A_QUERY = sql.SQL("substring(shobj_description({role}, 'pg_authid') from '(\\d+) s a query')::int")
"""How long a reader's query may take, by the comment on its role: a role may change its settings, but no comment."""

_ATTRIBUTES = "login nosuperuser nocreatedb nocreaterole noreplication nobypassrls"
_FUNCTIONS = """
select oid::regprocedure::text
from pg_proc
where
    pronamespace = 'pg_catalog'::regnamespace
    and (
        proname in ('loread', 'lowrite', 'pg_logical_emit_message')
        or proname like 'lo\\_%'
        or proname like 'pg\\_advisory%'
        or proname like 'pg\\_try\\_advisory%'
    )
    and exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner))) where grantee = 0)
"""
"""What everybody may call in a new database, and nobody here needs: large objects and messages in the write-ahead
log fill the disk, and a million advisory locks fill the table of locks."""


def reader_settings(seconds: int) -> dict[str, str]:
    """Return the settings of a role that only asks, given how long a query may take (seconds).

    A session may change all but the last for itself; the guard (stack/access/guard.py) holds it to them all the same.
    """
    return {
        "statement_timeout": f"{seconds}s",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        "transaction_timeout": f"{max(TRANSACTION_SECONDS, seconds)}s",
        "temp_file_limit": TEMPORARY_FILES,
    }


SETTINGS: dict[str, dict[str, str]] = {
    "pipeline": {},
    "dbt": {"lock_timeout": "30s"},
    "charts": {"default_transaction_read_only": "on", **reader_settings(60)},
    GUARD: {"default_transaction_read_only": "on"},
    WATCH: reader_settings(60),
    ANALYST: {"default_transaction_read_only": "on", "search_path": MARTS, **reader_settings(ANALYST_SECONDS)},
}


def bring_roles(cursor: Cursor, passwords: Mapping[str, str]) -> None:
    """Create the logins and the group of sandboxes, or bring them up to date; settings of their own making are undone.

    Args:
        cursor: in a transaction of the owner's.
        passwords: by role, for those that the server does not let in with theirs.

    Raises:
        ServiceError: the server is too old.
    """
    if cursor.connection.server_version < OLDEST_SERVER:
        version = cursor.connection.server_version // 10_000
        raise ServiceError(f"the server is PostgreSQL {version}; Weblake needs 16 or newer: upgrade the server")
    for role in LOGINS:
        bring_login(cursor, role, passwords.get(role), CONNECTIONS[role], SETTINGS[role], is_reset=True)
    if not _exists(cursor, SANDBOXES):
        cursor.execute(sql.SQL("create role {} nologin").format(sql.Identifier(SANDBOXES)))
    comment = f"Reads {MARTS}, {ANALYST_SECONDS} s a query."
    cursor.execute(sql.SQL("comment on role {} is {}").format(sql.Identifier(ANALYST), sql.Literal(comment)))
    let_guard_end(cursor, ANALYST)
    if is_superuser(cursor):
        cursor.execute(sql.SQL("grant pg_use_reserved_connections to {}").format(_listed(RESERVED)))
    else:  # it may then hand schemas over to them
        cursor.execute("grant pipeline, dbt, watch to current_user with inherit false, set true")


def bring_login(
    cursor: Cursor,
    role: str,
    password: str | None,
    connections: int,
    settings: Mapping[str, str],
    is_reset: bool = False,
) -> None:
    """Create a login role, or bring it up to date.

    Args:
        cursor: in a transaction of the owner's.
        role: its name.
        password: None for one that the role has already.
        connections: most sessions at once.
        settings: of the role's sessions, but for those that this server does not know, or does not let this owner set.
        is_reset: whether the settings that the role has given itself go.
    """
    name = sql.Identifier(role)
    if not _exists(cursor, role):
        cursor.execute(sql.SQL("create role {} login").format(name))
    attributes = _ATTRIBUTES if is_superuser(cursor) else "login"
    cursor.execute(
        sql.SQL("alter role {} " + attributes + " connection limit {}").format(name, sql.Literal(connections))
    )
    if password:
        secret = encrypt_password(password, role, cursor.connection, "scram-sha-256")  # the server's log may quote it
        cursor.execute(sql.SQL("alter role {} password {}").format(name, sql.Literal(secret)))
    if is_reset:
        cursor.execute("select current_database()")
        (database,) = cursor.fetchone() or ("",)
        cursor.execute(sql.SQL("alter role {} reset all").format(name))
        cursor.execute(sql.SQL("alter role {} in database {} reset all").format(name, sql.Identifier(database)))
    for setting, value in settings.items():
        if _may_set(cursor, setting):
            statement = sql.SQL("alter role {} set {} = {}")
            cursor.execute(statement.format(name, sql.Identifier(setting), sql.Literal(value)))


def let_guard_end(cursor: Cursor, reader: str) -> None:
    """Let the guard, and an owner who is no superuser, see and end the sessions of a reader."""
    statement = sql.SQL("grant {} to {} with inherit true, set false")
    cursor.execute(statement.format(sql.Identifier(reader), sql.Identifier(GUARD)))
    if not is_superuser(cursor):  # who may then hand a sandbox its schema, too, and drop it
        statement = sql.SQL("grant {} to current_user with inherit true, set true")
        cursor.execute(statement.format(sql.Identifier(reader)))


def close_doors(cursor: Cursor) -> None:
    """Take from everybody what PostgreSQL lets everybody do in a new database, and nobody here needs."""
    if not is_superuser(cursor):
        return
    cursor.execute(_FUNCTIONS)
    for (function,) in cursor.fetchall():
        cursor.execute(sql.SQL("revoke execute on function {} from public").format(sql.SQL(function)))


def is_superuser(cursor: Cursor) -> bool:
    """Say whether the session is a superuser's."""
    return cursor.connection.get_parameter_status("is_superuser") == "on"


def _exists(cursor: Cursor, role: str) -> bool:
    cursor.execute("select 1 from pg_roles where rolname = %s", (role,))
    return cursor.fetchone() is not None


def _may_set(cursor: Cursor, setting: str) -> bool:
    cursor.execute(
        "select 1 from pg_settings where name = %s and (context = 'user' or has_parameter_privilege(name, 'set'))",
        (setting,),
    )
    return cursor.fetchone() is not None


def _listed(names: Mapping[str, int]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
