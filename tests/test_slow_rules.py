"""The watch for URL rules that keep a batch busy."""

from __future__ import annotations

import pytest
from frames import line, records
from pyspark.sql import SparkSession

from lake.url_rules import UrlRule, UrlRules
from spark.source.slow_rules import slow_rule, watch
from stack.servers.waiting import wait_until


def test_what_takes_long_is_reported_until_it_ends() -> None:
    reports: list[str | None] = []
    with watch(0, lambda: "rule 7", reports.append):
        wait_until(lambda: bool(reports), 10, "it is reported")
        assert reports == ["rule 7"]
    assert reports == ["rule 7", None]
    with watch(3600, lambda: "nothing is looked for", reports.append):
        pass
    assert reports == ["rule 7", None]


HOST, QUERY = "a.*a.*a.*b$", "^[a-z]*a[a-z]*a[a-z]*b$"


@pytest.mark.parametrize(
    ("slow", "pattern"),
    [(UrlRule("slow", "/", 0, host=HOST), HOST), (UrlRule("slow", "/", 0, query=QUERY), QUERY)],
)
def test_a_slow_pattern_of_a_condition_is_found_too(session: SparkSession, slow: UrlRule, pattern: str) -> None:
    rules = UrlRules(("buy",), (UrlRule("buy", "/buy/", 0), slow))
    found = slow_rule(records(session, line("/x"), line("/?" + "a" * 3_000)), rules)
    assert found is not None
    assert found.startswith(f"rule 2, {pattern!r}, takes longer than 1 s for the longest records, such as 0-1; ")
