"""The audit of the marts on a real PostgreSQL: it holds on what dbt builds, and names the row that somebody changed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from frames import START
from mirrors import count, execute, put_on_record
from suspects import AT, CONVICTED, REPLAYS, VERDICTS, traffic

from audit.check import Verdict
from audit.database import database_snapshot
from audit.marts import MARTS, check_marts
from audit.marts.agreement import check_agreement
from audit.scope import Scope
from lake.settings import Settings
from marts.build import Marts, build
from spark.tables.postgres import News
from spark.tables.records import Records

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def settings(shop: Settings, marts: Marts) -> Settings:
    """The shop, with three builds of suspects and people in its marts."""
    for version in range(3):
        count(shop, version, traffic(random.Random(version)))
        put_on_record(shop, Records(VERDICTS, REPLAYS), version, News(AT + 7_500 * (version + 1), 9_000 + version, 70))
        build(marts, shop)
    return shop


def problems(settings: Settings, scope: Scope | None = None) -> dict[str, str]:
    checks = check_marts(settings, scope or Scope(), patience_seconds=0)
    return {check.name: check.note for check in checks if check.verdict is not Verdict.OK}


def test_every_mart_holds_and_has_its_name(settings: Settings) -> None:
    checks = {check.name: check for check in check_marts(settings, Scope(), patience_seconds=0)}
    assert {name: check.note for name, check in checks.items() if check.verdict is not Verdict.OK} == {}
    rows = [f"marts: {mart.name}" for mart in MARTS]
    assert list(checks) == ["marts: build_info", *rows, "marts: agreement", "PostgreSQL: verdicts"]
    assert all(checks[name].left == checks[name].right for name in rows)
    assert checks["marts: bots"].note != "0 rows"


def test_marts_that_contradict_each_other_and_verdicts_that_are_not_counted_are_found(settings: Settings) -> None:
    with (
        changed(settings, "bot_traffic", "update marts.bot_traffic set events = events + 1 where class = 'people'"),
        database_snapshot(settings) as cursor,
    ):
        problem = check_agreement(cursor).note
    assert problem.startswith("people: ")
    assert "in bot_traffic" in problem
    verdict = f"update silver.verdicts set verdict = '{{}}' where ip_address = '{CONVICTED}'"
    execute(settings, verdict.format("pardoned"))
    problem = problems(settings)["PostgreSQL: verdicts"]
    execute(settings, verdict.format("convicted"))
    assert problem.startswith(f"first: {CONVICTED} is pardoned, but ")
    assert problem.endswith("stand among the bots; 1 client so")


def test_the_suspects_meet_every_rule(settings: Settings) -> None:
    with psycopg2.connect(settings.postgres_dsn("dbt")) as connection, connection.cursor() as cursor:
        cursor.execute("select reason from marts.bot_rules except select unnest(reasons) from marts.bots")
        assert cursor.fetchall() == []


def test_every_mart_and_every_column_is_checked(settings: Settings) -> None:
    with database_snapshot(settings) as cursor:
        cursor.execute("select table_name from information_schema.tables where table_schema = 'marts'")
        assert {name for (name,) in cursor.fetchall()} == {"build_info", *(mart.name for mart in MARTS)}
        for mart in MARTS:
            present = mart.present_columns(cursor)
            checked = [*mart.key, *mart.columns, *mart.sums(present), *mart.derived]
            assert sorted(present) == sorted([*checked, *mart.unchecked]), mart.name


@contextmanager
def changed(settings: Settings, mart: str, change: str) -> Iterator[None]:
    """Change a mart meanwhile."""
    execute(settings, f"create table public.kept as select * from marts.{mart}; {change}")
    try:
        yield
    finally:
        execute(settings, f"delete from marts.{mart}; insert into marts.{mart} select * from public.kept")
        execute(settings, "drop table public.kept")


@pytest.mark.parametrize(
    ("mart", "change", "column"),
    [
        ("products", "human_views = human_views + 1", "human_views"),
        ("products", "events = events + 1", "events"),
        ("actions", "avg_response_ms = 7", "avg_response_ms"),
        ("bots", "score = score + 1", "score"),
        ("bots", "probes = probes + 1", "probes"),
        ("bots", "figures = figures || '{\"probing\": 1000}'", "figures"),
        ("bot_classes", "clients = clients + 1", "clients"),
        ("bot_traffic", "events = events + 1", "events"),
        ("bot_rules", "is_weak = not is_weak", "is_weak"),
        ("product_views", "views = views + 1", "views"),
        ("action_counts", "share = 2", "share"),
        ("payment_errors", "error_count = error_count + 1", "error_count"),
        ("bots", "share_of_traffic = 2", "share_of_traffic"),
        ("visitors", "day_start = day_start + interval '1 day'", "day_start"),
        ("traffic", "five_minutes_start = window_start + interval '10 minutes'", "five_minutes_start"),
        ("product_views", "is_complete = not is_complete", "is_complete"),
        ("traffic", "bytes = bytes + 1", "bytes"),
        ("freshness", "last_whole_hour = last_whole_hour + interval '1 hour'", "last_whole_hour"),
        ("freshness", "lag_seconds = lag_seconds + 1", "lag_seconds"),
        ("verdict_history", "is_last = not is_last", "is_last"),
        ("verdict_history", "moved_views = moved_views + 1", "moved_views"),
        ("restatements", "is_in_force = not is_in_force", "is_in_force"),
        ("restatements", "range_end = null", "range_end"),
    ],
)
def test_a_changed_row_is_named(settings: Settings, mart: str, change: str, column: str) -> None:
    with changed(settings, mart, f"update marts.{mart} set {change}"):
        found = problems(settings)
    assert list(found) == [f"marts: {mart}"]
    assert column in found[f"marts: {mart}"]


@pytest.mark.parametrize("mart", [mart.name for mart in MARTS])
def test_a_missing_row_is_named(settings: Settings, mart: str) -> None:
    first = f"where ctid = (select min(ctid) from marts.{mart})"
    with changed(settings, mart, f"delete from marts.{mart} {first}"):
        assert "the mart has no such row; 1 of " in problems(settings)[f"marts: {mart}"]


def test_a_row_that_stands_twice_is_named(settings: Settings) -> None:
    execute(settings, "alter table marts.traffic rename to kept")
    execute(settings, "create table marts.traffic as table marts.kept; grant select on marts.traffic to dbt")
    execute(settings, "insert into marts.traffic select * from marts.kept limit 1")
    try:
        found = problems(settings)
    finally:
        execute(settings, "drop table marts.traffic; alter table marts.kept rename to traffic")
    assert list(found) == ["marts: traffic"]
    assert "give it once only; 1 of " in found["marts: traffic"]


def test_a_mart_without_one_of_its_columns_is_named(settings: Settings) -> None:
    execute(settings, "alter table marts.traffic rename bot_events to gone")
    try:
        found = problems(settings)
    finally:
        execute(settings, "alter table marts.traffic rename gone to bot_events")
    assert found == {"marts: traffic": "it is missing, or lacks bot_events; run `make dbt`"}


def test_marts_that_do_not_show_the_newest_counts_are_named(settings: Settings) -> None:
    with changed(settings, "build_info", "update marts.build_info set models = ''"):
        assert list(problems(settings)) == ["marts: build_info"]
    stands = ("silver.bookmark", "marts.build_info", "marts.freshness")
    execute(settings, ";".join(f"update {table} set version = 1" for table in stands))
    try:
        found = problems(settings)
    finally:
        execute(settings, ";".join(f"update {table} set version = 2" for table in stands))
    assert found == {"marts: build_info": "counts have version 2, which the marts do not show; run `make dbt`"}


def test_marts_of_an_earlier_fill_are_not_checked(settings: Settings) -> None:
    execute(settings, "update silver.bookmark set filled_at = filled_at + interval '1 second'")
    try:
        found = problems(settings)
    finally:
        execute(settings, "update silver.bookmark set filled_at = filled_at - interval '1 second'")
    assert list(found) == ["marts"]
    assert "filled again" in found["marts"]


def test_records_that_came_after_the_marts_were_built_are_waited_for(settings: Settings) -> None:
    execute(settings, "update silver.bookmark set moved_at = moved_at + interval '1 second'")
    try:
        found = problems(settings)
    finally:
        execute(settings, "update silver.bookmark set moved_at = moved_at - interval '1 second'")
    assert found == {"marts": "verdicts or replays were put on record after they were built; run `make dbt`"}


def test_a_range_leaves_out_what_tells_of_all_time(settings: Settings) -> None:
    second = START.timestamp()
    checks = check_marts(settings, Scope(second, second + 3_600), patience_seconds=0)
    assert [check.name.split()[1] for check in checks] == [
        "build_info",
        *("product_views", "action_counts", "payment_errors", "traffic", "rejected"),
    ]
    assert {check.verdict for check in checks} == {Verdict.OK}


def test_the_audit_can_write_nothing_but_its_own_table(settings: Settings) -> None:
    with database_snapshot(settings, "create temporary table own (n int) on commit drop") as cursor:
        cursor.execute("insert into own values (1)")
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            cursor.execute("delete from marts.bots")
