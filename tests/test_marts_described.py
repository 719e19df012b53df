"""What is said of the marts: keys and comments in PostgreSQL, the freshness of their sources, queries that work."""

from __future__ import annotations

import json

import pytest
import yaml
from built_marts import count_views, totals
from mirrors import execute

from lake.errors import ServiceError
from lake.settings import PROJECT, Settings
from marts.build import Marts, build
from stack.servers import postgres

pytestmark = pytest.mark.stack

MARTS = PROJECT / "dbt" / "models" / "marts"
DESCRIBED = """
    select
        count(*), count(obj_description(tables.oid)), count(keys.oid), sum(columns.columns)::int,
        sum(columns.without_comment)::int, array_agg(tables.oid order by tables.oid)
    from pg_class as tables
    left join pg_constraint as keys on tables.oid = keys.conrelid and keys.contype = 'p'
    cross join lateral (
        select
            count(*) as columns,
            count(*) filter (where col_description(tables.oid, attnum) is null) as without_comment
        from pg_attribute where attrelid = tables.oid and attnum > 0 and not attisdropped
    ) as columns
    where tables.relnamespace = 'marts'::regnamespace and tables.relkind = 'r'
"""
"""Tables, those with a comment, those with a key, columns, columns without a comment, and the tables' ids."""


def test_postgresql_knows_key_and_meaning_of_each_mart_and_keeps_them_from_run_to_run(
    shop: Settings, marts: Marts, shown: int
) -> None:
    (before,) = postgres.query(shop, "analyst", DESCRIBED)
    tables, with_comment, with_key, columns, without_comment = before[:5]
    assert (with_comment, with_key, without_comment) == (tables, tables, 0)
    assert columns == sum(len(yaml.safe_load(path.read_text())["models"][0]["columns"]) for path in MARTS.glob("*.yml"))
    count_views(shop, shown + 1, "p-1")
    build(marts, shop)
    assert postgres.query(shop, "analyst", DESCRIBED) == [before], "a run made a table anew"


def test_the_documentation_shows_each_mart_where_analysts_read_it(shop: Settings, marts: Marts, shown: int) -> None:
    assert marts.docs().stat().st_size > 0
    folder = shop.data / "dbt"
    nodes = json.loads((folder / "manifest.json").read_text())["nodes"]
    catalog = json.loads((folder / "catalog.json").read_text())["nodes"]
    models = {node["name"]: node for node in nodes.values() if node["resource_type"] == "model"}
    ours = {path.stem: yaml.safe_load(path.read_text())["models"][0] for path in MARTS.glob("*.yml")}
    assert {name for name, node in models.items() if node["group"] == "marts"} == set(ours)
    for name, node in models.items():
        place = "marts" if name in ours else "staging"
        assert (node["schema"], f'"{place}"."{name}"' in node["relation_name"]) == (place, True)
        assert catalog[node["unique_id"]]["metadata"]["schema"] == place
    for name, mart in ours.items():
        columns = catalog[f"model.weblake.{name}"]["columns"]
        assert set(columns) == {column["name"] for column in mart["columns"]}
        assert all(column["comment"] for column in columns.values())
    before = totals(shop)
    count_views(shop, shown + 1, "p-1")
    build(marts, shop)
    assert totals(shop) > before, "the documentation moved what is built"


def test_marts_of_before_there_were_keys_and_comments_get_them(shop: Settings, marts: Marts, shown: int) -> None:
    execute(shop, "alter table marts.traffic drop constraint traffic_pkey; comment on table marts.bots is null")
    execute(shop, "update marts.build_info set models = 'older'")
    before = totals(shop)
    build(marts, shop)
    assert totals(shop) == before
    ((tables, with_comment, with_key, *_),) = postgres.query(shop, "analyst", DESCRIBED)
    assert tables == with_comment == with_key


def test_the_sources_are_fresh_while_the_bookmark_moves_and_stale_an_hour_after_it_stopped(
    shop: Settings, marts: Marts, shown: int
) -> None:
    execute(shop, "update silver.bookmark set moved_at = now()")
    marts._invoke("source", "freshness")
    execute(shop, "update silver.bookmark set moved_at = now() - interval '61 minutes'")
    with pytest.raises(ServiceError, match=r"bookmark.*window_counts|window_counts.*bookmark"):
        marts._invoke("source", "freshness")


@pytest.mark.parametrize("mart", sorted(path.stem for path in MARTS.glob("*.yml")))
def test_the_query_in_a_marts_description_works(shop: Settings, built: int, mart: str) -> None:
    (model,) = yaml.safe_load((MARTS / f"{mart}.yml").read_text())["models"]
    query = model["description"].partition("```sql")[2].partition("```")[0]
    postgres.query(shop, "analyst", query)
