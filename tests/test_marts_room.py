"""A build of the marts on a disk that is short: it does not begin, or is ended while it can be undone."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from disks import cannot_be_looked_at, has_free
from settings_in import settings_in

import marts.room
from lake.errors import ServiceError, SpaceError
from lake.settings import Settings
from marts.room import room_for_dbt
from stack.servers.waiting import wait_until


def test_without_room_no_build_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has_free(monkeypatch, 511)
    with (
        pytest.raises(SpaceError, match="half of WEBLAKE_MIN_FREE_MB=1024: the marts wait until there is room"),
        room_for_dbt(settings_in(tmp_path)),
    ):
        raise AssertionError("it began")


def test_an_error_of_its_own_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="a model failed"), room_for_dbt(settings_in(tmp_path)):
        raise ServiceError("a model failed")


@pytest.mark.stack
def test_an_error_that_came_while_nothing_was_cancelled_stays_what_it_is(
    stack_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marts.room, "LOOK_SECONDS", 0.05)
    cancelled: list[bool] = []
    cancel = marts.room._cancel

    def note(settings: Settings) -> bool:
        cancelled.append(cancel(settings))
        return cancelled[-1]

    monkeypatch.setattr(marts.room, "_cancel", note)

    def work() -> None:
        has_free(monkeypatch, 255)
        wait_until(lambda: bool(cancelled), 30, "a session to cancel was looked for")
        raise ServiceError("a model failed")

    has_free(monkeypatch, 512)
    with pytest.raises(ServiceError, match="a model failed"), room_for_dbt(stack_settings):
        work()
    assert not any(cancelled)


@pytest.mark.stack
def test_what_dbt_has_postgresql_do_is_ended_when_room_runs_out(
    stack_settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(marts.room, "LOOK_SECONDS", 0.05)

    def work() -> None:
        with closing(psycopg2.connect(stack_settings.postgres_dsn("dbt"))) as dbt, dbt.cursor() as cursor:
            cannot_be_looked_at(monkeypatch)
            wait_until(lambda: "cannot be looked at" in caplog.text, 30, "a look has failed, which ends no watch")
            has_free(monkeypatch, 255)
            try:
                cursor.execute("select pg_sleep(250)")
            except psycopg2.errors.QueryCanceled as error:
                raise ServiceError(f"dbt run failed: {error}") from error

    has_free(monkeypatch, 512)
    with (
        pytest.raises(SpaceError, match="a quarter of WEBLAKE_MIN_FREE_MB=1024: a build of the marts was ended"),
        room_for_dbt(stack_settings),
    ):
        work()
