"""The rule sets of shops: what requests mean by them, for the plain reading and for Spark, and how one is chosen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from frames import line, records
from pyspark.sql import SparkSession
from settings_in import settings_in
from shop_requests import REQUESTS, Request

from lake.contracts.edition import Edition
from lake.errors import RulesError, SettingsError
from lake.settings import child_environment, load_settings
from lake.shops import SHIPPED, SHOPS, read_shop
from lake.url_reading import UrlReader
from lake.url_rules import UrlRules, load_url_rules, read_url_rules
from spark.events.parse import parse_records


def requests() -> list[tuple[str, Request]]:
    return [(shop, request) for shop, table in REQUESTS.items() for request in table]


def in_a_line(request: Request) -> bytes:
    return line(**{"GET / ": f"{request.method} {request.target} ", " 200 ": f" {request.status} "})


def test_each_shop_has_a_table_of_requests() -> None:
    assert list(SHOPS) == list(REQUESTS)


@pytest.mark.parametrize(("shop", "request_"), requests(), ids=str)
def test_a_request_means_what_the_shop_says(shop: str, request_: Request) -> None:
    method, target, status, action, product = request_
    asked = UrlReader(read_url_rules(SHOPS[shop])).read(f"{method} {target} HTTP/1.1", str(status))
    assert (asked.action, asked.product_id) == (action, product)


def test_spark_reads_a_request_as_the_plain_reading_does(session: SparkSession) -> None:
    everything = [in_a_line(request) for table in REQUESTS.values() for request in table]
    for shop, path in SHOPS.items():
        rules = read_url_rules(path)
        rows = parse_records(records(session, *everything), rules).orderBy("kafka_offset").collect()
        found = [(row.action, row.product_id) for row in rows]
        reader = UrlReader(rules)
        plain = [
            reader.read(f"{request.method} {request.target} HTTP/1.1", str(request.status)) for _, request in requests()
        ]
        assert found == [(asked.action, asked.product_id) for asked in plain], shop


@pytest.mark.parametrize("shop", SHOPS)
def test_no_pattern_of_a_shop_is_slow_and_each_catches_something(shop: str) -> None:
    rules = load_url_rules(SHOPS[shop])
    reader = UrlReader(rules)
    caught = {
        reader.read(f"{request.method} {request.target} HTTP/1.1", str(request.status)).rule
        for request in REQUESTS[shop]
    }
    idle = [
        rule.number for number, rule in enumerate(rules.rules) if number not in caught and rule.file != str(SHIPPED)
    ]
    assert idle == []


@pytest.mark.parametrize("shop", SHOPS)
def test_a_sign_is_in_some_requests_of_its_shop_and_in_few_of_another(shop: str) -> None:
    sign = read_shop(shop).sign
    shares = {
        name: sum(bool(sign.search(request.target)) for request in table) / len(table)
        for name, table in REQUESTS.items()
    }
    assert shares.pop(shop) > 0.1
    assert max(shares.values()) < 0.03


def test_a_shop_s_rules_stand_below_the_first_probes_and_assets(rules: UrlRules) -> None:
    for shop, path in SHOPS.items():
        merged = read_url_rules(path)
        own = [number for number, rule in enumerate(merged.rules) if rule.file == str(path)]
        first = next(n for n, rule in enumerate(rules.rules) if rule.action not in ("probe", "asset"))
        assert own == list(range(first, first + len(own))), shop
        assert [rule.pattern for rule in merged.rules if rule.file == str(SHIPPED)] == [r.pattern for r in rules.rules]
        assert merged.actions == rules.actions
        assert [rule.number for rule in merged.rules if rule.file == str(path)] == list(range(1, len(own) + 1))


def test_a_file_of_one_s_own_may_extend_a_shop_s(tmp_path: Path) -> None:
    own = tmp_path / "own.yml"
    rule = {"action": "other", "pattern": "^/(?:tea|sale)[.]html"}
    own.write_text(yaml.safe_dump({"extends": str(SHOPS["magento"]), "rules": [rule]}))
    reader = UrlReader(load_url_rules(own))
    assert reader.read("GET /tea.html HTTP/1.1", "200").action == "other"
    assert reader.read("GET /kettle.html HTTP/1.1", "200").product_id == "kettle"
    assert reader.read("GET /.env HTTP/1.1", "404").action == "probe"


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ("own.yml", "own.yml extends itself by way of .*own.yml; name another file"),
        ("gone.yml", "cannot read .*gone.yml"),
        (7, "`extends` in .*own.yml is 7; give the path"),
    ],
)
def test_what_a_file_cannot_extend_is_named(extends: object, message: str, tmp_path: Path) -> None:
    own = tmp_path / "own.yml"
    own.write_text(yaml.safe_dump({"extends": extends, "rules": []}))
    with pytest.raises(RulesError, match=message):
        load_url_rules(own)


def test_a_mistake_in_a_file_that_extends_another_has_the_number_that_it_has_there(tmp_path: Path) -> None:
    own = tmp_path / "own.yml"
    slow = [{"action": "a", "pattern": "x"}, {"action": "a", "pattern": "^(?:[a-z]+)+$"}]
    own.write_text(yaml.safe_dump({"extends": str(SHIPPED), "rules": slow}))
    with pytest.raises(RulesError, match=f"rule 2 in {re.escape(str(own))}: .* can take longer"):
        load_url_rules(own)


def test_without_a_shop_all_reads_as_before(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert (settings.shop, settings.rules_file) == ("none", SHIPPED)
    assert settings_in(tmp_path, SHOP="none") == settings
    assert {rule.file for rule in load_url_rules(settings.rules_file).rules} == {str(SHIPPED)}
    edition = Edition.of_today(settings)
    before = Edition(edition.measures, edition.dimensions, edition.rules, {}, edition.reading)
    assert before.changes_to(edition) == []


def test_a_shop_is_another_reading(tmp_path: Path) -> None:
    plain, shop = (Edition.of_today(settings_in(tmp_path, SHOP=name)) for name in ("none", "shopware"))
    assert plain.changes_to(shop) == ["today's urls.yml", "today's setting SHOP=shopware"]
    assert shop.changes_to(Edition.of_today(settings_in(tmp_path, SHOP="magento")))[0] == "today's urls.yml"


def test_what_a_file_extends_is_part_of_the_reading(tmp_path: Path) -> None:
    base, own = tmp_path / "base.yml", tmp_path / "own.yml"
    base.write_text("actions: [a]\nrules: []\n")
    own.write_text("extends: base.yml\nrules: []\n")
    settings = settings_in(tmp_path, WEBLAKE_RULES=str(own))
    before = Edition.of_today(settings)
    base.write_text("actions: [a, b]\nrules: []\n")
    assert before.changes_to(Edition.of_today(settings)) == ["today's urls.yml"]


def test_a_shop_reaches_a_child_and_another_one_takes_its_place(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, SHOP="woocommerce")
    assert settings.rules_file == SHOPS["woocommerce"]
    assert load_settings(child_environment(settings)) == settings
    assert load_settings(child_environment(settings, SHOP="magento")).rules_file == SHOPS["magento"]


def test_a_shop_beside_rules_of_one_s_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"SHOP=magento and WEBLAKE_RULES=/etc/own\.yml name two sets .*extends: "):
        settings_in(tmp_path, SHOP="magento", WEBLAKE_RULES="/etc/own.yml")
    with pytest.raises(SettingsError, match="SHOP='oscommerce' is unknown; set it to one of none, magento, "):
        settings_in(tmp_path, SHOP="oscommerce")
