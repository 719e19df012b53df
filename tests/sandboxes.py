"""A sandbox on the server of the tests, and queries as its role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from lake.settings import Settings
from stack.access.connect import connection
from stack.access.sandbox import drop_sandbox, make_sandbox

NAME = "maria"


@pytest.fixture(scope="module")
def maria(shop: Settings) -> Iterator[Settings]:
    """The shop's settings while the sandbox ``maria`` is there."""
    make_sandbox(shop, NAME, None, None)
    yield shop
    drop_sandbox(shop, NAME)


def password_of(settings: Settings, name: str = NAME) -> str:
    """Return the password of a sandbox, as it is written down."""
    return connection(settings, name, show_password=True).password


def session(settings: Settings, name: str = NAME) -> psycopg2.extensions.connection:
    """Open a session of the sandbox, in autocommit mode."""
    opened: psycopg2.extensions.connection = psycopg2.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        dbname=settings.postgres_database,
        user=name,
        password=password_of(settings, name),
    )
    opened.autocommit = True
    return opened


def ask(settings: Settings, query: str, name: str = NAME) -> list[tuple[object, ...]]:
    """Run a statement as the sandbox, in a session of its own; return its rows, if it has any."""
    with closing(session(settings, name)) as opened, opened.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall()) if cursor.description else []
