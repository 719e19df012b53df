"""Views of others on the marts, and a dbt project of others: what a rebuild of the marts leaves to them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from built_marts import count_views, totals
from mirrors import execute
from sandboxes import NAME, ask, maria, password_of

from lake.settings import Settings, child_environment
from marts.build import Marts, build
from marts.sources import sources_yml

pytestmark = pytest.mark.stack
__all__ = ["maria"]

PROJECT = """
name: shop_of_maria
profile: shop_of_maria
model-paths: [models]
flags: {send_anonymous_usage_stats: false}
"""
PROFILES = """
shop_of_maria:
  target: sandbox
  outputs:
    sandbox:
      type: postgres
      host: "{{ env_var('POSTGRES_HOST') }}"
      port: "{{ env_var('POSTGRES_PORT') | int }}"
      dbname: "{{ env_var('POSTGRES_DB') }}"
      user: maria
      password: "{{ env_var('POSTGRES_MARIA_PASSWORD') }}"
      schema: maria
      threads: 2
"""
FAVOURITES = "select product_id, views from {{ source('weblake', 'products') }} where views > 0"
HISTORY = """
{{ config(materialized='incremental', unique_key='version') }}
select version, built_at from {{ source('weblake', 'build_info') }}
{% if is_incremental() %} where version > (select max(version) from {{ this }}) {% endif %}
"""
RUN = """
import json, sys
from dbt.cli.main import dbtRunner
done = dbtRunner().invoke(["--quiet", *sys.argv[1:]])
if done.exception:
    raise done.exception
print(json.dumps({result.node.name: str(result.status) for result in done.result.results}))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dbt project of somebody else's: a view and an incremental model on the marts."""
    folder = tmp_path_factory.mktemp("project")
    files = {
        "dbt_project.yml": PROJECT,
        "profiles.yml": PROFILES,
        "models/sources.yml": sources_yml(),
        "models/favourites.sql": FAVOURITES,
        "models/history.sql": HISTORY,
    }
    (folder / "models").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def dbt(settings: Settings, project: Path, *command: str) -> dict[str, str]:
    """Run dbt on the project, in a process of its own; return the status of each node."""
    folders = [f"--project-dir={project}", f"--profiles-dir={project}"]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *command, *folders],
        cwd=project,
        env=child_environment(settings, POSTGRES_MARIA_PASSWORD=password_of(settings)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    statuses: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return statuses


def test_models_of_another_project_outlive_rebuilds_of_the_marts(
    maria: Settings, marts: Marts, shown: int, project: Path
) -> None:
    assert dbt(maria, project, "run") == {"favourites": "success", "history": "success"}
    query = "select sum(views)::bigint from favourites"
    (before,) = ask(maria, query)[0]
    assert before == totals(maria)[1]
    for step, full_refresh in enumerate((False, True), start=1):
        count_views(maria, shown + step, "p-1")
        build(marts, maria, full_refresh)
        assert ask(maria, query) == [(before + step,)]  # type: ignore[operator]
    assert dbt(maria, project, "run") == {"favourites": "success", "history": "success"}
    assert ask(maria, "select version from history order by 1") == [(shown,), (shown + 2,)]
    assert set(dbt(maria, project, "source", "freshness").values()) == {"pass"}
    build(marts, maria, full_refresh=True)
    assert ask(maria, query) == [(before + 2,)]  # type: ignore[operator]


def test_a_view_stays_when_a_mart_gets_other_columns_and_goes_with_a_column_that_it_uses(
    maria: Settings, marts: Marts, shown: int
) -> None:
    execute(
        maria,
        "alter table marts.products add column old text, add column older text, drop column bot_views;"
        "alter table marts.products alter column last_seen_at type text;"
        "alter table marts.traffic drop constraint traffic_pkey",
    )
    identity = "select 'marts.products'::regclass::oid::bigint, 'marts.traffic'::regclass::oid::bigint"
    ask(
        maria,
        "create view kept as select product_id, views from products;"
        "create view whole as select count(products) as number from products;"
        "create view lost as select product_id, old from products;"
        "create view dated as select last_seen_at from products",
    )
    tables, before = ask(maria, identity), totals(maria)
    execute(maria, "update marts.build_info set models = 'older'")
    build(marts, maria)
    assert totals(maria) == before
    assert ask(maria, identity) == tables
    assert ask(maria, "select sum(views)::bigint from kept") == [(before[1],)]
    assert ask(maria, "select number > 0 from whole") == [(True,)]
    assert ask(maria, "select bot_views from products where last_seen_at > now()") == []
    for view in ("lost", "dated"):
        with pytest.raises(psycopg2.errors.UndefinedTable):
            ask(maria, f"select * from {view}")
    notes = (maria.data / "dbt" / "dbt.log").read_text()
    for view in ("lost", "dated"):
        assert f"and with it goes the view {NAME}.{view}" in notes
    assert f"the view {NAME}.kept" not in notes
    keys = "select count(*) from pg_constraint where contype = 'p' and conrelid = 'marts.traffic'::regclass"
    assert ask(maria, keys) == [(1,)]
    ask(maria, "drop view kept, whole")


def test_a_view_that_groups_by_the_key_goes_when_the_key_does_and_no_mart_waits_for_it(
    maria: Settings, marts: Marts, shown: int
) -> None:
    ask(maria, "create view grouped as select product_id, views from products group by product_id")
    build(marts, maria, full_refresh=True)
    assert ask(maria, "select count(*) > 0 from grouped") == [(True,)]
    execute(maria, "alter table marts.products rename column product_id to product")
    execute(maria, "update marts.build_info set models = 'older'")
    build(marts, maria)
    with pytest.raises(psycopg2.errors.UndefinedTable):
        ask(maria, "select * from grouped")
    assert f"the view {NAME}.grouped" in (maria.data / "dbt" / "dbt.log").read_text()


def test_indexes_of_a_mart_come_back_with_its_columns(maria: Settings, marts: Marts, shown: int) -> None:
    query = "select tablename::text, count(*) from pg_indexes where schemaname = 'marts' group by 1 order by 1"
    before = ask(maria, query)
    execute(maria, "alter table marts.product_views drop column window_start, add column old int")
    execute(maria, "update marts.build_info set models = 'older'")
    build(marts, maria)
    assert ask(maria, query) == before
