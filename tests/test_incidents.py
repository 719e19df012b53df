"""Incidents in the generator's traffic: each changes what its label says, and nothing else."""

from __future__ import annotations

import pytest

from ingest.shop.catalogue import HUMAN
from ingest.shop.event import Deed
from ingest.shop.incidents import KINDS, SLOWER, Incident
from ingest.shop.traffic import Record, Traffic
from lake.contracts import CHECKOUT, VIEW
from lake.errors import SettingsError

SECONDS, RATE, EPOCH = 600.0, 20.0, 1_767_571_200.0
STARTS, LASTS = 200.0, 200.0


def deeds(kind: str = "") -> list[tuple[Deed, float]]:
    """Deeds of ten minutes, in whose middle there is an incident."""
    incidents = [Incident(kind, STARTS, LASTS)] if kind else []
    return list(Traffic(7, RATE, 0.2, EPOCH, incidents=incidents).deeds(SECONDS))


def during(found: list[tuple[Deed, float]]) -> list[Deed]:
    return [deed for deed, happened in found if STARTS <= happened < STARTS + LASTS]


USUAL = deeds()


def share(found: list[Deed], of: list[Deed]) -> float:
    return len(found) / len(of)


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"flood"}))
def test_before_an_incident_all_is_as_usual(kind: str) -> None:
    before = [[deed[1:] for deed, at in found if at < STARTS] for found in (USUAL, deeds(kind))]
    assert before[0] == before[1]
    assert deeds(kind) != USUAL


def test_in_an_outage_nothing_arrives_and_afterwards_it_does_again() -> None:
    found = deeds("outage")
    assert during(found) == []
    assert max(at for _, at in found) > SECONDS - 1


def test_payments_fail_where_the_provider_is_down() -> None:
    paid = [deed for deed in during(deeds("provider_down")) if deed.action == CHECKOUT]
    assert share([deed for deed in paid if deed.status_code >= 500], paid) > 0.85


def test_a_broken_server_fails_for_many_requests_of_any_kind() -> None:
    found = during(deeds("breakdown"))
    assert 0.2 < share([deed for deed in found if deed.status_code == 500], found) < 0.4


def test_a_flood_adds_requests_of_one_bot_and_takes_none_away() -> None:
    found = during(deeds("flood"))
    assert len(found) > 2.5 * len(during(USUAL))
    extra = [deed for deed in found if deed.client.kind == "hammer"]
    assert len({deed.client.ip_address for deed in extra[-100:]}) <= 4


def test_a_viral_product_gets_half_of_people_s_views() -> None:
    views = [deed.product_id for deed in during(deeds("viral")) if deed.action == VIEW and deed.client.kind == HUMAN]
    assert 0.4 < max(map(views.count, set(views))) / len(views) < 0.6


def test_a_slow_checkout_takes_so_many_times_as_long_and_other_pages_do_not() -> None:
    slow, usual = during(deeds("slow_checkout")), during(USUAL)
    for one, other in zip(slow, usual, strict=True):
        assert one.response_ms == other.response_ms * (SLOWER if one.action == CHECKOUT else 1)


@pytest.mark.parametrize(("kind", "left"), [("night", 0.1), ("weekend", 0.5)])
def test_at_night_and_at_weekends_fewer_people_come_and_as_many_bots(kind: str, left: float) -> None:
    people, bots = (
        [
            [deed for deed in during(found) if (deed.client.kind in ("human", "office", "fast_human")) == is_person]
            for found in (deeds(kind), USUAL)
        ]
        for is_person in (True, False)
    )
    assert share(people[0], people[1]) == pytest.approx(left, abs=0.05)
    assert len(bots[0]) == len(bots[1])


def test_records_tell_of_incidents_as_deeds_do() -> None:
    traffic = Traffic(7, RATE, 0.2, EPOCH, incidents=[Incident("outage", STARTS, LASTS)])
    dues: list[Record] = list(traffic.until(SECONDS - 1, EPOCH))
    assert [record for record in dues if record.client and STARTS <= record.due < STARTS + LASTS] == []
    assert traffic.sent == int((SECONDS - 1) * RATE) + 1, "time goes on"


def test_an_incident_is_written_as_kind_start_and_seconds() -> None:
    assert Incident.of("provider_down@120+600") == Incident("provider_down", 120.0, 600.0)
    for text in ("fire@1+2", "outage", "outage@-1+2", "outage@1"):
        with pytest.raises(SettingsError, match=r"write kind@start\+seconds, such as outage@120\+600, with"):
            Incident.of(text)
