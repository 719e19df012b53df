"""A proxy that nobody has declared is seen by what is sent through it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from frames import at
from mirrors import Counts, count
from statuses import a_status

from lake.settings import Settings
from marts.build import Marts, build
from stack.health.proxy import advice, proxy_advice
from weblake.show.status import show_status

GROUPS = tuple(f"agents_{number}" for number in range(4))

DAY = dt.date(2026, 3, 31)


def sent(settings: Settings, version: int, clients: dict[str, Counts]) -> None:
    """Move the mirror on by what clients sent on the first day."""
    window = at(10 * version)
    total = {"events": sum(counts["events"] for counts in clients.values())}
    cells = {("client", window, client, False): counts for client, counts in clients.items()}
    count(settings, version, {("all", window, "all", False): total, ("action", window, "other", False): total, **cells})


def test_an_address_that_sends_most_with_many_agents_may_be_a_proxy(shop: Settings, marts: Marts) -> None:
    assert proxy_advice(shop) is None  # there are no marts yet
    people = {f"203.0.113.{number}": {"events": 10, f"agents_{number % 4}": 10} for number in range(20)}
    sent(shop, 1, {**people, "192.0.2.1": {"events": 900, "agents_2": 900}})
    build(marts, shop)
    assert proxy_advice(shop) is None  # one agent: a scraper
    sent(shop, 2, {"unknown": {"events": 5_000, **dict.fromkeys(GROUPS, 1_250)}})
    build(marts, shop)
    assert proxy_advice(shop) is None  # no address: nothing that a setting could name
    sent(shop, 3, {"192.0.2.6": {"events": 8_000, **dict.fromkeys(GROUPS, 2_000)}})
    build(marts, shop)
    day = dt.date(2026, 1, 1)
    assert proxy_advice(shop) == advice("192.0.2.6", (day, day), 8000 / 14_100, "private")


def test_the_advice_names_the_setting_and_the_replay() -> None:
    told = advice("192.0.2.6", (DAY, DAY), 0.968, "private")
    assert told.startswith("192.0.2.6 sent 97% of the requests of 2026-03-31, with many user agents")
    assert '`make up TRUSTED_PROXIES="private,192.0.2.6"`' in told
    assert told.endswith("`make replay FROM=2026-03-31 TO=2026-04-01`")
    months = advice("192.0.2.6", (dt.date(2026, 1, 9), DAY), 0.968, "private")
    assert "of the requests of days from 2026-01-09 to 2026-03-31" in months
    assert months.endswith("`make replay FROM=2026-01-09 TO=2026-04-01`")


def test_of_a_trusted_proxy_the_list_is_missing_or_the_past_is_to_be_counted_again() -> None:
    told = advice("10.0.0.1", (DAY, DAY), 0.6, "private")
    assert "is a trusted proxy" in told
    assert "TRUSTED_PROXIES" not in told
    assert "`make replay FROM=2026-03-31 TO=2026-04-01`" in told


def test_status_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show_status(replace(a_status(), proxy="192.0.2.6 sent 97% of the requests"))
    assert "To do: 192.0.2.6 sent 97% of the requests." in capsys.readouterr().out
