"""Marts of a shop, built by dbt from a mirror that tests move on, and the sums that they show."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from frames import at
from mirrors import count

from lake.contracts import DIMENSIONS
from lake.settings import Settings
from marts.build import Marts, build, stands
from stack.servers import postgres
from stack.servers.migrations import migrate

TOTALS = (
    "select (select sum(events) from marts.traffic)::bigint, (select sum(views) from marts.products)"
    "::bigint, (select sum(events) from marts.actions)::bigint, (select version from marts.build_info)"
)


@pytest.fixture(scope="module")
def shop(stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A database of the module's own, for its mirror and marts."""
    data = tmp_path_factory.mktemp("marts")
    own = replace(stack_settings, data=data, postgres_database=data.name)
    migrate(own)
    return own


@pytest.fixture(scope="module")
def marts(shop: Settings) -> Marts:
    """dbt in this process."""
    return Marts(shop)


@pytest.fixture
def shown(shop: Settings, marts: Marts) -> int:
    """The version that the marts show: that of the mirror."""
    _, before = stands(shop)
    version = before.version + 1 if before else 1
    count_views(shop, version, "p-1", "p-2")
    build(marts, shop)
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
