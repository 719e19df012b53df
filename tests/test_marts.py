"""When the marts are built, what they show when something goes wrong, and that nobody who reads them is disturbed."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
import yaml
from frames import at

from lake.command import weblake_command
from lake.contracts import DIMENSIONS, MEASURES, names
from lake.errors import ServiceError, WeblakeError
from lake.settings import PROJECT, Settings, child_environment, load_settings
from marts.build import Marts, Stand, build, building, is_due, stands
from stack.servers import postgres
from stack.servers.migrations import migrate

TOTALS = (
    "select (select sum(human_events + bot_events) from marts.traffic)::bigint, (select sum(views) from marts.products)"
    "::bigint, (select sum(action_count) from marts.actions)::bigint, (select version from marts.build_info)"
)


WALKER = "203.0.113.77"
BOTS = (
    f"select class, is_convicted, would_convict, verdict, requests, score from marts.bots where ip_address = '{WALKER}'"
)
CLASSES = (
    "select extract(day from day_start)::int, class, requests::int from marts.bot_classes "
    "where day_start between '2026-02-01' and '2026-02-10' order by 1, 2"
)
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
OF_BOTS = ("marts.bots", "marts.bot_classes", "marts.bot_traffic", "marts.bot_rules")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"WEBLAKE_DATA": str(tmp_path)})


def test_marts_are_due_when_the_mirror_moved_or_was_filled_anew() -> None:
    shown = Stand("a", 3, 50.0)
    assert is_due(Stand("", -1, 0.0), None, has_built=False)
    assert is_due(Stand("a", 4, 50.0), shown, has_built=True)
    assert is_due(Stand("b", 1, 60.0), shown, has_built=True)
    assert not is_due(shown, shown, has_built=True)


def test_the_first_build_is_due_for_marts_that_older_models_may_have_built() -> None:
    assert is_due(Stand("a", 3, 50.0), Stand("a", 3, 50.0), has_built=False)


@pytest.mark.parametrize("mirror", [Stand("", -1, 0.0), Stand("a", 2, 50.0), Stand("b", 2, 40.0)])
def test_marts_wait_for_a_mirror_that_was_emptied_or_set_back(mirror: Stand) -> None:
    assert not is_due(mirror, Stand("a", 3, 50.0), has_built=False)


def test_a_build_waits_for_the_one_before_it_and_can_be_stopped_meanwhile(settings: Settings) -> None:
    stop = threading.Event()
    with (settings.data / "marts.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(WeblakeError, match="stopped"), building(settings, stop):
            pass
    with building(settings):
        pass


# --- On a real PostgreSQL


@pytest.fixture(scope="module")
def shop(stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A database of the module's own, with the marts of one event."""
    own = replace(stack_settings, data=tmp_path_factory.mktemp("marts"), postgres_database="marts")
    migrate(own)
    return own


@pytest.fixture(scope="module")
def marts(shop: Settings) -> Marts:
    """dbt in this process."""
    return Marts(shop)


@pytest.fixture
def shown(shop: Settings, marts: Marts) -> int:
    """The version that the marts show: that of the mirror."""
    _, before = stands(shop)
    version = before.version + 1 if before else 1
    count_views(shop, version, "p-1", "p-2")
    build(marts, shop)
    return version


def count_views(settings: Settings, version: int, *products: str) -> None:
    """Move the mirror on to ``version``, by one view of each product in a window of their own."""
    keys = {"all": "all", "action": "view_product", "client": "198.51.100.4"}
    window = at(10 * version)
    cells = [(dimension, window, keys.get(dimension, product)) for product in products for dimension in DIMENSIONS]
    measures = ", ".join(names(MEASURES))
    ones = ", ".join("1" if name in ("events", "views") else "0" for name in names(MEASURES))
    with connect(settings) as connection, connection.cursor() as cursor:
        for cell in cells:
            cursor.execute(
                f"insert into silver.window_counts as old (dimension, window_start, key, is_bot, {measures}, version) "
                f"values (%s, %s, %s, false, {ones}, %s) on conflict (dimension, window_start, key, is_bot) "
                "do update set events = old.events + 1, views = old.views + 1, version = excluded.version",
                (*cell, version),
            )
        cursor.execute(
            "insert into silver.bookmark values (%s, 'a', now(), now()) on conflict (is_only) do update "
            "set version = excluded.version",
            (version,),
        )


def walk(settings: Settings, version: int, window_start: str, views: int, assets: int) -> None:
    """Let a client look at so many more pages of products, and fetch so many assets, in a window."""
    measures = names(MEASURES)
    added = {"events": views + assets, "views": views, "pages": views, "assets": assets}
    sums = ", ".join(f"{name} = old.{name} + excluded.{name}" for name in added)
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into silver.window_counts as old "
            f"(dimension, window_start, key, is_bot, {', '.join(measures)}, version) values "
            f"('client', %s, '{WALKER}', false, {', '.join('%s' for _ in measures)}, %s) "
            f"on conflict (dimension, window_start, key, is_bot) do update set {sums}, version = excluded.version",
            (window_start, *(added.get(name, 0) for name in measures), version),
        )
        cursor.execute("update silver.bookmark set version = %s", (version,))


def judge(settings: Settings, version: int, verdict: str) -> None:
    """Let a verdict on that client hold, as the court and the mirror do: its counts move with it."""
    is_bot = verdict == "convicted"
    measures = names(MEASURES)
    sums = ", ".join(f"{name} = old.{name} + excluded.{name}" for name in measures)
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into silver.window_counts as old "
            f"(dimension, window_start, key, is_bot, {', '.join(measures)}, version) "
            f"select dimension, window_start, key, {is_bot}, {', '.join(measures)}, {version} "
            f"from silver.window_counts where key = '{WALKER}' and is_bot <> {is_bot} "
            f"on conflict (dimension, window_start, key, is_bot) do update set {sums}, version = excluded.version"
        )
        cursor.execute(
            f"update silver.window_counts set {', '.join(f'{name} = 0' for name in measures)}, version = {version} "
            f"where key = '{WALKER}' and is_bot <> {is_bot}"
        )
        cursor.execute(f"delete from silver.verdicts where ip_address = '{WALKER}'")
        cursor.execute(
            f"insert into silver.verdicts values ('{WALKER}', '{verdict}', 'hand', 'as it pleases', now(), {version})"
        )
        cursor.execute(f"update silver.bookmark set version = {version}")


def connect(settings: Settings) -> psycopg2.extensions.connection:
    return psycopg2.connect(settings.postgres_dsn("owner"))


def execute(settings: Settings, sql: str) -> None:
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def totals(settings: Settings) -> tuple[object, ...]:
    """Events by minute, views by product, events by action, and the version; on the view of the analyst."""
    (row,) = postgres.query(settings, "analyst", TOTALS)
    return row


@pytest.mark.stack
def test_a_run_that_did_not_get_to_its_end_changes_no_mart_and_the_next_makes_up_for_it(
    shop: Settings, marts: Marts, shown: int
) -> None:
    before = totals(shop)
    count_views(shop, shown + 1, "p-1", "p-3")
    marts.run("--select", "+products", "+traffic")
    assert totals(shop) == before
    count_views(shop, shown + 2, "p-2")
    build(marts, shop)
    events, views, actions, version = totals(shop)
    assert (events, views, actions, version) == (*(before[0] + 3,) * 3, shown + 2)  # type: ignore[operator]


@pytest.mark.stack
def test_readers_keep_what_they_saw_and_neither_wait_nor_hold_anybody_up(
    shop: Settings, marts: Marts, shown: int
) -> None:
    before = totals(shop)
    with closing(psycopg2.connect(shop.postgres_dsn("analyst"))) as reader, reader.cursor() as cursor:
        reader.set_session(isolation_level="REPEATABLE READ")
        cursor.execute("set lock_timeout = '1s'")
        cursor.execute(TOTALS)
        for full_refresh in (False, True):
            _, published = stands(shop)
            assert published is not None
            count_views(shop, published.version + 1, "p-1")
            build(marts, shop, full_refresh)
            cursor.execute(TOTALS)
            assert cursor.fetchone() == before
            assert totals(shop) > before


@pytest.mark.stack
@pytest.mark.parametrize("damage", ["truncate silver.bookmark", "update silver.bookmark set version = version - 1"])
def test_an_emptied_or_older_mirror_leaves_the_marts_alone_until_it_is_back(
    shop: Settings, marts: Marts, shown: int, damage: str
) -> None:
    before = totals(shop)
    execute(shop, damage)
    with pytest.raises(ServiceError, match="when the mirror has caught up"):
        marts.run()
    assert totals(shop) == before
    count_views(shop, shown + 1, "p-1")
    build(marts, shop)
    assert totals(shop)[3] == shown + 1


@pytest.mark.stack
def test_marts_of_a_mirror_that_was_filled_anew_lose_what_is_gone(shop: Settings, marts: Marts, shown: int) -> None:
    execute(shop, "delete from silver.window_counts where version < (select max(version) from silver.bookmark)")
    execute(shop, "update silver.bookmark set filled_at = now()")
    build(marts, shop)
    assert totals(shop) == (2, 2, 2, shown)


@pytest.mark.stack
def test_a_run_that_another_has_overtaken_gives_way(shop: Settings, marts: Marts, shown: int) -> None:
    before = totals(shop)
    count_views(shop, shown + 1, "p-1")
    with pytest.raises(ServiceError, match="does not lead"):
        marts.run("--exclude", "bookmark")
    assert totals(shop) == before
    assert "does not lead" in (shop.data / "dbt" / "dbt.log").read_text()


@pytest.mark.stack
def test_a_mart_whose_columns_changed_is_made_anew(shop: Settings, marts: Marts, shown: int) -> None:
    before = totals(shop)
    execute(shop, "alter table marts.products add column old text; alter table marts.actions drop column share cascade")
    execute(shop, "update marts.build_info set models = 'older'")
    build(marts, shop)
    assert totals(shop) == before
    assert postgres.query(shop, "analyst", "select share from marts.actions where action = 'view_product'")
    with pytest.raises(psycopg2.errors.UndefinedColumn):
        postgres.query(shop, "analyst", "select old from marts.products")


@pytest.mark.stack
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


@pytest.mark.stack
def test_marts_of_before_there_were_keys_and_comments_get_them(shop: Settings, marts: Marts, shown: int) -> None:
    execute(shop, "alter table marts.traffic drop constraint traffic_pkey; comment on table marts.bots is null")
    execute(shop, "update marts.build_info set models = 'older'")
    before = totals(shop)
    build(marts, shop)
    assert totals(shop) == before
    ((tables, with_comment, with_key, *_),) = postgres.query(shop, "analyst", DESCRIBED)
    assert tables == with_comment == with_key


@pytest.mark.stack
def test_the_sources_are_fresh_while_the_bookmark_moves_and_stale_an_hour_after_it_stopped(
    shop: Settings, marts: Marts, shown: int
) -> None:
    execute(shop, "update silver.bookmark set moved_at = now()")
    marts._invoke("source", "freshness")
    execute(shop, "update silver.bookmark set moved_at = now() - interval '61 minutes'")
    with pytest.raises(ServiceError, match=r"bookmark.*window_counts|window_counts.*bookmark"):
        marts._invoke("source", "freshness")


@pytest.mark.stack
@pytest.mark.parametrize("mart", sorted(path.stem for path in MARTS.glob("*.yml")))
def test_the_query_in_a_marts_description_works(shop: Settings, marts: Marts, shown: int, mart: str) -> None:
    (model,) = yaml.safe_load((MARTS / f"{mart}.yml").read_text())["models"]
    query = model["description"].partition("```sql")[2].partition("```")[0]
    postgres.query(shop, "analyst", query)


def rows_of_bots(shop: Settings) -> list[list[tuple[object, ...]]]:
    """Return the marts of bots, but for when a class last changed (version), which no build from the start knows."""
    query = "select (to_jsonb(mart) - 'version')::text from {} as mart order by 1"
    return [postgres.query(shop, "analyst", query.format(mart)) for mart in OF_BOTS]


@pytest.mark.stack
def test_a_verdict_counts_for_all_days_of_the_client_as_if_built_from_the_start(
    shop: Settings, marts: Marts, shown: int
) -> None:
    walk(shop, shown + 1, "2026-02-01 10:00:00+00", views=40, assets=0)
    walk(shop, shown + 1, "2026-02-03 10:00:00+00", views=40, assets=0)
    build(marts, shop)
    assert postgres.query(shop, "analyst", BOTS) == [("scraper", False, False, None, 80, 70)]
    assert postgres.query(shop, "analyst", CLASSES) == [(1, "people", 40), (3, "people", 40)]
    walk(shop, shown + 2, "2026-02-03 10:00:10+00", views=160, assets=0)
    build(marts, shop)
    assert postgres.query(shop, "analyst", BOTS) == [("hammerer", False, True, None, 240, 225)]
    assert postgres.query(shop, "analyst", CLASSES) == [(1, "people", 40), (3, "people", 200)]
    judge(shop, shown + 3, "convicted")
    build(marts, shop)
    assert postgres.query(shop, "analyst", BOTS) == [("hammerer", True, True, "convicted", 240, 225)]
    assert postgres.query(shop, "analyst", CLASSES) == [
        (1, "hammerer", 40),
        (1, "people", 0),
        (3, "hammerer", 200),
        (3, "people", 0),
    ]
    incremental = rows_of_bots(shop)
    build(marts, shop, full_refresh=True)
    assert rows_of_bots(shop) == incremental
    judge(shop, shown + 4, "pardoned")
    build(marts, shop)
    assert postgres.query(shop, "analyst", BOTS) == [("hammerer", False, True, "pardoned", 240, 225)]
    assert postgres.query(shop, "analyst", CLASSES) == [(1, "people", 40), (3, "people", 200)]
    walk(shop, shown + 5, "2026-02-03 10:00:10+00", views=-160, assets=0)
    build(marts, shop)
    assert postgres.query(shop, "analyst", CLASSES) == [(1, "people", 40), (3, "people", 40)]


@pytest.mark.stack
def test_an_edit_of_the_project_is_built_by_the_process_that_is_running(
    shop: Settings, shown: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def points() -> list[tuple[object, ...]]:
        return postgres.query(shop, "analyst", "select points from marts.bot_rules where reason = 'many_searches'")

    project = tmp_path / "dbt"
    shutil.copytree(PROJECT / "dbt", project, ignore=shutil.ignore_patterns("target", "logs"))
    monkeypatch.setattr("marts.build.DBT_PROJECT", project)
    running = Marts(shop)
    build(running, shop)
    assert points() == [(10,)]
    rules = project / "macros" / "bot_rules.sql"
    rules.write_text(
        rules.read_text().replace("'reason': 'many_searches', 'points': 10", "'reason': 'many_searches', 'points': 11")
    )
    assert running.has_changed()
    build(Marts(shop), shop)
    build(running, shop)
    assert points() == [(11,)]
    assert not running.has_changed()


@pytest.mark.stack
def test_a_build_logs_one_line_in_our_format_though_dbt_sets_up_logging_too(stack_settings: Settings) -> None:
    done = subprocess.run(
        weblake_command("dbt", "--full-refresh"),
        cwd=PROJECT,
        env=child_environment(stack_settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    ours = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (INFO|WARNING) ")
    assert [line for line in lines if not ours.match(line)] == []
    assert len([line for line in lines if "marts built: version " in line]) == 1
