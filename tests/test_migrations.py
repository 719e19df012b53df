"""Who may do what in the real database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest
from mirrors import execute

from lake.contracts import MEASURES, names
from lake.settings import Settings
from stack.servers.migrations import migrate, migrate_as
from stack.servers.postgres import connect, query
from stack.servers.roles import LOGINS, SANDBOXES

pytestmark = pytest.mark.stack


def test_the_bookmark_starts_empty_and_migrations_may_run_again(stack_settings: Settings) -> None:
    migrate(stack_settings)
    assert query(stack_settings, "owner", "show timezone") == [("UTC",)]
    found = "select table_name from information_schema.tables where table_schema = 'silver' and table_name = 'bookmark'"
    assert query(stack_settings, "owner", found) == [("bookmark",)]


def test_an_old_database_gets_what_it_lacks_and_keeps_its_bookmark(stack_settings: Settings) -> None:
    old = replace(stack_settings, postgres_database="older")
    migrate(old)
    execute(old, "drop table silver.verdict_records, silver.replay_records")
    news = ("counted_until", "counted_at", "records", "rejected")
    execute(old, f"alter table silver.bookmark {', '.join(f'drop column {name}' for name in news)}")
    execute(old, "insert into silver.bookmark (version, ledger_id, moved_at, filled_at) values (7, 'a', now(), now())")
    migrate(old)
    assert query(old, "dbt", f"select version, {', '.join(news)} from silver.bookmark") == [(7, None, None, None, None)]
    for table in ("verdict_records", "replay_records"):
        assert query(old, "dbt", f"select count(*) from silver.{table}") == [(0,)]
        assert query(old, "pipeline", f"delete from silver.{table} returning 1") == []


def test_counts_of_an_old_database_get_as_narrow_as_todays_and_stay_the_same(stack_settings: Settings) -> None:
    old = replace(stack_settings, postgres_database="wide")
    migrate(old)
    measures = names(MEASURES)
    wide = (f"alter {name} type bigint using coalesce({name}, 0), alter {name} set not null" for name in measures)
    execute(old, f"alter table silver.window_counts {', '.join(wide)}")
    execute(old, "create index window_counts_version on silver.window_counts (version)")
    numbers = {"events": 3, "views": 2, "bytes": 5_000_000_000}
    values = ", ".join(str(numbers.get(name, 0)) for name in measures)
    execute(
        old,
        f"insert into silver.window_counts (dimension, window_start, key, is_bot, version, {', '.join(measures)}) "
        f"values ('all', now(), 'all', false, 7, {values})",
    )
    migrate(old)
    assert query(old, "dbt", f"select {', '.join(measures)} from silver.window_counts") == [
        tuple(numbers.get(name) for name in measures)
    ]
    types = query(
        old,
        "dbt",
        "select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute "
        "where attrelid = 'silver.window_counts'::regclass and attname in ('events', 'views', 'bytes') order by 1",
    )
    assert types == [("bytes", "bigint", False), ("events", "integer", True), ("views", "integer", False)]
    indexes = query(old, "dbt", "select indexname from pg_indexes where tablename = 'window_counts' order by 1")
    assert indexes == [("window_counts_pkey",), ("window_counts_versions",)]


def test_migrations_wait_for_a_mirror_at_work_which_goes_on(stack_settings: Settings) -> None:
    busy = replace(stack_settings, postgres_database="busy")
    migrate(busy)
    insert = "insert into silver.verdicts values ('203.0.113.7', 'convicted', 'a', 'b', now(), 1)"
    waits = "select exists (select from pg_stat_activity where usename = 'pipeline' and wait_event_type = 'Lock')"
    with ThreadPoolExecutor() as pool:
        with closing(connect(busy, "pipeline")) as mirror, mirror, mirror.cursor() as cursor:
            cursor.execute("begin; lock table silver.bookmark in exclusive mode")
            migration = pool.submit(migrate, busy)
            until = time.monotonic() + 60
            while query(busy, "owner", waits) != [(True,)] and time.monotonic() < until:
                time.sleep(0.1)
            cursor.execute(insert)
            cursor.execute("insert into silver.window_counts select (null::silver.window_counts).* where false")
            cursor.execute("commit")
        assert migration.result() == []
    assert query(busy, "dbt", "select ip_address from silver.verdicts") == [("203.0.113.7",)]


def test_an_owner_who_is_no_superuser_can_do_all_of_it(stack_settings: Settings) -> None:
    """As on a server of somebody else's: the owner of the database, who may create roles, and has made ours."""
    own = replace(stack_settings, postgres_database="rented")
    with closing(connect(stack_settings, "owner", "postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("create role landlord login createrole password 'landlord'")
        cursor.execute(f"grant {', '.join(LOGINS)}, {SANDBOXES} to landlord with admin true, inherit false, set false")
        cursor.execute("create database rented owner landlord")
        try:
            dsn = own.postgres_dsn("owner").replace("user=owner", "user=landlord")
            dsn = dsn.replace(own.owner_password, "landlord")
            for _ in range(2):
                with closing(psycopg2.connect(dsn)) as landlord:
                    landlord.autocommit = True
                    assert migrate_as(own, landlord) == []
            assert query(own, "dbt", "select count(*) from silver.window_counts") == [(0,)]
            assert query(own, "pipeline", "select count(*) from silver.bookmark") == [(0,)]
            query(own, "dbt", "create table marts.mine as select 1 as one; select 1")
            for reader in ("analyst", "charts"):
                assert query(own, reader, "select one from marts.mine") == [(1,)]
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                query(own, "dbt", "create schema another")
        finally:
            cursor.execute("drop database rented with (force)")
            cursor.execute("drop owned by landlord cascade")
            cursor.execute("drop role landlord")
    migrate(stack_settings)


@pytest.fixture
def probe_table(stack_settings: Settings) -> Iterator[str]:
    """A table that dbt made in the marts, as it does every day."""
    with_dbt = connect(stack_settings, "dbt")
    with with_dbt.cursor() as cursor:
        cursor.execute("create table marts.rights_probe as select 7 as seven")
        yield "rights_probe"
        cursor.execute("drop table marts.rights_probe")
    with_dbt.close()


def test_the_analyst_reads_the_marts_and_nothing_else(stack_settings: Settings, probe_table: str) -> None:
    assert query(stack_settings, "analyst", f"select * from {probe_table}") == [(7,)]
    assert query(stack_settings, "analyst", "show statement_timeout") == [("30s",)]
    for forbidden in (
        "select * from silver.window_counts",
        "create table marts.mine (a int)",
        f"set transaction read write; insert into {probe_table} values (1)",
        "set transaction read write; create temporary table mine (a int)",
        "set transaction read write; create table public.mine (a int)",
    ):
        with pytest.raises(psycopg2.Error, match=r"permission denied|read-only"):
            query(stack_settings, "analyst", forbidden)


def test_the_pipeline_writes_silver_and_dbt_only_reads_it(stack_settings: Settings) -> None:
    assert query(stack_settings, "pipeline", "select count(*) >= 0 from silver.window_counts") == [(True,)]
    assert query(stack_settings, "dbt", "select count(*) >= 0 from silver.window_counts") == [(True,)]
    with pytest.raises(psycopg2.Error, match="permission denied"):
        query(stack_settings, "dbt", "delete from silver.window_counts returning 1")
    with pytest.raises(psycopg2.Error, match="permission denied"):
        query(stack_settings, "pipeline", "create table marts.mine (a int)")
