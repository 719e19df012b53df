"""The file of the alerts' rules: what is in it, and what is said of a file that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from lake.errors import RulesError
from lake.settings import PROJECT, load_settings
from watch.rules import find_rule, load_alert_rules

ENTRY = {
    "name": "failures",
    "level": "severe",
    "says": "{part} of {whole}",
    "next": "look",
    "opens_above": 0.5,
    "closes_below": 0.25,
    "sql": "select 1 as part, 2 as whole;",
}


def write(folder: Path, *entries: object) -> Path:
    path = folder / "alerts.yml"
    path.write_text(yaml.safe_dump({"rules": list(entries)}))
    return path


def test_the_rules_that_ship_can_be_read_and_ask_about_what_people_are_to_be_told_of() -> None:
    rules = load_alert_rules(load_settings().outlook.alerts_file)
    wanted = {"silence", "payment_errors", "checkout_slow", "server_errors", "bot_surge", "card_testing"}
    assert wanted | {"wanted_product", "format_broken", "unwell"} <= {rule.name for rule in rules}
    assert [rule.name for rule in rules if not rule.has_past] == ["unwell"]
    assert all(rule.times_usual for rule in rules if rule.has_past), "each is compared with earlier weeks"


def test_the_docs_list_each_rule_with_its_level_and_no_other() -> None:
    rules = load_alert_rules(load_settings().outlook.alerts_file)
    docs = (PROJECT / "docs" / "alerts.md").read_text()
    table = re.findall(r"^\| `(\w+)` \| (severe|warning) \| ", docs, re.MULTILINE)
    assert table == [(rule.name, rule.level) for rule in rules]


def test_a_rule_has_defaults_and_its_sql_no_semicolon(tmp_path: Path) -> None:
    (rule,) = load_alert_rules(write(tmp_path, ENTRY))
    assert (rule.minutes, rule.resolution, rule.least, rule.times_usual, rule.calm_minutes) == (5, 1, 0.0, None, 5.0)
    assert rule.sql == "select 1 as part, 2 as whole"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"opens_abvoe": 1}, "rule 'failures' in .*: there is no 'opens_abvoe'; a rule has .*opens_above"),
        ({"closes_below": 0.6}, "opens_above 0.5 is on the calm side of closes_below 0.6; exchange them"),
        ({"opens_below": 0.6}, "its limits are not clear; give opens_above and closes_below or opens_below and"),
        ({"minutes": 0}, "minutes is 0; give 1 to 1440"),
        ({"resolution": 2}, "resolution is 2; give 1 or 5"),
        ({"level": "loud"}, "level is 'loud'; write severe or warning"),
        ({"sql": ""}, "sql is ''; give a text"),
        ({"least": "many"}, "least is 'many'; give a number of 0 or more"),
        ({"name": "all"}, "a name is letters, digits and `_`, and not `all`; rename it"),
        ({"says": "{part"}, r"says '\{part' cannot be read .*; mend its braces"),
        ({"says": "{part.real}"}, r"says has \{part.real\}; put a column's name between the braces"),
    ],
)
def test_an_error_names_the_rule_the_value_and_what_to_do(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(RulesError, match=message):
        load_alert_rules(write(tmp_path, ENTRY | changes))


def test_two_rules_have_two_names(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="two rules called 'failures'; give each a name of its own"):
        load_alert_rules(write(tmp_path, ENTRY, ENTRY))


def test_a_rule_that_is_not_there_is_told_from_those_that_are(tmp_path: Path) -> None:
    path = write(tmp_path, ENTRY)
    with pytest.raises(RulesError, match="has no rule 'silence'; give one of failures"):
        find_rule(load_alert_rules(path), "silence", path)
