"""Sandboxes on a real PostgreSQL: what their role may do, what a tool sees as it, and how they come and go."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace

import pandas as pd
import psycopg2
import pytest
import sqlalchemy
from sandboxes import NAME, ask, maria, password_of, session
from sqlalchemy.exc import ProgrammingError

from lake.errors import ServiceError, SettingsError
from lake.settings import STACK_FILE, Settings, load_settings
from marts.build import Marts
from stack.access.connect import connection
from stack.access.sandbox import Sandbox, contents, drop_sandbox, make_sandbox
from stack.servers import postgres
from stack.servers.migrations import migrate
from stack.servers.sandboxes import Quota
from weblake.main import run

pytestmark = pytest.mark.stack
__all__ = ["maria"]


def engine_of(settings: Settings) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(connection(settings, NAME, show_password=True).sqlalchemy)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from marts.products",
        "insert into marts.bot_rules (reason) values ('mine')",
        "begin; lock table marts.products in share mode",
        "create table marts.mine (a int)",
        "create table public.mine (a int)",
        "create table mine (id text references marts.products)",
        "create schema another",
        "create role another",
        "create database another",
        "select * from silver.window_counts",
        "select * from staging.products",
        "set role dbt",
        "alter role maria connection limit 20",
        "copy (select 1) to '/tmp/mine'",
    ],
)
def test_a_sandbox_is_refused_what_is_not_its_own(maria: Settings, built: int, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask(maria, statement)


def test_a_sandbox_reads_the_marts_and_writes_its_own_schema(maria: Settings, built: int) -> None:
    assert ask(maria, "select version from build_info") == [(built,)]
    ask(maria, "create table favourites as select product_id from products; create temporary table scratch (a int)")
    assert ask(maria, "select schemaname::text from pg_tables where tablename = 'favourites'") == [(NAME,)]
    ask(maria, "insert into favourites values ('p-9'); drop table favourites")
    assert ask(maria, "show search_path") == [(f"{NAME}, marts",)]


def test_nobody_else_reads_a_sandbox(maria: Settings, built: int) -> None:
    ask(maria, "create table secrets as select 1 as one")
    make_sandbox(maria, "otto", None, None)
    try:
        for query in ("select * from maria.secrets", "set role maria"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                ask(maria, query, "otto")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            postgres.query(maria, "analyst", "select * from maria.secrets")
    finally:
        drop_sandbox(maria, "otto")
        ask(maria, "drop table secrets")


def test_the_second_call_changes_what_it_is_given_and_says_so(
    maria: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, password = Quota(60, 5), password_of(maria)
    assert make_sandbox(maria, NAME, None, None) == Sandbox(NAME, first, first)
    assert make_sandbox(maria, NAME, 1, 2) == Sandbox(NAME, Quota(1, 2), first)
    assert make_sandbox(maria, NAME, None, None).quota == Quota(1, 2)
    with pytest.raises(psycopg2.errors.QueryCanceled):
        ask(maria, "select pg_sleep(20)")
    with ExitStack() as sessions, pytest.raises(psycopg2.OperationalError, match="too many connections for role"):
        for _ in range(3):
            sessions.enter_context(closing(session(maria)))
    assert password_of(maria) == password
    monkeypatch.setattr("weblake.commands.access.prepare", lambda **_: maria)
    assert run(["sandbox", "--name", NAME, "--seconds", "60", "--connections", "5"]) == 0
    text = capsys.readouterr().out
    assert "now 60 s a query, 5 connections; before 1 s a query, 2 connections" in text
    assert password not in text
    assert run(["sandbox", "--name", NAME, "--password"]) == 0
    text = capsys.readouterr().out
    assert f"sandbox {NAME}: no change, 60 s a query, 5 connections" in text
    assert password in text


def test_a_sandbox_goes_with_all_it_holds_after_a_question(
    shop: Settings, built: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("weblake.commands.access.prepare", lambda **_: shop)
    assert run(["sandbox", "--name", "gone"]) == 0
    ask(shop, "create table one as select * from products; create view two as select * from one", "gone")
    assert contents(shop, "gone") == 2
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert run(["sandbox", "--name", "gone", "--drop"]) == 1
    assert "run `make sandbox NAME=gone DROP=1 FORCE=1`" in capsys.readouterr().err
    with closing(session(shop, "gone")) as reader:
        assert run(["sandbox", "--name", "gone", "--drop", "--force"]) == 0
        with pytest.raises(psycopg2.OperationalError):
            reader.cursor().execute("select 1")
    assert "POSTGRES_GONE_PASSWORD" not in (shop.data / STACK_FILE).read_text()
    left = "select 1 from pg_roles where rolname = 'gone' union all select 1 from pg_namespace where nspname = 'gone'"
    assert postgres.query(shop, "owner", left) == []
    with pytest.raises(ServiceError, match="there is no sandbox 'gone'; the sandboxes are: "):
        contents(shop, "gone")


def test_a_sandbox_in_two_databases_goes_from_one_after_the_other(shop: Settings, maria: Settings) -> None:
    other = replace(shop, postgres_database="other")
    migrate(other)
    make_sandbox(other, NAME, None, None)
    with pytest.raises(ServiceError, match=r"also in another database.*POSTGRES_DB="):
        drop_sandbox(other, NAME)
    make_sandbox(maria, NAME, None, None)
    postgres.query(other, "owner", f"drop schema {NAME}; select 1")


@pytest.mark.parametrize("name", ["owner", "dbt", "analyst", "sandboxes", "marts", "silver", "staging", "public"])
def test_a_name_that_is_taken_is_refused(shop: Settings, name: str) -> None:
    with pytest.raises(ServiceError, match="already, and it is no sandbox"):
        make_sandbox(shop, name, None, None)
    with pytest.raises(ServiceError, match="there is no sandbox"):
        drop_sandbox(shop, name)


@pytest.mark.parametrize(
    ("name", "seconds", "connections"),
    [("Maria", 1, 1), ("pg_maria", 1, 1), ("m-a", 1, 1), ("m" * 41, 1, 1), ("maria", 0, 1), ("maria", 1, 31)],
)
def test_names_and_quotas_that_cannot_be_are_refused_without_a_server(
    name: str, seconds: int, connections: int
) -> None:
    with pytest.raises(SettingsError, match=r"^--(name|seconds|connections) "):
        make_sandbox(load_settings(), name, seconds, connections)


def test_pandas_reads_a_mart_writes_its_own_schema_and_is_refused_to_write_marts(maria: Settings, built: int) -> None:
    engine = engine_of(maria)
    try:
        products = pd.read_sql("select product_id, views from products", engine)
        assert products["views"].sum() > 0
        products.to_sql("favourites", engine, schema=NAME, index=False)
        assert len(pd.read_sql_table("favourites", engine, schema=NAME)) == len(products)
        with pytest.raises(ProgrammingError, match="permission denied"):
            products.to_sql("products", engine, schema="marts", index=False, if_exists="append")
        with engine.begin() as transaction:
            transaction.exec_driver_sql("drop table favourites")
    finally:
        engine.dispose()


def test_a_tool_sees_types_keys_and_descriptions(maria: Settings, marts: Marts, built: int) -> None:
    engine = engine_of(maria)
    try:
        seen = sqlalchemy.inspect(engine)
        tables = seen.get_table_names(schema="marts")
        assert "products" in tables
        for table in tables:
            assert str(seen.get_table_comment(table, schema="marts")["text"]).startswith("One row")
            assert seen.get_pk_constraint(table, schema="marts")["constrained_columns"]
            assert all(column["comment"] for column in seen.get_columns(table, schema="marts"))
        types = {column["name"]: str(column["type"]) for column in seen.get_columns("products", schema="marts")}
    finally:
        engine.dispose()
    assert (types["product_id"], types["views"], types["cart_rate"]) == ("TEXT", "BIGINT", "NUMERIC(23, 4)")
    of_products = "from information_schema.{} where table_schema = 'marts' and table_name = 'products'"
    columns = ask(maria, f"select column_name::text, data_type::text {of_products.format('columns')}")
    assert ("first_seen_at", "timestamp with time zone") in columns
    keys = ask(maria, f"select column_name::text {of_products.format('key_column_usage')}")
    assert keys == [("product_id",)]
