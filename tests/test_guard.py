"""The guard on a real server: which sessions it ends, and whom it leaves alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from background import in_background
from disks import cannot_be_looked_at
from mirrors import execute
from psycopg2.extensions import connection as Connection
from sandboxes import NAME, session

from lake.contracts.reports import read_loop_report
from lake.settings import Settings
from stack.access.guard import Limits, end_offenders, keep_watch
from stack.access.sandbox import drop_sandbox, make_sandbox
from stack.servers import postgres
from stack.servers.waiting import wait_until

pytestmark = pytest.mark.stack

GONE = "select to_regclass('marts.held')"
PATIENT = Limits(grace=1e6, idle=1e6, transaction=1e6, blocking=1e6)


@pytest.fixture
def guard(stack_settings: Settings) -> Iterator[Connection]:
    with closing(postgres.connect(stack_settings, "guard")) as connection:
        yield connection


@pytest.fixture
def analyst(stack_settings: Settings) -> Iterator[Connection]:
    """A session of the analyst's that has given itself all the time in the world."""
    with closing(postgres.connect(stack_settings, "analyst")) as connection, connection.cursor() as cursor:
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"):
            cursor.execute(f"set {limit} = 0")
        yield connection


@contextmanager
def at_work(settings: Settings, connection: Connection, statement: str, event: str) -> Iterator[None]:
    """Run a statement in the background, from when the server says what it waits for until it ends."""

    def run() -> None:
        with suppress(psycopg2.Error), connection.cursor() as cursor:
            cursor.execute(statement)

    thread = threading.Thread(target=run)
    thread.start()
    pid = connection.get_backend_pid()
    waits = f"select wait_event_type from pg_stat_activity where pid = {pid}"
    try:
        wait_until(lambda: execute(settings, waits) == [(event,)], 30, f"the statement waits for {event}")
        yield
    finally:
        execute(settings, f"select pg_terminate_backend({pid})")
        thread.join()


def ended(guard: Connection, limits: Limits) -> list[int]:
    return [one.pid for one in end_offenders(guard, limits)]


def test_a_query_that_has_switched_its_time_limit_off_is_ended(
    stack_settings: Settings, guard: Connection, analyst: Connection
) -> None:
    pid = analyst.get_backend_pid()
    with at_work(stack_settings, analyst, "select pg_sleep(600)", "Timeout"):
        assert ended(guard, PATIENT) == []
        assert ended(guard, replace(PATIENT, grace=-30)) == [pid]


@pytest.mark.parametrize("limits", [Limits(1e6, -1e6, 1e6, 1e6), Limits(-30, 1e6, 0, 1e6)])
def test_a_transaction_that_never_ends_is_ended(
    stack_settings: Settings, guard: Connection, analyst: Connection, limits: Limits
) -> None:
    with analyst.cursor() as cursor, closing(postgres.connect(stack_settings, "dbt")) as other:
        other.autocommit = False
        other.cursor().execute("select 1")
        assert ended(guard, limits) == [], "a session without a transaction, and one of ours"
        cursor.execute("begin; select 1")
        assert ended(guard, limits) == [analyst.get_backend_pid()]
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("select 1")
        other.cursor().execute("select 1")


def test_a_reader_that_keeps_our_programs_waiting_is_ended(
    stack_settings: Settings, guard: Connection, analyst: Connection
) -> None:
    with closing(postgres.connect(stack_settings, "dbt")) as dbt, analyst.cursor() as cursor:
        dbt.cursor().execute("create table marts.held as select 1 as one")
        cursor.execute("begin; select * from marts.held")
        with at_work(stack_settings, dbt, "drop table marts.held", "Lock"):
            assert ended(guard, PATIENT) == []
            assert ended(guard, replace(PATIENT, blocking=0)) == [analyst.get_backend_pid()]
            wait_until(lambda: execute(stack_settings, GONE) == [(None,)], 30, "the table is dropped")


def test_a_sandbox_is_held_to_its_quota_whatever_it_tells_its_own_role(
    stack_settings: Settings, guard: Connection
) -> None:
    make_sandbox(stack_settings, NAME, 1000, None)
    try:
        with closing(session(stack_settings)) as maria:
            maria.cursor().execute(f"alter role {NAME} set statement_timeout = 0; set statement_timeout = 0")
            with at_work(stack_settings, maria, "select pg_sleep(600)", "Timeout"):
                pid = maria.get_backend_pid()
                assert ended(guard, replace(PATIENT, grace=-900)) == []
                assert ended(guard, replace(PATIENT, grace=-1000)) == [pid]
    finally:
        drop_sandbox(stack_settings, NAME)


def test_on_a_disk_without_room_readers_that_do_anything_are_ended(
    stack_settings: Settings, guard: Connection, analyst: Connection
) -> None:
    with closing(postgres.connect(stack_settings, "analyst")) as idle, analyst.cursor() as cursor:
        idle.cursor().execute("select 1")
        cursor.execute("begin; select 1")
        assert ended(guard, PATIENT) == []
        assert [one.pid for one in end_offenders(guard, PATIENT, "no room")] == [analyst.get_backend_pid()]
        idle.cursor().execute("select 1")


def test_the_guard_reports_how_it_is(stack_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(stack_settings, data=tmp_path)
    refused = replace(own, guard_password="wrong")

    def error() -> str | None:
        report = read_loop_report(own.loop_file("guard"))
        return "nothing yet" if report is None else report.error

    with in_background(lambda stop: keep_watch(refused, stop), "guard"):
        wait_until(lambda: "password authentication failed" in (error() or ""), 30, "it says that it cannot get in")
    cannot_be_looked_at(monkeypatch)
    with in_background(lambda stop: keep_watch(own, stop), "guard"):
        wait_until(lambda: error() is None, 30, "it says that all is well, although it cannot look at the disk")
