"""What PostgreSQL holds, as metrics, seen by role ``watch``: the marts, and the bytes of each schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from psycopg2.extensions import cursor as Cursor

from lake.contracts.mirror import MIRROR_SCHEMA
from lake.contracts.ops import OPS_SCHEMA
from lake.settings import Settings
from stack.metrics.families import gauge, single
from stack.servers.migrations import STAGING
from stack.servers.postgres import connect
from stack.servers.roles import MARTS, WATCH
from stack.status import Status

PATIENCE_MS = 2_000
OURS = (MIRROR_SCHEMA, STAGING, MARTS, OPS_SCHEMA)
BYTES = """
    select case when nspname = any(%s) then nspname else 'other' end, sum(pg_total_relation_size(tables.oid))::float8
    from pg_class tables
    join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'm') and nspname not in ('pg_catalog', 'information_schema')
    group by 1
"""
BUILT = "select version::float8, extract(epoch from built_at)::float8 from marts.build_info"
COUNTED = "select extract(epoch from counted_until)::float8 from marts.freshness"
LATE = "select sum(late_events)::float8 from marts.traffic"
REJECTED = "select reason, format, sum(records)::float8 from marts.rejected group by 1, 2"
VERDICTS = "select verdict, decided_by, count(*)::float8 from marts.verdict_history where is_last group by 1, 2"
REPLAYS = "select count(*)::float8 from marts.restatements"


def schemas(settings: Settings, _: Status | None) -> Iterator[Metric]:
    """Yield the bytes of each schema; those of sandboxes are added up, for their names are people's."""
    with closing(connect(settings, WATCH)) as connection, connection.cursor() as cursor:
        cursor.execute(f"set statement_timeout = {PATIENCE_MS}")
        cursor.execute(BYTES, (list(OURS),))
        sizes = dict.fromkeys(OURS, 0.0) | dict(cursor.fetchall())
    yield gauge("weblake_postgres_schema_bytes", "Bytes of its tables and their indexes", sizes, "schema")


def marts(settings: Settings, _: Status | None) -> Iterator[Metric]:
    """Yield what the marts show, and what is in them; nothing where there are none yet."""
    with closing(connect(settings, WATCH)) as connection, connection.cursor() as cursor:
        cursor.execute(f"set statement_timeout = {PATIENCE_MS}")
        cursor.execute("select to_regclass('marts.build_info') is not null")
        if cursor.fetchone() == (True,):
            yield from _marts(cursor)


def _marts(cursor: Cursor) -> Iterator[Metric]:
    version, built_at = _row(cursor, BUILT)
    yield single("weblake_marts_version", "Version of the ledger that the marts show", version)
    yield single("weblake_marts_built_timestamp_seconds", "When the marts were last built", built_at)
    (counted_until,) = _row(cursor, COUNTED)
    meaning = "When Kafka got the newest record that the marts show"
    yield single("weblake_marts_newest_record_timestamp_seconds", meaning, counted_until)
    yield single("weblake_late_events", "Events that came more than ten minutes late", _row(cursor, LATE)[0] or 0.0)
    rejected = _pairs(cursor, REJECTED, "weblake_rejected_records", "Records that count nowhere", ["reason", "format"])
    yield rejected
    words = "Clients on which there is a verdict"
    yield _pairs(cursor, VERDICTS, "weblake_verdicts", words, ["verdict", "decided_by"])
    replays = CounterMetricFamily("weblake_replays", "Replays on record, and undoings of them")
    replays.add_metric([], _row(cursor, REPLAYS)[0] or 0.0)
    yield replays


def _row(cursor: Cursor, query: str) -> tuple[float | None, ...]:
    """Return the only row; its values are None where there is none."""
    cursor.execute(query)
    columns = cursor.description or ()
    return cursor.fetchone() or (None,) * len(columns)


def _pairs(cursor: Cursor, query: str, name: str, meaning: str, labels: list[str]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    cursor.execute(query)
    for *values, number in cursor.fetchall():
        family.add_metric(values, number)
    return family
