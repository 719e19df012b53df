"""Marts of a shop, built by dbt from a mirror that tests move on, and the sums that they show."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace

import pytest
from frames import at
from mirrors import count

from lake.contracts import DIMENSIONS
from lake.settings import Settings
from marts.build import Marts, build
from marts.stand import stands
from stack.servers import postgres
from stack.servers.migrations import migrate

TOTALS = (
    "select (select sum(events) from marts.traffic)::bigint, (select sum(views) from marts.products)"
    "::bigint, (select sum(events) from marts.actions)::bigint, (select version from marts.build_info)"
)


@pytest.fixture(scope="session")
def shop_settings(stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of the one database for marts, which each module finds empty."""
    return replace(stack_settings, data=tmp_path_factory.mktemp("shop"), postgres_database="shop")


@pytest.fixture(scope="session")
def marts(shop_settings: Settings) -> Marts:
    """dbt in this process, with the project parsed once."""
    return Marts(shop_settings)


@pytest.fixture(scope="module")
def shop(shop_settings: Settings) -> Settings:
    """The database with a mirror in which nothing has been counted yet, and without marts."""
    with closing(postgres.connect(shop_settings, postgres.OWNER, "postgres")) as connection:
        connection.cursor().execute("drop database if exists shop with (force)")
    migrate(shop_settings)
    return shop_settings


@pytest.fixture
def shown(shop: Settings, marts: Marts) -> int:
    """The version that the marts show: that of the mirror, after one more build."""
    return view_and_build(shop, marts)


@pytest.fixture(scope="module")
def built(shop: Settings, marts: Marts) -> int:
    """The version that the marts of the module show at first, for tests that only read them."""
    return view_and_build(shop, marts)


def view_and_build(settings: Settings, marts: Marts) -> int:
    """Count a view of each of two products, build, and return the version that the marts now show."""
    _, before = stands(settings)
    version = before.version + 1 if before else 1
    count_views(settings, version, "p-1", "p-2")
    build(marts, settings)
    return version


def count_views(settings: Settings, version: int, *products: str) -> None:
    """Move the mirror on to ``version``, by one view of each product in a window of their own."""
    keys = {"all": "all", "action": "view_product", "client": "198.51.100.4"}
    window = at(10 * version)
    viewed = Counter(
        (dimension, window, keys.get(dimension, product), False) for product in products for dimension in DIMENSIONS
    )
    count(settings, version, {cell: {"events": views, "views": views} for cell, views in viewed.items()})


def totals(settings: Settings) -> tuple[object, ...]:
    """Events by minute, views by product, events by action, and the version; on the view of the analyst."""
    (row,) = postgres.query(settings, "analyst", TOTALS)
    return row
