"""The database's roles, rights and schemas; may be run again at any time, against any PostgreSQL.

``weblake migrate`` runs them (with the topic) where the servers are not ours, as in docker-compose.yml.
"""

from __future__ import annotations

from contextlib import closing

import psycopg2
from psycopg2 import sql

from lake.contracts import MIRROR_SCHEMA
from lake.settings import Settings
from stack.servers.mirror_ddl import mirror_ddl
from stack.servers.postgres import OWNER, connect

STAGING = "staging"
MARTS = "marts"
LOGINS = ("pipeline", "dbt", "analyst")
SANDBOXES = "sandboxes"
"""The role, without a login, whose rights all sandboxes have (stack/sandbox.py)."""
ANALYST_TIMEOUT = "30s"
ADVISORY_LOCK = 7_305_001

RIGHTS = f"""
revoke all on schema public from public;
grant usage on schema {MIRROR_SCHEMA} to pipeline, dbt;
grant select, insert, update, delete, truncate on all tables in schema {MIRROR_SCHEMA} to pipeline;
grant select on all tables in schema {MIRROR_SCHEMA} to dbt;
create schema if not exists {STAGING};
create schema if not exists {MARTS};
alter schema {STAGING} owner to dbt;
alter schema {MARTS} owner to dbt;
alter table if exists {MARTS}.build_info add column if not exists filled_at timestamptz;
grant usage on schema {MARTS} to analyst, {SANDBOXES};
grant select on all tables in schema {MARTS} to analyst, {SANDBOXES};
alter default privileges for role dbt in schema {MARTS} grant select on tables to analyst, {SANDBOXES};
alter role analyst set default_transaction_read_only = on;
alter role analyst set statement_timeout = '{ANALYST_TIMEOUT}';
alter role analyst set search_path = {MARTS};
"""


def migrate(settings: Settings) -> None:
    """Create the database if it is missing, and bring its roles, rights and schemas up to date.

    Raises:
        psycopg2.Error: the server cannot be reached, or the owner may not do this.
    """
    _create_database(settings)
    passwords = {role: settings.password(role) for role in LOGINS}
    with closing(connect(settings, OWNER)) as connection:
        apply_rights(connection, passwords)


def apply_rights(connection: psycopg2.extensions.connection, passwords: dict[str, str]) -> None:
    """Create roles, schemas and tables over an owner's connection to the database; all of it or nothing.

    Args:
        connection: of a superuser, or of the database's owner with the right to create roles.
        passwords: by role: ``pipeline``, ``dbt``, ``analyst``.
    """
    connection.autocommit = False
    with connection, connection.cursor() as cursor:
        take_turn(cursor)
        for role in LOGINS:
            create_role(cursor, role, passwords[role])
        _create_group(cursor)
        _limit_database(cursor)
        cursor.execute(mirror_ddl())
        cursor.execute(RIGHTS)


def _create_database(settings: Settings) -> None:
    try:
        connect(settings, OWNER).close()
    except psycopg2.OperationalError as error:
        if "does not exist" not in str(error):
            raise
        with closing(connect(settings, OWNER, "postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("create database {}").format(sql.Identifier(settings.postgres_database)))


def take_turn(cursor: psycopg2.extensions.cursor) -> None:
    """Wait until no other transaction changes roles, and let none begin before this one ends."""
    cursor.execute("select pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))


def create_role(cursor: psycopg2.extensions.cursor, role: str, password: str) -> None:
    """Create the login role, or give it today's password."""
    cursor.execute("select 1 from pg_roles where rolname = %s", (role,))
    verb = sql.SQL("alter" if cursor.fetchone() else "create")
    statement = sql.SQL("{} role {} login nosuperuser nocreatedb nocreaterole password {}")
    cursor.execute(statement.format(verb, sql.Identifier(role), sql.Literal(password)))


def _create_group(cursor: psycopg2.extensions.cursor) -> None:
    cursor.execute("select 1 from pg_roles where rolname = %s", (SANDBOXES,))
    if not cursor.fetchone():
        cursor.execute(sql.SQL("create role {} nologin").format(sql.Identifier(SANDBOXES)))


def _limit_database(cursor: psycopg2.extensions.cursor) -> None:
    """Let in the three roles and sandboxes, and nobody else; the analyst may not even make temporary tables."""
    cursor.execute("select current_database()")
    (name,) = cursor.fetchone() or ("",)
    database = sql.Identifier(name)
    cursor.execute(sql.SQL("revoke all on database {} from public").format(database))
    group = sql.Identifier(SANDBOXES)
    cursor.execute(sql.SQL("grant connect on database {} to pipeline, dbt, analyst, {}").format(database, group))
    cursor.execute(sql.SQL("grant temporary on database {} to pipeline, dbt, {}").format(database, group))
    cursor.execute(sql.SQL("grant create on database {} to dbt").format(database))
    for other in ("postgres", "template1"):
        cursor.execute("select 1 from pg_database where datname = %s", (other,))
        if cursor.fetchone():
            cursor.execute(sql.SQL("revoke connect on database {} from public").format(sql.Identifier(other)))
