"""The marts hear of each transaction of the mirror's, and of nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from mirrors import execute

from lake.settings import Settings
from marts.listener import Listener
from spark.tables.postgres import Bookmark, move_bookmark

pytestmark = pytest.mark.stack

ON = threading.Event()
"""Not set: go on."""
AT_ONCE, LONG = 0.0, 60.0


@pytest.fixture
def listener(shop: Settings) -> Iterator[Listener]:
    with Listener(shop.postgres_dsn("dbt")) as listener:
        listener.listen()
        yield listener


def move(settings: Settings, version: int) -> None:
    with closing(psycopg2.connect(settings.postgres_dsn("pipeline"))) as connection, connection.cursor() as cursor:
        move_bookmark(cursor, Bookmark(version, "a"), None)
        connection.commit()


def test_a_transaction_of_the_mirror_is_heard_until_somebody_looks(shop: Settings, listener: Listener) -> None:
    assert not listener.wait(AT_ONCE, ON)
    move(shop, 1)
    assert listener.wait(LONG, ON)
    assert listener.wait(AT_ONCE, ON)
    listener.listen()
    assert not listener.wait(AT_ONCE, ON)


def test_a_transaction_that_is_undone_is_not_heard(shop: Settings, listener: Listener) -> None:
    with closing(psycopg2.connect(shop.postgres_dsn("pipeline"))) as connection, connection.cursor() as cursor:
        move_bookmark(cursor, Bookmark(2, "a"), None)
        connection.rollback()
    assert not listener.wait(AT_ONCE, ON)


def test_a_session_that_was_cut_off_is_a_reason_to_look_and_another_takes_its_place(
    shop: Settings, listener: Listener
) -> None:
    execute(shop, "select pg_terminate_backend(pid, 60000) from pg_stat_activity where query like 'listen %'")
    assert listener.wait(LONG, ON)
    listener.listen()
    assert not listener.wait(AT_ONCE, ON)
    move(shop, 3)
    assert listener.wait(LONG, ON)


def test_who_listens_can_be_stopped(listener: Listener) -> None:
    stop = threading.Event()
    stop.set()
    assert not listener.wait(LONG * LONG, stop)
