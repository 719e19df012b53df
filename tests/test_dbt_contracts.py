"""dbt's project against the contract that it is written from, and against the marts of the design."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lake import contracts
from lake.contracts import dbt
from lake.settings import PROJECT

DBT = PROJECT / "dbt"
MART = re.compile(r"\b(?:from|join) marts\.(\w+)")
MODELS = sorted((DBT / "models").glob("*/*.sql"))
WRITTEN = sorted(path.relative_to(DBT) for path in dbt.texts(DBT))
MARTS = {
    "products": "product_id views add_to_carts checkouts human_views human_add_to_carts human_checkouts bot_views "
    "bot_add_to_carts bot_checkouts cart_rate checkout_rate first_seen_at last_seen_at",
    "actions": "action action_count share server_errors avg_response_ms human_events bot_events",
    "bots": "ip_address score class is_convicted would_convict reasons points figures requests events share "
    "views errors verdict decided_by decided_at first_seen_at last_seen_at peak_requests_per_minute",
    "bot_classes": "class clients events bytes views add_to_carts checkouts conversion conversion_with_bots "
    "conversion_without_bots day_start",
    "bot_traffic": "window_start class events",
    "bot_rules": "reason points threshold class is_weak meaning",
    "product_views": "window_start product_id view_count",
    "action_counts": "window_start action action_count action_ratio",
    "payment_errors": "window_start checkouts error_count error_rate",
    "statuses": "status requests",
    "rejected": "window_start reason format records",
    "traffic": "window_start human_events bot_events late_events server_errors",
    "build_info": "version built_at",
    "freshness": "newest_event_at counted_until lag_seconds last_whole_hour last_whole_day records rejected "
    "rejected_share mirrored_at",
    "verdict_history": "number ip_address verdict decided_by reason decided_at is_last moved_events",
    "restatements": "id done_at range_start range_end client undo_of undone_by is_in_force reason rules moved_events",
}
ALIAS = re.compile(r"\{\{ doc\('(?P<kind>same_as|deprecated_for)_(?P<of>\w+)'\) \}\}")
DOC = re.compile(r"\{\{ doc\('(\w+)'\) \}\}")


def read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def described_columns(model: Path) -> list[dict[str, Any]]:
    """The columns in a model's yml."""
    (described,) = read(model.with_suffix(".yml"))["models"]
    columns: list[dict[str, Any]] = described["columns"]
    return columns


def column_names(model: Path) -> list[str]:
    return [column["name"] for column in described_columns(model)]


def descriptions(node: Any) -> Iterator[str]:
    """All descriptions in a yml file, of whatever."""
    if isinstance(node, dict):
        if isinstance(node.get("description"), str):
            yield " ".join(node["description"].split())
        for value in node.values():
            yield from descriptions(value)
    elif isinstance(node, list):
        for value in node:
            yield from descriptions(value)


def test_every_ratio_of_a_mart_has_a_precision() -> None:
    types = [str(column.get("data_type")) for model in MODELS for column in described_columns(model)]
    ratios = [name for name in types if name.startswith("numeric")]
    assert ratios
    assert "numeric" not in ratios, "dbt warns of a numeric column without precision"


@pytest.mark.parametrize("path", WRITTEN, ids=str)
def test_what_comes_from_the_contract_is_up_to_date(path: Path) -> None:
    assert (DBT / path).read_text() == dbt.texts(DBT)[DBT / path], "the contract has changed; run `make contracts`"


def test_a_file_that_is_written_whole_says_so_in_its_first_line() -> None:
    by_hand = {path.relative_to(DBT) for path in (DBT / "models").glob("*/*.yml") if dbt.BLOCK.search(path.read_text())}
    for path in set(WRITTEN) - by_hand:
        assert dbt.FIRST_LINE in (DBT / path).read_text().splitlines()[0]


def test_writing_mends_what_is_stale_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    project = tmp_path / "dbt"
    shutil.copytree(DBT, project, ignore=shutil.ignore_patterns("target", "logs"))
    assert dbt.write(project) == []
    sources, clients = project / "models" / "staging" / "sources.yml", project / "models" / "rollups" / "clients.yml"
    sources.write_text("")
    clients.write_text(re.sub(r" *- \{ name: views,.*\n", "", clients.read_text()))
    assert set(dbt.stale(project)) == {sources, clients}
    assert sources.read_text() == ""
    assert set(dbt.write(project)) == {sources, clients}
    assert clients.read_text() == (DBT / "models" / "rollups" / "clients.yml").read_text()


def test_no_description_stands_twice() -> None:
    places = defaultdict(list)
    for column in (*contracts.MIRROR, *contracts.SHARED_COLUMNS):
        places[column.comment].append("the contract")
    for path in (*sorted((DBT / "models").rglob("*.yml")), *sorted((DBT / "macros").glob("*.yml"))):
        for text in descriptions(read(path)):
            if not DOC.fullmatch(text):
                places[text].append(path.name)
    assert {text: files for text, files in places.items() if len(files) > 1} == {}


def test_the_words_of_the_contract_have_one_name_each() -> None:
    words = re.findall(r"\{% docs (\w+) %\}", (DBT / "models" / "contract.md").read_text())
    assert len(words) == len(set(words))
    used = {word for path in (DBT / "models").rglob("*.yml") for word in DOC.findall(path.read_text())}
    assert used == set(words)


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_has_the_type_of_the_contract_where_it_has_its_words(mart: str) -> None:
    types = {column.name: column.type for column in (*contracts.MIRROR, *contracts.SHARED_COLUMNS)}
    types |= {table.word(column.name): column.type for table in contracts.MIRROR_TABLES for column in table.columns}
    types |= {measure.name: measure.type for measure in contracts.MEASURES}  # a total is wider than a window's count
    arrays = {"ARRAY<INT>": "integer[]"}
    for column in described_columns(DBT / "models" / "marts" / f"{mart}.sql"):
        word = DOC.fullmatch(column["description"])
        if word and word[1] in types:
            named = contracts.Column("", types[word[1]], "")
            assert column["data_type"] == (arrays.get(named.type) or contracts.postgres_type(named)), column["name"]


def test_an_alias_stands_beside_what_it_is_the_same_as_and_a_deprecated_one_is_in_the_changelog() -> None:
    deprecated, aliases = [], []
    for model in MODELS:
        columns = {column["name"]: column for column in described_columns(model)}
        for name, column in columns.items():
            if alias := ALIAS.fullmatch(column["description"]):
                assert column["data_type"] == columns[alias["of"]]["data_type"], f"{model.stem}.{name}"
                aliases.append(name)
                deprecated += [f"{model.stem}.{name}"] * (alias["kind"] == "deprecated_for")
    listed = (PROJECT / "CHANGELOG.md").read_text().partition("### Deprecated")[2].partition("\n##")[0]
    assert sorted(deprecated) == sorted(re.findall(r"`(\w+\.\w+)`", listed))
    assert {"view_count", "action_count", "action_ratio", "error_count"} < set(aliases)


def test_the_copy_takes_every_column_of_the_mirror() -> None:
    copied = column_names(DBT / "models" / "staging" / "window_counts.sql")
    assert sorted(copied) == sorted([*contracts.names(contracts.MIRROR), "settled_until"])


@pytest.mark.parametrize("model", ["client_minutes", "client_days", "clients"])
def test_what_is_kept_per_client_is_what_the_contract_says(model: str) -> None:
    kept = {measure.name for measure in contracts.MEASURES if measure.per_client}
    columns = set(column_names(DBT / "models" / "rollups" / f"{model}.sql"))
    assert columns & set(contracts.names(contracts.MEASURES)) == kept


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_has_the_columns_of_the_design(mart: str) -> None:
    assert set(MARTS[mart].split()) <= set(column_names(DBT / "models" / "marts" / f"{mart}.sql"))


@pytest.mark.parametrize("model", MODELS, ids=lambda path: str(path.stem))
def test_a_model_states_its_grain_tests_its_key_and_has_one_unit_test(model: Path) -> None:
    sql, yml = model.read_text(), read(model.with_suffix(".yml"))
    (described,) = yml["models"]
    assert described["name"] == model.stem
    assert described["description"].startswith("One row")
    assert sql.startswith("-- One row")
    assert len(sql.splitlines()) <= 80
    assert len(yml["unit_tests"]) == 1
    tests = str(described)
    assert "unique_combination" in tests or "unique" in tests
    assert all(column.get("description") for column in described["columns"])


@pytest.mark.parametrize("mart", sorted((DBT / "models" / "marts").glob("*.sql")), ids=lambda path: str(path.stem))
def test_a_mart_declares_its_key_and_shows_a_query(mart: Path) -> None:
    (described,) = read(mart.with_suffix(".yml"))["models"]
    constraints = described.get("constraints", []) + [
        constraint for column in described["columns"] for constraint in column.get("constraints", [])
    ]
    assert [constraint["type"] for constraint in constraints] == ["primary_key"]
    assert f"from marts.{mart.stem}" in described["description"].partition("```sql")[2]


def test_the_page_is_an_exposure_of_the_marts_that_it_reads() -> None:
    (page,) = (entry for entry in read(DBT / "models" / "readers.yml")["exposures"] if entry["name"] == "live_page")
    read_by_it = {name for path in (DBT.parent / "page").rglob("*.py") for name in MART.findall(path.read_text())}
    assert page["depends_on"] == [f"ref('{mart}')" for mart in sorted(read_by_it)]


def test_each_chart_is_an_exposure() -> None:
    exposures = {entry["name"]: entry for entry in read(DBT / "models" / "exposures.yml")["exposures"]}
    for chart in contracts.CHARTS:
        assert exposures[chart.name]["depends_on"] == [f"ref('{mart}')" for mart in chart.marts]


def test_nothing_but_the_copies_read_the_mirror() -> None:
    readers = {path.stem for path in MODELS if "source('silver'" in path.read_text()}
    assert readers == {table.name for table in contracts.MIRROR_TABLES}
