"""The database's rights and schemas; may be run again at any time, against any PostgreSQL from 16 on.

``weblake migrate`` runs them (with the topic) where the servers are not ours, as in docker-compose.yml.

The owner, who may be a superuser, only makes roles, schemas and rights on the database. Tables are made and changed by
the roles that own them, each over a connection of its own: whatever they have put into their schemas runs with no more
rights than theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from lake.contracts import MIRROR_SCHEMA
from lake.contracts.mirror import BOOKMARK_TABLE
from lake.contracts.ops import OPS_SCHEMA
from lake.settings import Settings
from stack.servers.blockers import clear_way
from stack.servers.mirror_ddl import mirror_ddl
from stack.servers.ops_ddl import ops_ddl
from stack.servers.postgres import OWNER, connect, refusal
from stack.servers.roles import LOGINS, MARTS, SANDBOXES, WATCH, bring_roles, close_doors
from stack.servers.sandboxes import bring_sandbox, sandboxes

STAGING = "staging"
SCHEMAS = {MIRROR_SCHEMA: "pipeline", STAGING: "dbt", MARTS: "dbt", OPS_SCHEMA: WATCH}
"""Schema -> the role that owns it and all in it."""
ADVISORY_LOCK = 7_305_001
LOCK_SECONDS = 120
"""How long a migration waits for a lock: the mirror may be filling its tables meanwhile."""
REFUSED = "password authentication failed"
"""What PostgreSQL says of a wrong password, and of a role that it does not know."""

OF_PIPELINE = f"""
grant usage on schema {MIRROR_SCHEMA} to dbt;
grant select on all tables in schema {MIRROR_SCHEMA} to dbt;
"""
OF_DBT = f"""
grant usage on schema {MARTS} to charts, {WATCH}, analyst, {SANDBOXES};
grant select on all tables in schema {MARTS} to charts, {WATCH}, analyst, {SANDBOXES};
alter default privileges in schema {MARTS} grant select on tables to charts, {WATCH}, analyst, {SANDBOXES};
"""


def migrate(settings: Settings) -> list[str]:
    """Create the database if it is missing, and bring its roles, rights and schemas up to date.

    Returns a sentence for each thing that was mended and that a person should know of.

    Raises:
        ServiceError: somebody holds a lock for too long, or the server is too old.
        psycopg2.Error: the server cannot be reached, or the owner may not do this.
    """
    _create_database(settings)
    with closing(connect(settings, OWNER)) as owner:
        return migrate_as(settings, owner)


def migrate_as(settings: Settings, owner: Connection) -> list[str]:
    """Do what :func:`migrate` does, in a database that is there.

    Args:
        settings: with the passwords of all roles.
        owner: a connection in autocommit mode: of a superuser, or of the database's owner, who may create roles.
    """
    notes: list[str] = []
    refusals = {role: answer.words for role in LOGINS if (answer := refusal(settings, role))}
    with take_turn(settings, owner, notes.append):
        with clear_way(settings, owner, notes.append), owner, owner.cursor() as cursor:
            changed = _with_another_password(cursor, refusals)
            bring_roles(cursor, {role: settings.password(role) for role in refusals})
            for sandbox, quota in sandboxes(cursor).items():
                bring_sandbox(cursor, sandbox, quota)
            _limit_database(cursor)
            close_doors(cursor)
            for schema, role in SCHEMAS.items():
                _hand_over(cursor, schema, role)
        with _own_transaction(settings, "pipeline", notes.append) as cursor:
            there = _columns(cursor, MIRROR_SCHEMA)
            if (BOOKMARK_TABLE.name, "version") in there:  # first, as the mirror does: else they wait for one another
                bookmark = sql.Identifier(MIRROR_SCHEMA, BOOKMARK_TABLE.name)
                cursor.execute(sql.SQL("lock table {} in exclusive mode").format(bookmark))
            cursor.execute(mirror_ddl(there))
            cursor.execute(OF_PIPELINE)
        with _own_transaction(settings, "dbt", notes.append) as cursor:
            marts = _columns(cursor, MARTS)
            if ("build_info", "version") in marts and ("build_info", "filled_at") not in marts:
                cursor.execute(f"alter table {MARTS}.build_info add column filled_at timestamptz")
            cursor.execute(OF_DBT)
        with _own_transaction(settings, WATCH, notes.append) as cursor:
            cursor.execute(ops_ddl())
    return [
        *notes,
        *(f"role {role} had another password than the settings say, and has theirs again" for role in changed),
    ]


@contextmanager
def take_turn(settings: Settings, owner: Connection, say: Callable[[str], None]) -> Iterator[None]:
    """Let nobody else change roles and schemas meanwhile; wait for those who do.

    Raises:
        ServiceError: somebody does for too long; the message names the session.
    """
    with owner.cursor() as cursor:
        cursor.execute("select set_config('lock_timeout', %s, false)", (f"{LOCK_SECONDS}s",))
        with clear_way(settings, owner, say):
            cursor.execute("select pg_advisory_lock(%s)", (ADVISORY_LOCK,))
        try:
            yield
        finally:
            with suppress(psycopg2.Error):  # a session that is gone has given it back
                cursor.execute("select pg_advisory_unlock(%s)", (ADVISORY_LOCK,))


@contextmanager
def _own_transaction(settings: Settings, role: str, say: Callable[[str], None]) -> Iterator[Cursor]:
    """Give a cursor in a transaction of the role's, that waits for locks as long as a migration may."""
    with (
        closing(connect(settings, role)) as connection,
        clear_way(settings, connection, say),
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select set_config('lock_timeout', %s, true)", (f"{LOCK_SECONDS}s",))
        yield cursor


def _create_database(settings: Settings) -> None:
    try:
        connect(settings, OWNER).close()
    except psycopg2.OperationalError as error:
        if "does not exist" not in str(error):
            raise
        with closing(connect(settings, OWNER, "postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("create database {}").format(sql.Identifier(settings.postgres_database)))


def _with_another_password(cursor: Cursor, refusals: dict[str, str]) -> list[str]:
    """Return the roles that the server knows, and has another password of."""
    cursor.execute("select rolname from pg_roles where rolname = any(%s)", (list(refusals),))
    return [role for (role,) in cursor.fetchall() if REFUSED in refusals[role]]


def _limit_database(cursor: Cursor) -> None:
    """Let in our roles and sandboxes, and nobody else. Nobody but the owner makes schemas; readers make no tables."""
    cursor.execute("select current_database()")
    (name,) = cursor.fetchone() or ("",)
    database, group = sql.Identifier(name), sql.Identifier(SANDBOXES)
    logins = sql.SQL(", ").join(map(sql.Identifier, LOGINS))
    cursor.execute("revoke all on schema public from public")
    cursor.execute(sql.SQL("revoke all on database {} from public").format(database))
    cursor.execute(sql.SQL("revoke create on database {} from dbt").format(database))
    cursor.execute(sql.SQL("grant connect on database {} to {}, {}").format(database, logins, group))
    cursor.execute(sql.SQL("grant temporary on database {} to pipeline, dbt, {}").format(database, group))
    for other in ("postgres", "template1"):
        cursor.execute("select 1 from pg_database where datname = %s and pg_has_role(datdba, 'usage')", (other,))
        if cursor.fetchone():
            cursor.execute(sql.SQL("revoke connect on database {} from public").format(sql.Identifier(other)))


def _hand_over(cursor: Cursor, schema: str, role: str) -> None:
    """Make the schema, and make it the role's, with the tables that the owner has made in it."""
    name, to = sql.Identifier(schema), sql.Identifier(role)
    cursor.execute("select nspowner::regrole::text from pg_namespace where nspname = %s", (schema,))
    row = cursor.fetchone()
    if row is None:
        cursor.execute(sql.SQL("create schema {}").format(name))
    if row != (role,):
        cursor.execute(sql.SQL("alter schema {} owner to {}").format(name, to))
    cursor.execute(
        "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'r' "
        "and relowner = current_user::regrole",
        (schema,),
    )
    for (table,) in cursor.fetchall():
        cursor.execute(sql.SQL("alter table {} owner to {}").format(sql.Identifier(schema, table), to))


def _columns(cursor: Cursor, schema: str) -> dict[tuple[str, str], str]:
    """Return table and column of all that the schema has, with each one's type and whether it is `not null`."""
    cursor.execute(
        "select relname::text, attname::text, "
        "format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end "
        "from pg_attribute inner join pg_class on attrelid = pg_class.oid "
        "where relnamespace = to_regnamespace(%s) and relkind = 'r' and attnum > 0 and not attisdropped",
        (schema,),
    )
    return {(table, column): definition for table, column, definition in cursor.fetchall()}
