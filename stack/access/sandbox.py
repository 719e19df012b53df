"""``weblake sandbox``: a role with a schema of its own beside the marts, for people with projects of their own."""

from __future__ import annotations

import re
import secrets
from contextlib import closing
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from lake.env_file import read_env_file
from lake.errors import ServiceError, SettingsError
from lake.password_files import password_name
from lake.settings import STACK_FILE, Settings
from stack.console import say
from stack.servers import postgres, stack_env
from stack.servers.blockers import clear_way
from stack.servers.migrations import take_turn
from stack.servers.roles import SANDBOXES
from stack.servers.sandboxes import Quota, bring_sandbox, make_schema, sandboxes

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MANY_CONNECTIONS = 30


@dataclass(frozen=True)
class Sandbox:
    """A sandbox as it is now; ``before`` is the quota that it had, None where it is new."""

    name: str
    quota: Quota
    before: Quota | None


def make_sandbox(settings: Settings, name: str, seconds: int | None, connections: int | None) -> Sandbox:
    """Make the sandbox, or bring an existing one to these quotas. What is None stays as it is, or gets its default.

    The password is kept in ``stack.env``, and made when it is not there.

    Raises:
        SettingsError: a quota or the name cannot be used.
        ServiceError: the name is that of another role or schema.
        psycopg2.Error: the server cannot be reached, or the owner may not do this.
    """
    require_name(name)
    _require_quota(seconds, connections)
    key = password_name(name)
    with (
        closing(postgres.connect(settings, postgres.OWNER)) as connection,
        take_turn(settings, connection, say),
        clear_way(settings, connection, say),
        connection,
        connection.cursor() as cursor,
    ):
        before = sandboxes(cursor).get(name)
        _require_free(cursor, name, before is not None)
        password = read_env_file(settings.data / STACK_FILE).get(key) or secrets.token_hex(16)
        stack_env.write(settings, {key: password})  # before the role has it: it is nowhere else
        known = before or Quota()
        quota = Quota(seconds or known.seconds, connections or known.connections)
        bring_sandbox(cursor, name, quota, password)
        make_schema(cursor, name)
    return Sandbox(name, quota, before)


def contents(settings: Settings, name: str) -> int:
    """Return how many tables and views a sandbox holds.

    Raises:
        ServiceError: there is no such sandbox; the message lists those that there are.
    """
    require_name(name)
    with closing(postgres.connect(settings, postgres.OWNER)) as connection, connection.cursor() as cursor:
        _require_sandbox(cursor, name)
        cursor.execute("select count(*) from information_schema.tables where table_schema = %s", (name,))
        (number,) = cursor.fetchone() or (0,)
        return int(number)


def drop_sandbox(settings: Settings, name: str) -> None:
    """End a sandbox's sessions, and remove its schema with all in it, its role and its password.

    Raises:
        ServiceError: there is no such sandbox, or it owns something in another database of the server.
    """
    require_name(name)
    role = sql.Identifier(name)
    with closing(postgres.connect(settings, postgres.OWNER)) as connection, connection.cursor() as cursor:
        _require_sandbox(cursor, name)
        cursor.execute(sql.SQL("alter role {} nologin").format(role))
        cursor.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", (name,))
        try:
            with take_turn(settings, connection, say), clear_way(settings, connection, say), connection:
                cursor.execute(sql.SQL("drop owned by {} cascade").format(role))
                cursor.execute(sql.SQL("drop role {}").format(role))
        except psycopg2.errors.DependentObjectsStillExist as error:
            raise ServiceError(
                f"the sandbox {name} is also in another database of this server: {error.diag.message_detail}; run "
                f"`POSTGRES_DB=… make sandbox NAME={name} DROP=1` for that one first"
            ) from error
    stack_env.forget(settings, password_name(name))


def require_name(name: str) -> None:
    """Raise SettingsError where a role or a schema cannot have the name, or only with quotes."""
    if not NAME.fullmatch(name) or name.startswith("pg_"):
        raise SettingsError(
            f"--name {name!r} cannot be a sandbox's; use up to 40 small letters (a-z), digits and underscores, "
            "a letter first, and not pg_"
        )


def _require_quota(seconds: int | None, connections: int | None) -> None:
    if seconds is not None and not 1 <= seconds <= 86_400:
        raise SettingsError(f"--seconds {seconds} is not from 1 to 86400, a day; give a number that is")
    if connections is not None and not 1 <= connections <= MANY_CONNECTIONS:
        raise SettingsError(f"--connections {connections} is not from 1 to {MANY_CONNECTIONS}; give a number that is")


def _require_free(cursor: Cursor, name: str, is_sandbox: bool) -> None:
    """Raise ServiceError where the role or the schema of that name belongs to somebody else."""
    cursor.execute("select to_regrole(%s)", (SANDBOXES,))
    if cursor.fetchone() == (None,):
        raise ServiceError(
            f"the database has no role {SANDBOXES} yet; run `make down` and `make up`, or `make migrate`"
        )
    cursor.execute("select 1 from pg_roles where rolname = %s", (name,))
    is_other_role = cursor.fetchone() is not None and not is_sandbox
    cursor.execute("select nspowner::regrole::text from pg_namespace where nspname = %s", (name,))
    (owner,) = cursor.fetchone() or (None,)
    if is_other_role or owner not in (None, name):
        kind = "role" if is_other_role else "schema"
        raise ServiceError(f"there is a {kind} {name!r} already, and it is no sandbox; choose another --name")


def _require_sandbox(cursor: Cursor, name: str) -> None:
    names = sandboxes(cursor)
    if name not in names:
        raise ServiceError(f"there is no sandbox {name!r}; the sandboxes are: {', '.join(names) or 'none'}")
