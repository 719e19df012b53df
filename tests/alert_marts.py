"""A database with a mart of shares, minute by minute, which tests fill, and the alerts' tables beside it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from lake.settings import Settings
from stack.servers import postgres
from stack.servers.migrations import migrate

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
TABLES = """
drop table if exists marts.shares, marts.build_info;
create table marts.shares (window_start timestamptz primary key, part bigint, whole bigint);
create table marts.build_info (version bigint, whole_until timestamptz);
"""
EMPTY = "truncate ops.state, ops.alerts, ops.alert_messages, ops.alert_deliveries, ops.silences"


def marts_of(stack_settings: Settings, database: str) -> Settings:
    """Return settings of an own database with empty marts and no alerts."""
    settings = replace(stack_settings, postgres_database=database)
    migrate(settings)
    run(settings, "dbt", TABLES)
    run(settings, "watch", EMPTY)
    return settings


def run(settings: Settings, role: str, sql: str) -> None:
    with closing(postgres.connect(settings, role)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def show(settings: Settings, version: int, until: float, shares: dict[float, tuple[int, int]]) -> None:
    """Publish a version of the marts: part and whole of some minutes (epoch seconds of their start)."""
    rows = ", ".join(f"(to_timestamp({at}), {part}, {whole})" for at, (part, whole) in shares.items())
    run(
        settings,
        "dbt",
        f"insert into marts.shares values {rows} on conflict (window_start) do update "
        "set (part, whole) = (excluded.part, excluded.whole);"
        f"delete from marts.build_info; insert into marts.build_info values ({version}, to_timestamp({until}))",
    )


def stack_is(settings: Settings, looked_at: float, unfinished: str, state: str = "well") -> None:
    """Have the lookout have seen the stack."""
    run(
        settings,
        "watch",
        "delete from ops.state; insert into ops.state (looked_at, state, problems, unknown, unfinished, report) "
        f"values (to_timestamp({looked_at}), '{state}', '{{a disk is full}}', '{{}}', '{unfinished}', '{{}}')",
    )


def messages(settings: Settings) -> list[tuple[object, ...]]:
    """Kind and rules of each message, in order."""
    return postgres.query(
        settings,
        "analyst",
        "select kind, jsonb_path_query_array(content, '$[*].rule')::text from ops.alert_messages "
        "order by written_at, kind desc",
    )


def alerts(settings: Settings, columns: str) -> list[tuple[object, ...]]:
    return postgres.query(settings, "charts", f"select {columns} from ops.alerts order by opened_at, rule, subject")
