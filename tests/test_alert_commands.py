"""The commands about alerts: what is open, who is silent, and whether the rules that ship can be used."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from alert_marts import marts_of

from lake.settings import Settings
from marts.build import Marts
from watch import journal
from watch.alerts import Alert
from watch.rules import SEVERE
from weblake.main import run

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("log_as_it_was")]


def use(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Have commands find this database."""
    monkeypatch.setenv("WEBLAKE_DATA", str(settings.data))
    monkeypatch.setenv("POSTGRES_PORT", str(settings.postgres_port))
    monkeypatch.setenv("POSTGRES_DB", settings.postgres_database)
    monkeypatch.setenv("POSTGRES_WATCH_PASSWORD", settings.password("watch"))
    return settings


@pytest.fixture
def settings(stack_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return use(marts_of(stack_settings, "alert_commands"), monkeypatch)


def test_alerts_are_listed_for_people_and_for_programs(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alerts"]) == 0
    assert capsys.readouterr().out == "no alerts\n"
    alert = Alert("a-1", "failures", "", SEVERE, "9 of 10 failed", "look", 0.0, 60.0, 120.0)
    with closing(journal.connect(settings)) as connection, connection.cursor() as cursor:
        journal.put_alert(cursor, alert)
    assert run(["alerts"]) == 0
    assert "open   severe  failures  1970-01-01T00:02:00Z  -          9 of 10 failed" in capsys.readouterr().out
    assert run(["alerts", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed == alert.as_json()


def test_a_rule_is_silenced_for_a_while_and_told_of_again(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["silence", "--rule", "bot_surge", "--for", "2h"]) == 0
    assert run(["silence", "--rule", "all", "--for", "30min"]) == 0
    assert run(["alerts"]) == 0
    assert capsys.readouterr().out.count("nobody is told of") == 4
    assert run(["silence", "--rule", "bot_surge", "--for", "0h"]) == 0
    assert run(["silence", "--rule", "all", "--for", "0h"]) == 0
    assert run(["alerts"]) == 0
    assert capsys.readouterr().out.endswith("all is told of again\nno alerts\n")


def test_what_is_silenced_wrongly_is_refused(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["silence", "--rule", "bots", "--for", "2h"]) == 1
    assert "has no rule 'bots'; give one of silence, " in capsys.readouterr().err
    assert run(["silence", "--rule", "all", "--for", "soon"]) == 2
    assert "--for 'soon' is no time that lasts; write it like 30min, 2h or 7d" in capsys.readouterr().err


def test_all_rules_that_ship_can_be_used_on_the_marts_that_dbt_builds(
    shop: Settings, marts: Marts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(shop, monkeypatch)
    marts.run()
    assert run(["alert-test"]) == 0
    assert "11 of 11 rules of " in capsys.readouterr().out
    assert run(["alert-test", "--rule", "silence", "--from", "2h"]) == 0
    assert capsys.readouterr().out.startswith("silence: 0 alerts from ")
    assert run(["alert-test", "--rule", "unwell"]) == 1
    assert "knows only the present" in capsys.readouterr().err


def test_rules_that_the_database_cannot_answer_are_listed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["alert-test"]) == 1
    assert "rule 'payment_errors' cannot be used: PostgreSQL says" in capsys.readouterr().out
