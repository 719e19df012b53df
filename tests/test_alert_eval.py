"""The judge of the alerts: what it counts as told of, as missed and as a false alarm, and the weeks it judges by."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise

import pytest

from bench.alerts.findings import AFTERMATH_SECONDS, RULES, Findings, below_floor, table
from bench.alerts.weeks import EPOCH, HOUR, TROUBLES, WEEK, Rows, count, lulls, rows_of, store, troubles
from ingest.shop.event import Client, Deed
from ingest.shop.incidents import Incident
from lake.contracts import CHECKOUT, VIEW
from lake.settings import Settings, load_settings
from marts.build import Marts
from stack.servers import postgres
from watch import journal
from watch.rules import find_rule, load_alert_rules
from watch.trial import Trial, try_rule

OUTAGE = Incident("outage", 1000.0, 600.0)
NOTHING: dict[str, list[Trial]] = {rule: [] for rules in RULES.values() for rule in rules}


def opened(*at: float) -> list[Trial]:
    return [Trial("", "", EPOCH + second) for second in at]


def findings(rule: str = "", *at: float) -> Findings:
    result = Findings()
    result.add(NOTHING | ({rule: opened(*at)} if rule else {}), [OUTAGE], EPOCH)
    return result


def test_an_incident_is_told_of_by_the_first_alert_of_its_rules_while_it_lasts() -> None:
    assert findings("silence", 900.0, 1120.0, 1300.0).delays["outage"] == [120.0]
    assert findings("silence", 900.0).missed["outage"] == 1
    assert findings("payment_errors", 1100.0).missed["outage"] == 1


def test_an_alert_beside_all_incidents_is_a_stray_and_one_that_they_explain_is_none() -> None:
    assert findings("payment_errors", 1100.0, 1600.0 + AFTERMATH_SECONDS).strays["payment_errors"] == 0
    assert findings("payment_errors", 900.0, 1601.0 + AFTERMATH_SECONDS).strays["payment_errors"] == 2


def test_a_miss_a_late_word_and_too_many_false_alarms_are_below_the_floor() -> None:
    assert below_floor(findings("silence", 1180.0)) == []
    assert below_floor(findings("silence", 1181.0)) == [
        "an incident of the kind outage was told of after 181 s, more than 180 s"
    ]
    assert below_floor(findings()) == ["1 incidents of the kind outage were missed"]
    result = findings("silence", 1100.0)
    result.add_quiet(NOTHING | {"bot_surge": opened(1.0)}, 1, is_first=False)
    result.add_quiet(NOTHING | {"bot_surge": opened(1.0, 2.0, 3.0)}, 2, is_first=True)
    assert below_floor(result) == []
    result.add_quiet(NOTHING | {"silence": opened(1.0, 2.0)}, 1, is_first=False)
    assert below_floor(result) == ["3 false alarms in 2 quiet weeks"]
    assert "| bot_surge | 1 | 3 | 0 |" in table(result)


def test_a_week_has_incidents_of_every_kind_by_day_which_do_not_overlap() -> None:
    for seed in (1, 2):
        week = sorted(troubles(seed, 5), key=lambda one: one.starts)
        assert {one.kind for one in week} == set(TROUBLES)
        assert all(5 * WEEK <= one.starts < one.ends < 6 * WEEK for one in week)
        assert all(one.ends + 3 * AFTERMATH_SECONDS < other.starts for one, other in pairwise(week))
    assert troubles(1, 5) != troubles(2, 5)


def test_every_night_and_every_weekend_is_a_lull() -> None:
    found = lulls(2)
    assert [one.starts for one in found if one.kind == "weekend"] == [5 * 86_400.0, WEEK + 5 * 86_400.0]
    assert sum(one.seconds for one in found if one.kind == "night") == 14 * 6 * HOUR


def test_a_deed_counts_in_its_minute_and_its_five_minutes() -> None:
    rows: Rows = rows_of(7, 1.0, 0, [])
    person, bot = Client("a", "u", None, "human"), Client("b", "u", None, "card_tester")
    for client, action, status in ((person, VIEW, 200), (person, CHECKOUT, 503), (bot, CHECKOUT, 402)):
        count(rows, Deed(client, action, "p1", status, 70), EPOCH + 400.0)
    minute, five = int(EPOCH) + 360, int(EPOCH) + 300
    assert dict(rows["traffic"][(minute,)]) == {"events": 3, "human_events": 2, "bot_events": 1, "server_errors": 1}
    paid = {"checkouts": 2, "human_checkouts": 1, "payment_errors": 1, "human_payment_errors": 1, "declined_count": 1}
    assert dict(rows["payment_errors"][(minute,)]) == paid
    assert dict(rows["product_views"][five, "p1"]) == {"human_views": 1}
    assert dict(rows["action_counts"][five, CHECKOUT]) == {"human_response_ms": 70, "human_timed_events": 1}


@pytest.mark.stack
def test_an_outage_of_the_generator_s_traffic_is_told_of_by_the_rule_that_ships(shop: Settings, marts: Marts) -> None:
    marts.run()
    outage = Incident("outage", 9 * HOUR + 90.0, 1200.0)
    with closing(postgres.connect(shop, "dbt")) as connection, connection.cursor() as cursor:
        store(cursor, rows_of(7, 3.0, 10 * HOUR / WEEK, [*lulls(1), outage]))
    path = load_settings().outlook.alerts_file
    rule = find_rule(load_alert_rules(path), "silence", path)
    with closing(journal.connect(shop)) as connection:
        (trial,) = try_rule(connection, rule, EPOCH, EPOCH + 10 * HOUR)
    assert 0 < trial.opened_at - EPOCH - outage.starts <= 180.0
    assert "nobody comes to the shop" in trial.sentence
    assert trial.closed_at and trial.closed_at > EPOCH + outage.ends
