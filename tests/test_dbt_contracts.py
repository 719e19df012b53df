"""dbt's project against what the other parts promise: the mirror's tables, and the marts of the design."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lake import contracts
from lake.contracts import Column
from lake.settings import PROJECT

DBT = PROJECT / "dbt"
MODELS = sorted((DBT / "models").glob("*/*.sql"))
MARTS = {
    "products": "product_id views add_to_carts checkouts human_views human_add_to_carts human_checkouts bot_views "
    "bot_add_to_carts bot_checkouts cart_rate checkout_rate first_seen_at last_seen_at",
    "actions": "action action_count share server_errors avg_response_ms human_count bot_count",
    "bots": "ip_address score class is_convicted reasons points figures requests share_of_traffic product_views errors "
    "first_seen_at last_seen_at peak_requests_per_minute",
    "bot_classes": "class clients requests bytes product_views add_to_carts checkouts conversion conversion_with_bots "
    "conversion_without_bots day_start",
    "bot_traffic": "window_start class requests",
    "bot_rules": "reason points threshold class is_weak meaning",
    "product_views": "window_start product_id view_count",
    "action_counts": "window_start action action_count action_ratio",
    "payment_errors": "window_start checkouts error_count error_rate",
    "traffic": "window_start human_events bot_events late_events server_errors",
    "build_info": "version built_at",
}


def read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def named(path: Path) -> set[str]:
    """The columns that a model's yml describes."""
    (model,) = read(path)["models"]
    return {column["name"] for column in model["columns"]}


@pytest.mark.parametrize(("table", "columns"), [("window_counts", contracts.MIRROR), ("bookmark", contracts.BOOKMARK)])
def test_a_source_has_the_contracts_columns_types_and_words(table: str, columns: tuple[Column, ...]) -> None:
    (source,) = read(DBT / "models" / "staging" / "sources.yml")["sources"]
    assert source["name"] == contracts.MIRROR_SCHEMA
    described = {entry["name"]: entry["columns"] for entry in source["tables"]}[table]
    assert described == [
        {"name": column.name, "description": column.comment, "data_type": contracts.postgres_type(column)}
        for column in columns
    ]


def test_the_copy_takes_every_column_of_the_mirror() -> None:
    assert named(DBT / "models" / "staging" / "window_counts.yml") == set(contracts.names(contracts.MIRROR))


@pytest.mark.parametrize("mart", MARTS)
def test_a_mart_has_the_columns_of_the_design(mart: str) -> None:
    assert set(MARTS[mart].split()) <= named(DBT / "models" / "marts" / f"{mart}.yml")


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


def test_the_marts_of_the_design_are_all_the_marts() -> None:
    assert {path.stem for path in (DBT / "models" / "marts").glob("*.sql")} == set(MARTS)


def test_nothing_but_the_copy_reads_the_mirror() -> None:
    readers = {path.stem for path in MODELS if "source('silver'" in path.read_text()}
    assert readers == {"window_counts", "bookmark"}
