"""Which windows of the marts are complete: those that counting has passed, also where nothing in them changed."""

from __future__ import annotations

import datetime as dt

import pytest
from frames import at
from mirrors import count, execute

from audit.check import Verdict
from audit.marts import check_marts
from audit.scope import Scope
from lake.contracts import LEDGER_DIMENSIONS
from lake.settings import Settings
from marts.build import Marts, build

pytestmark = pytest.mark.stack

DAY = 86_400
WIDTHS = {
    "traffic": ("window_start", dt.timedelta(minutes=1)),
    "payment_errors": ("window_start", dt.timedelta(minutes=1)),
    "product_views": ("window_start", dt.timedelta(minutes=5)),
    "action_counts": ("window_start", dt.timedelta(minutes=5)),
    "rejected": ("window_start", dt.timedelta(minutes=5)),
    "bot_traffic": ("window_start", dt.timedelta(minutes=5)),
    "visitors": ("hour_start", dt.timedelta(hours=1)),
    "bot_classes": ("day_start", dt.timedelta(days=1)),
}
PLACES = f"select window_start, ctid::text, xmin::text from marts.traffic where window_start < '{at(4 * DAY)}'"
"""Where the rows of the windows before the last but one lie."""
KEYS = {
    "all": "all",
    "action": "view_product",
    "product": "p-1",
    "client": "198.51.100.4",
    "status": "200",
    "rejected": "not_json|none",
}


def view(settings: Settings, version: int, second: int, number: int = 1) -> None:
    """Count views, or take them back, in the ten-second window of that second."""
    cells = {(dimension, at(second), KEYS[dimension], False): {"events": number, "views": number} for dimension in KEYS}
    count(settings, version, cells)


def flags(settings: Settings) -> dict[str, list[tuple[dt.datetime, bool]]]:
    """Return start and completeness of each window, by mart."""
    query = "select distinct {0}, is_complete from marts.{1} order by 1"
    return {mart: execute(settings, query.format(column, mart)) for mart, (column, _) in WIDTHS.items()}


def expected(settings: Settings, whole_until: dt.datetime) -> dict[str, list[tuple[dt.datetime, bool]]]:
    return {
        mart: [(start, start + WIDTHS[mart][1] <= whole_until) for start, _ in rows]
        for mart, rows in flags(settings).items()
    }


def problems(settings: Settings) -> dict[str, str]:
    checks = check_marts(settings, Scope(), patience_seconds=0)
    return {check.name: check.note for check in checks if check.verdict is not Verdict.OK}


def test_windows_become_complete_and_open_again_though_nothing_in_them_changes(shop: Settings, marts: Marts) -> None:
    assert set(KEYS) == set(LEDGER_DIMENSIONS)
    steps = [
        (0, 1, 10, "the first window"),
        (50, 1, 60, "its last ten seconds end the minute"),
        (7_300, 1, 7_310, "two hours"),
        (20, 1, 7_310, "a late event opens nothing"),
        (DAY + 10, 1, DAY + 20, "the next day"),
        (DAY + 10, -1, 7_310, "a replay takes the newest event away"),
        (3 * DAY, 1, 3 * DAY + 10, "days later"),
    ]
    for version, (second, number, whole_until, why) in enumerate(steps, start=1):
        view(shop, version, second, number)
        build(marts, shop)
        assert flags(shop) == expected(shop, at(whole_until)), why
    assert problems(shop) == {}
    lived = flags(shop)
    build(marts, shop, full_refresh=True)
    assert flags(shop) == lived
    assert execute(shop, "select whole_until from marts.build_info") == [(at(3 * DAY + 10),)]

    view(shop, 20, 4 * DAY)
    build(marts, shop)
    before = execute(shop, PLACES)
    view(shop, 21, 4 * DAY + 7_200)
    build(marts, shop)
    assert execute(shop, PLACES) == before, "a run touches no window but those that counting passed"
