"""Who stands in the way of the owner's work on a real server: readers are ended, and others are named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg2
import pytest
from mirrors import execute

from lake.errors import ServiceError
from lake.settings import Settings
from stack.erase import rewrite_database
from stack.servers import postgres
from stack.servers.migrations import ADVISORY_LOCK, migrate

pytestmark = pytest.mark.stack


@pytest.fixture
def settings(stack_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A database of the test's own, in which everybody is impatient, and may take advisory locks as in an old one."""
    own = replace(stack_settings, postgres_database="blocked")
    migrate(own)
    execute(own, "grant execute on function pg_advisory_lock(bigint) to analyst, dbt")
    monkeypatch.setattr("stack.servers.blockers.PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("stack.servers.migrations.LOCK_SECONDS", 3)
    monkeypatch.setattr("lake.settings.OUR_SESSION", "-c search_path=pg_catalog,pg_temp -c lock_timeout=3s")
    yield own
    with closing(postgres.connect(stack_settings, "owner", "postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("drop database blocked with (force)")


@contextmanager
def holding(settings: Settings, role: str, statement: str) -> Iterator[psycopg2.extensions.connection]:
    """Hold what a statement takes, in a transaction of the role's."""
    with closing(postgres.connect(settings, role)) as connection, connection.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute(statement)
        yield connection


TURN = f"select pg_advisory_lock({ADVISORY_LOCK})"


OWN_ROLE = "set transaction read write; alter role analyst set work_mem = '2MB'"


@pytest.mark.parametrize("statement", [TURN, OWN_ROLE])
def test_a_reader_cannot_hold_a_migration_up(settings: Settings, statement: str) -> None:
    with holding(settings, "analyst", statement) as reader:
        (note,) = migrate(settings)
        assert note.startswith(
            f"ended a reader's session that was in the way: pid {reader.get_backend_pid()} (role analyst"
        )
        with pytest.raises(psycopg2.OperationalError):
            reader.cursor().execute("select 1")


def test_a_migration_names_who_holds_it_up_and_is_no_reader(settings: Settings) -> None:
    with holding(settings, "dbt", TURN) as other:
        with pytest.raises(
            ServiceError, match=rf"pid {other.get_backend_pid()} \(role dbt, application weblake, since "
        ):
            migrate(settings)
        other.cursor().execute("select 1")
    with holding(settings, "dbt", "select 1 from silver.bookmark"):
        assert migrate(settings) == [], "what is as it should be is not locked"


def test_an_erasure_ends_the_readers_that_are_in_its_way_and_names_others(settings: Settings) -> None:
    with closing(postgres.connect(settings, "dbt")) as dbt:
        dbt.cursor().execute("create table marts.mine as select 1 as one")
    said: list[str] = []
    with (
        holding(settings, "analyst", "select 1") as old_snapshot,
        holding(settings, "analyst", "table marts.mine") as reader,
    ):
        rewrite_database(settings, said.append)
        ended = {old_snapshot.get_backend_pid(), reader.get_backend_pid()}
    assert {int(line.split("pid ")[1].split()[0]) for line in said} == ended
    named = pytest.raises(ServiceError, match="role dbt, application weblake, since ")
    with holding(settings, "dbt", "table marts.mine"), named:
        rewrite_database(settings, said.append)
