"""Builds of the marts: each shows its mirror whole or changes nothing, and nobody who reads the marts is disturbed."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from built_marts import TOTALS, count_views, totals
from mirrors import Cell, Counts, count, execute

from lake.command import weblake_command
from lake.contracts import MEASURES, names
from lake.errors import ServiceError
from lake.settings import PROJECT, Settings, child_environment
from marts.build import Marts, build
from marts.stand import stands
from stack.servers import postgres

pytestmark = pytest.mark.stack

WALKER = "203.0.113.77"
BOTS = (
    f"select class, is_convicted, would_convict, verdict, events, score from marts.bots where ip_address = '{WALKER}'"
)
CLASSES = (
    "select extract(day from day_start)::int, class, events::int from marts.bot_classes "
    "where day_start between '2026-02-01' and '2026-02-10' order by 1, 2"
)
OF_BOTS = ("marts.bots", "marts.bot_classes", "marts.bot_traffic", "marts.bot_rules")


def walk(settings: Settings, version: int, day: int, views: int, second: int = 0) -> None:
    """Let a client look at so many more pages of products, and fetch no asset, in a window of a day of February."""
    window = dt.datetime(2026, 2, day, 10, 0, second, tzinfo=dt.timezone.utc)
    count(settings, version, {("client", window, WALKER, False): dict.fromkeys(("events", "views", "pages"), views)})


def judge(settings: Settings, version: int, verdict: str) -> None:
    """Let a verdict on that client hold, as the court and the mirror do: its counts move with it."""
    is_bot = verdict == "convicted"
    measures = names(MEASURES)
    columns = ", ".join(("dimension", "window_start", "key", *measures))
    theirs = f"select {columns} from silver.window_counts where key = '{WALKER}' and is_bot <> {is_bot}"
    moved: dict[Cell, Counts] = {}
    for dimension, window, key, *numbers in execute(settings, theirs):
        counts = {name: number or 0 for name, number in zip(measures, numbers, strict=True)}
        moved[dimension, window, key, is_bot] = counts
        moved[dimension, window, key, not is_bot] = {name: -number for name, number in counts.items()}
    count(settings, version, moved)
    execute(
        settings,
        f"delete from silver.verdicts where ip_address = '{WALKER}'; "
        f"insert into silver.verdicts values ('{WALKER}', '{verdict}', 'hand', 'as it pleases', now(), {version})",
    )


def rows_of_bots(shop: Settings) -> list[list[tuple[object, ...]]]:
    """Return the marts of bots, but for when a class last changed (version), which no build from the start knows."""
    query = "select (to_jsonb(mart) - 'version')::text from {} as mart order by 1"
    return [postgres.query(shop, "analyst", query.format(mart)) for mart in OF_BOTS]


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


def test_marts_of_a_mirror_that_was_filled_anew_lose_what_is_gone(shop: Settings, marts: Marts, shown: int) -> None:
    execute(shop, "delete from silver.window_counts where version < (select max(version) from silver.bookmark)")
    execute(shop, "update silver.bookmark set filled_at = now()")
    build(marts, shop)
    assert totals(shop) == (2, 2, 2, shown)


def test_a_run_that_another_has_overtaken_gives_way(shop: Settings, marts: Marts, shown: int) -> None:
    before = totals(shop)
    count_views(shop, shown + 1, "p-1")
    with pytest.raises(ServiceError, match="does not lead"):
        marts.run("--exclude", "bookmark")
    assert totals(shop) == before
    assert "does not lead" in (shop.data / "dbt" / "dbt.log").read_text()


def test_a_mart_whose_columns_changed_is_made_anew(shop: Settings, marts: Marts, shown: int) -> None:
    before = totals(shop)
    execute(shop, "alter table marts.products add column old text; alter table marts.actions drop column share cascade")
    execute(shop, "update marts.build_info set models = 'older'")
    build(marts, shop)
    assert totals(shop) == before
    assert postgres.query(shop, "analyst", "select share from marts.actions where action = 'view_product'")
    with pytest.raises(psycopg2.errors.UndefinedColumn):
        postgres.query(shop, "analyst", "select old from marts.products")


def test_a_verdict_counts_for_all_days_of_the_client_as_if_built_from_the_start(
    shop: Settings, marts: Marts, shown: int
) -> None:
    walk(shop, shown + 1, day=1, views=40)
    walk(shop, shown + 1, day=3, views=40)
    build(marts, shop)
    assert postgres.query(shop, "analyst", BOTS) == [("scraper", False, False, None, 80, 70)]
    assert postgres.query(shop, "analyst", CLASSES) == [(1, "people", 40), (3, "people", 40)]
    walk(shop, shown + 2, day=3, second=10, views=160)
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
    walk(shop, shown + 5, day=3, second=10, views=-160)
    build(marts, shop)
    assert postgres.query(shop, "analyst", CLASSES) == [(1, "people", 40), (3, "people", 40)]


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
