"""Grafana's dashboards: all that they ask for is there, under the names by which they ask."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lake.settings import PROJECT, Settings
from stack.servers import postgres

FOLDER = PROJECT / "stack" / "grafana"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
POSTGRES = "grafana-postgresql-datasource"
TIME_FILTER = re.compile(r"\$__timeFilter\((\w+)\)")
WHOM = ("people", "bots", "all")


def dashboard(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def questions(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each question of a dashboard, with the name of what asks it."""
    board = dashboard(path)
    for annotation in board["annotations"]["list"]:
        yield annotation["name"], {**annotation["target"], "datasource": annotation["datasource"]}
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target


def statements() -> list[tuple[str, str]]:
    """Name and SQL of all that is asked of PostgreSQL, as Grafana would send it."""
    return [
        (f"{path.stem}: {name}", TIME_FILTER.sub(r"\1 between now() - interval '10 years' and now()", sql))
        for path in DASHBOARDS
        for name, target in questions(path)
        if target["datasource"]["type"] == POSTGRES
        for whom in (WHOM if "${who}" in target["rawSql"] else WHOM[:1])
        for sql in [target["rawSql"].replace("${who}", whom)]
    ]


def test_every_question_goes_to_a_source_that_is_provisioned() -> None:
    provisioned = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "weblake.yml").read_text())["datasources"]
    sources = {(source["type"], source["uid"]) for source in provisioned}
    asked = {(one["datasource"]["type"], one["datasource"]["uid"]) for path in DASHBOARDS for _, one in questions(path)}
    assert asked <= sources


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_have_ids_of_their_own_say_what_they_show_and_do_not_overlap(path: Path) -> None:
    board = dashboard(path)
    panels = board["panels"]
    assert board["uid"] == f"weblake-{path.stem}"
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert [panel["title"] for panel in panels if not panel["description"].endswith(".")] == []
    taken = [
        (column, row)
        for place in (panel["gridPos"] for panel in panels)
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(column for column, _ in taken) < 24


@pytest.mark.stack
def test_an_analyst_may_ask_all_that_the_dashboards_ask_of_the_marts(shop: Settings, built: int) -> None:
    asked = statements()
    assert len(asked) > 20
    answers = {name: postgres.query(shop, "analyst", f"set search_path to marts; {sql}") for name, sql in asked}
    assert answers["shop: Traffic of people and bots"] != []
    assert answers["shop: Products"] != []


def expressions() -> list[str]:
    """All that is asked of Prometheus."""
    return [
        target["expr"]
        for path in DASHBOARDS
        for _, target in questions(path)
        if target["datasource"]["type"] == "prometheus"
    ]


def test_the_dashboards_ask_prometheus_only_for_metrics_that_there_are() -> None:
    listed = set(re.findall(r"^\| `(weblake_\w+)`", (PROJECT / "docs" / "metrics.md").read_text(), flags=re.MULTILINE))
    asked = {name.removesuffix("_bucket") for one in expressions() for name in re.findall(r"\bweblake_\w+", one)}
    assert len(asked) > 15
    assert asked <= listed


@pytest.mark.debian("promtool", package="prometheus")
def test_prometheus_can_read_all_that_is_asked_of_it(tmp_path: Path) -> None:
    rules = [{"record": f"dashboard:{number}", "expr": one} for number, one in enumerate(expressions())]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
