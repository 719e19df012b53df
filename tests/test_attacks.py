"""What somebody with the password of a lesser role tries against a real server, and gets nothing from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import psycopg2
import pytest
from mirrors import execute
from sandboxes import session

from lake.settings import Settings
from spark.tables.postgres import connect as connect_mirror
from stack.access.sandbox import drop_sandbox, make_sandbox
from stack.servers import postgres
from stack.servers.migrations import ADVISORY_LOCK, migrate
from stack.servers.postgres import MOST_CONNECTIONS, SESSION_MEGABYTES
from stack.servers.roles import CONNECTIONS, LOGINS, RESERVED
from viz.marts import connect as connect_charts

pytestmark = pytest.mark.stack

TRAP = """
create function owner.{name}({arguments}) returns void language plpgsql as
$$ begin execute 'alter role dbt superuser'; end $$
"""
TRAPS = {
    "pg_advisory_xact_lock": "int",
    "pg_advisory_lock": "int",
    "set_config": "text, text, boolean",
    "has_parameter_privilege": "name, unknown",
    "aclexplode": "aclitem[], int",
    "split_part": "text, unknown, int",
}


@pytest.fixture
def old(stack_settings: Settings) -> Iterator[Settings]:
    """A database as an older Weblake left it: the owner's tables, and dbt may make schemas."""
    own = replace(stack_settings, postgres_database="attacked")
    migrate(own)
    execute(own, "alter schema silver owner to owner")
    for (table,) in execute(
        own, "select relname from pg_class where relnamespace = 'silver'::regnamespace and relkind = 'r'"
    ):
        execute(own, f"alter table silver.{table} owner to owner")
    execute(own, "grant create on database attacked to dbt")
    yield own
    execute(own, "alter role dbt nosuperuser")
    with closing(postgres.connect(own, "owner", "postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("drop database attacked with (force)")


def test_a_migration_runs_nothing_that_another_role_has_put_in_its_way(old: Settings) -> None:
    with closing(postgres.connect(old, "dbt")) as attacker, attacker.cursor() as cursor:
        cursor.execute("create schema owner; create schema pipeline; create type pipeline.text as enum ('trap')")
        for name, arguments in TRAPS.items():
            cursor.execute(TRAP.format(name=name, arguments=arguments.replace("unknown", "text")))
        cursor.execute("grant usage on schema owner, pipeline to public")
    migrate(old)
    assert postgres.query(old, "dbt", "select rolsuper from pg_roles where rolname = 'dbt'") == [(False,)]
    owners = "select distinct relowner::regrole::text from pg_class where relnamespace = 'silver'::regnamespace"
    assert postgres.query(old, "dbt", owners) == [("pipeline",)]


def test_no_session_of_ours_finds_names_in_a_schema_of_somebody_else(stack_settings: Settings) -> None:
    safe = [("pg_catalog,pg_temp",)]
    for role in ("owner", *RESERVED):
        assert postgres.query(stack_settings, role, "show search_path") == safe
    with closing(connect_mirror(stack_settings.postgres_dsn("pipeline"))) as mirror, mirror.cursor() as cursor:
        cursor.execute("show search_path")
        assert cursor.fetchall() == safe
    with connect_charts(stack_settings).connect() as charts:
        assert charts.exec_driver_sql("show search_path").fetchall() == safe


@pytest.mark.parametrize("role", LOGINS)
@pytest.mark.parametrize(
    "statement",
    [
        "create schema another",
        "create extension lo",
        "create table public.mine (a int)",
        "select lo_create(0)",
        "select lo_from_bytea(0, 'mine')",
        f"select pg_advisory_lock({ADVISORY_LOCK})",
        f"select pg_try_advisory_xact_lock_shared({ADVISORY_LOCK})",
        "select pg_logical_emit_message(false, 'a', 'b')",
        "set temp_file_limit = -1",
        "comment on role analyst is '86400 s a query'",
        "alter role owner password 'mine'",
        "set session authorization owner",
        "copy (select 1) to program 'id'",
    ],
)
def test_no_login_may_do_what_only_the_owner_may(stack_settings: Settings, role: str, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        postgres.query(stack_settings, role, f"set transaction read write; {statement}")


def test_a_session_that_asks_for_all_memory_gets_an_error_and_nobody_else_does(stack_settings: Settings) -> None:
    bystander = postgres.connect(stack_settings, "analyst")
    with closing(bystander), bystander.cursor() as cursor:
        with pytest.raises((psycopg2.errors.OutOfMemory, psycopg2.errors.InsufficientResources)):
            postgres.query(stack_settings, "analyst", f"select repeat('x', {(SESSION_MEGABYTES + 100) << 20})")
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)


def test_our_programs_get_in_however_many_readers_there_are(stack_settings: Settings) -> None:
    with ExitStack() as sessions:
        for name in ("first", "second"):
            make_sandbox(stack_settings, name, None, 30)
            sessions.callback(drop_sandbox, stack_settings, name)
        readers = 0
        with pytest.raises(psycopg2.OperationalError, match="reserved for roles with privileges"):
            for number in range(MOST_CONNECTIONS):
                sessions.enter_context(closing(session(stack_settings, ("first", "second")[number % 2])))
                readers += 1
        assert readers <= MOST_CONNECTIONS - sum(RESERVED.values())
        for role in ("owner", *RESERVED):
            assert postgres.accepts(stack_settings, role)
        for _ in range(CONNECTIONS["charts"]):
            sessions.enter_context(closing(postgres.connect(stack_settings, "charts")))
        with pytest.raises(psycopg2.OperationalError, match="too many connections for role"):
            postgres.connect(stack_settings, "charts")


def test_an_analyst_who_changes_its_login_loses_only_itself_until_the_next_migration(stack_settings: Settings) -> None:
    for change in (
        "password 'mine'",
        "set statement_timeout = 0",
        "set default_transaction_read_only = off",
        f"in database {stack_settings.postgres_database} set search_path = silver",
    ):
        postgres.query(stack_settings, "analyst", f"set transaction read write; alter role analyst {change}; select 1")
        if "password" not in change:
            continue
        assert not postgres.accepts(stack_settings, "analyst")
        assert postgres.accepts(stack_settings, "charts")
        assert migrate(stack_settings) == [
            "role analyst had another password than the settings say, and has theirs again"
        ]
    assert postgres.query(stack_settings, "analyst", "show statement_timeout") == [("0",)]
    assert migrate(stack_settings) == []
    with closing(postgres.connect(stack_settings, "analyst")) as connection, connection.cursor() as cursor:
        for setting, value in {
            "statement_timeout": "30s",
            "transaction_read_only": "on",
            "search_path": "marts",
        }.items():
            cursor.execute(f"show {setting}")
            assert cursor.fetchone() == (value,)
