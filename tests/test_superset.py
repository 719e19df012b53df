"""Superset's dashboard in files, and the command that serves it; what Superset makes of them is not tried here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from settings_in import settings_in

from lake.errors import ServiceError
from lake.settings import Settings
from stack.servers import postgres
from stack.superset import serve

ASSETS = serve.ASSETS


def read(pattern: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text()) for path in sorted(ASSETS.glob(pattern))]


def datasets() -> list[dict[str, Any]]:
    return read("datasets/Weblake/*.yaml")


def test_files_name_one_another_by_uuids_that_exist() -> None:
    (database,), (dashboard,), charts = read("databases/*.yaml"), read("dashboards/*.yaml"), read("charts/*.yaml")
    assert {dataset["database_uuid"] for dataset in datasets()} == {database["uuid"]}
    assert {chart["dataset_uuid"] for chart in charts} == {dataset["uuid"] for dataset in datasets()}
    placed = [part["meta"] for part in dashboard["position"].values() if isinstance(part, dict) and "meta" in part]
    shown = {meta["uuid"]: meta["sliceName"] for meta in placed if "uuid" in meta}
    assert shown == {chart["uuid"]: chart["slice_name"] for chart in charts}


def test_charts_ask_for_columns_and_metrics_of_their_datasets() -> None:
    known = {
        dataset["uuid"]: {
            *(column["column_name"] for column in dataset["columns"]),
            *(metric["metric_name"] for metric in dataset["metrics"]),
        }
        for dataset in datasets()
    }
    for chart in read("charts/*.yaml"):
        params = chart["params"]
        asked = {*params.get("metrics", ()), *params.get("all_columns", ())} | {params.get("x_axis")} - {None}
        assert asked, chart["slice_name"]
        assert asked <= known[chart["dataset_uuid"]], chart["slice_name"]


def test_the_dashboard_draws_itself_again_every_ten_seconds() -> None:
    (dashboard,) = read("dashboards/*.yaml")
    assert dashboard["metadata"]["refresh_frequency"] == 10
    assert dashboard["metadata"]["stagger_refresh"] is False


@pytest.mark.stack
def test_an_analyst_may_read_each_column_and_metric_of_the_datasets(shop: Settings, built: int) -> None:
    for dataset in datasets():
        columns = ", ".join(column["column_name"] for column in dataset["columns"])
        postgres.query(shop, "analyst", f"select {columns} from marts.{dataset['table_name']} limit 1")
        metrics = ", ".join(metric["expression"] for metric in dataset["metrics"])
        assert postgres.query(shop, "analyst", f"select {metrics} from marts.{dataset['table_name']}") != []


def test_without_a_stack_it_says_what_to_run(tmp_path: Path) -> None:
    nowhere = replace(settings_in(tmp_path), postgres_port=1)
    with pytest.raises(ServiceError, match="run `make up` first"):
        serve.serve(nowhere)
    assert not (tmp_path / "superset").exists()


def test_its_configuration_is_for_this_user_alone_and_keeps_its_key(tmp_path: Path) -> None:
    serve._configure(tmp_path)
    key = (tmp_path / "secret_key").read_text()
    serve._configure(tmp_path)
    configuration = tmp_path / "superset_config.py"
    assert f"SECRET_KEY = {key!r}" in configuration.read_text()
    assert {path.stat().st_mode & 0o777 for path in (configuration, tmp_path / "secret_key")} == {0o600}
    compile(configuration.read_text(), "superset_config.py", "exec")


def test_the_lock_names_no_address_and_has_a_hash_for_each_library() -> None:
    lines = serve.LOCK.read_text().splitlines()
    assert [line for line in lines if "://" in line] == []
    libraries = [number for number, line in enumerate(lines) if "==" in line and not line.startswith(" ")]
    assert len(libraries) > 100
    assert all(lines[number + 1].lstrip().startswith("--hash=sha256:") for number in libraries)
