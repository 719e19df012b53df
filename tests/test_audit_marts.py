"""The audit of the marts on a real PostgreSQL: it holds on what dbt builds, and names the row that somebody changed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg2
import pytest
from frames import START
from mirrors import Cell, Counts, count, execute

from audit.check import Verdict
from audit.database import database_snapshot
from audit.marts import MARTS, check_marts
from audit.marts.agreement import check_agreement
from audit.scope import Scope
from lake.contracts import DIMENSIONS
from lake.settings import Settings
from marts.build import Marts, build
from stack.servers.migrations import migrate

pytestmark = pytest.mark.stack

SUSPECTS: dict[str, Counts] = {
    "192.0.2.1": {"events": 30, "impostor_events": 30, "crawler_events": 30, "agents_0": 30},
    "192.0.2.2": {"events": 40, "tool_events": 30, "crawler_events": 9, "no_agent": 25},
    "192.0.2.3": {"events": 9, "probes": 6, "client_errors": 9, "not_found": 9},
    "192.0.2.4": {
        "events": 26,
        "checkouts": 22,
        "failed_checkouts": 20,
        "client_errors": 17,
        "payment_errors": 3,
        "server_errors": 3,
    },
    "192.0.2.5": {"events": 160, "views": 155, "pages": 160, "assets": 2, "add_to_carts": 1},
    "192.0.2.6": {"events": 45, "posts": 24, "pages": 45, "robots_reads": 1},
    "192.0.2.7": {"events": 100, "no_agent": 60, "not_found": 55, "client_errors": 55, "pages": 90},
    "192.0.2.8": {"events": 60, "agents_0": 15, "agents_1": 15, "agents_2": 15, "agents_3": 15, "probes": 5},
    "192.0.2.9": {
        "events": 400,
        "views": 200,
        "add_to_carts": 8,
        "checkouts": 5,
        "failed_checkouts": 1,
        "client_errors": 1,
        "probes": 9,
    },
    "192.0.2.10": {
        "events": 90,
        "impostor_events": 90,
        "searches": 60,
        "add_to_carts": 8,
        "checkouts": 5,
        "robots_reads": 2,
    },
    "2001:db8:1:2::9": {"events": 80, "views": 40, "assets": 39, "pages": 41},
    "erased": {"events": 3, "views": 3},
    **{f"203.0.113.{serial}": {"events": 70, "views": 40 + serial, "assets": 20} for serial in range(12)},
    **{f"2001:db8::{serial}": {"events": 40, "views": 30 + serial, "assets": 5} for serial in range(11)},
}
STEADY = "198.51.100.1"
PEOPLE = [f"198.51.100.{serial}" for serial in range(2, 20)]
CONVICTED = PEOPLE[0]
FAILURES = ("failed_checkouts", "payment_errors", "client_errors", "server_errors")
ACTIONS = {"view_product": "views", "add_to_cart": "add_to_carts", "checkout": "checkouts", "search": "searches"}


@pytest.fixture(scope="module")
def settings(stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A database of the module's own, with three builds of suspects and people in its marts."""
    own = replace(stack_settings, data=tmp_path_factory.mktemp("audit"), postgres_database="audit")
    migrate(own)
    dbt = Marts(own)
    execute(
        own,
        "insert into silver.verdicts values ('192.0.2.3', 'pardoned', 'hand', 'our own', now(), 1), "
        f"('{CONVICTED}', 'convicted', 'hand', 'a rival', now(), 1)",
    )
    for version in range(3):
        count(own, version, traffic(random.Random(version)))
        build(dbt, own)
    return own


def by_action(counts: Counts) -> Iterator[tuple[str, Counts]]:
    """Share counts out among the actions: each event has one."""
    rest = dict(counts)
    for action, measure in ACTIONS.items():
        if number := rest.pop(measure, 0):
            rest["events"] -= number
            failures = {name: rest.pop(name, 0) for name in FAILURES} if action == "checkout" else {}
            yield action, {"events": number, measure: number, **failures}
    yield "other", rest


def by_status(counts: Counts) -> Iterator[tuple[str, Counts]]:
    """Share events out among the statuses that their errors have."""
    errors = {"404": counts.get("client_errors", 0), "503": counts.get("server_errors", 0)}
    for status, number in (("200", counts["events"] - sum(errors.values())), *errors.items()):
        yield status, {"events": number}


def traffic(chance: random.Random) -> dict[Cell, Counts]:
    """Return counts of all dimensions that agree with each other, on two days."""
    cells: dict[Cell, Counts] = {}

    def add(address: str, seconds: int, counts: Counts) -> None:
        window = START + dt.timedelta(seconds=seconds // 10 * 10)
        is_bot = address == CONVICTED or bool(counts.get("crawler_events") or counts.get("tool_events"))
        own = {"all": "all", "client": address, "product": f"p-{seconds % 3}"}
        parts = [(name, own[name], counts) for name in DIMENSIONS if name in own]
        parts += [("action", action, part) for action, part in by_action(counts)]
        parts += [("status", status, part) for status, part in by_status(counts)]
        for dimension, key, part in parts:
            cell = cells.setdefault((dimension, window, key, is_bot), {})
            for name, number in part.items():
                cell[name] = cell.get(name, 0) + number

    for address, counts in SUSPECTS.items():
        add(address, chance.randrange(86_400), counts)
        add(address, chance.randrange(600), {"events": 1, "response_ms": chance.randrange(900), "timed_events": 1})
    first = chance.randrange(60)
    for minute in range(first, first + 55):
        add(STEADY, 60 * minute + chance.randrange(50), {"events": 1, "pages": 1, "agents_2": 1})
    for address in PEOPLE:
        for _ in range(chance.randrange(1, 90)):
            seen = {
                "events": 3,
                "views": 1,
                "assets": 1,
                "late_events": 1,
                "agents_1": 3,
                "bytes": chance.randrange(999),
            }
            add(address, chance.choice([chance.randrange(4_000), chance.randrange(86_400)]), seen)
    return cells


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
    execute(settings, f"create table kept as select * from marts.{mart}; {change}")
    try:
        yield
    finally:
        execute(settings, f"delete from marts.{mart}; insert into marts.{mart} select * from kept; drop table kept")


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
    execute(settings, "update marts.build_info set version = 1; update silver.bookmark set version = 1")
    try:
        found = problems(settings)
    finally:
        execute(settings, "update marts.build_info set version = 2; update silver.bookmark set version = 2")
    assert found == {"marts: build_info": "counts have version 2, which the marts do not show; run `make dbt`"}


def test_marts_of_an_earlier_fill_are_not_checked(settings: Settings) -> None:
    execute(settings, "update silver.bookmark set filled_at = filled_at + interval '1 second'")
    try:
        found = problems(settings)
    finally:
        execute(settings, "update silver.bookmark set filled_at = filled_at - interval '1 second'")
    assert list(found) == ["marts"]
    assert "filled again" in found["marts"]


def test_a_range_leaves_out_what_tells_of_all_time(settings: Settings) -> None:
    second = START.timestamp()
    checks = check_marts(settings, Scope(second, second + 3_600), patience_seconds=0)
    assert [check.name.split()[1] for check in checks] == [
        "build_info",
        *("product_views", "action_counts", "payment_errors", "traffic"),
    ]
    assert {check.verdict for check in checks} == {Verdict.OK}


def test_the_audit_can_write_nothing_but_its_own_table(settings: Settings) -> None:
    with database_snapshot(settings, "create temporary table own (n int) on commit drop") as cursor:
        cursor.execute("insert into own values (1)")
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            cursor.execute("delete from marts.bots")
