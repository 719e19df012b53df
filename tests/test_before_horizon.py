"""Lines from before the horizon through the real services: shown as rejected, and never counted twice."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from audited import Audit, send, traffic, wrong
from frames import event
from mirrors import execute
from pyspark.sql import SparkSession

from lake.contracts.reports import read_stream_report
from lake.requests import MaintenanceAnswer, MaintenanceRequest, ask, read_answer
from lake.retention import Retention
from lake.settings import Settings
from lake.url_rules import UrlRules
from marts.build import Marts
from spark.pipeline import Pipeline
from spark.tables.horizon import horizon_of
from stack.servers.kafka import create_topic
from stack.servers.postgres import query

pytestmark = pytest.mark.stack

EVENTS = "select sum(events)::int from silver.window_counts where dimension = 'all'"
REJECTED = "select coalesce(sum(records), 0)::int from marts.rejected where reason = 'before_horizon'"


@pytest.fixture
def settings(stack_settings: Settings, tmp_path: Path) -> Settings:
    own = replace(
        stack_settings,
        data=tmp_path,
        lake_root=str(tmp_path / "lake"),
        kafka_topic=f"logs_{uuid.uuid4().hex}",
        retention=Retention(bronze_days=30),
    )
    create_topic(own)
    execute(own, "truncate silver.window_counts, silver.bookmark")
    return own


def number(settings: Settings, text: str) -> int:
    ((count,),) = query(settings, "dbt", text)
    return int(str(count))


def test_repeats_of_what_has_gone_are_shown_and_not_counted(
    session: SparkSession, settings: Settings, rules: UrlRules
) -> None:
    records = traffic(0)
    send(settings, records)
    Pipeline(session, settings).drain()
    events = number(settings, EVENTS)
    ask(settings.requests, MaintenanceRequest("m"))
    Pipeline(session, settings).drain()
    answer = read_answer(settings.requests, "m", MaintenanceAnswer)
    assert answer is not None
    assert answer.error is None
    horizon = horizon_of(session, settings)
    assert horizon is not None
    assert horizon.rows > 40

    # Also to a stream that keeps all from now on.
    for own in (settings, replace(settings, retention=Retention(bronze_days=0))):
        send(own, [*records, (event(event_id=f"old {own.retention.bronze_days}"), None)])
        Pipeline(session, own).drain()
    Marts(settings).run("--full-refresh")
    shuffle = str(session.conf.get("spark.sql.shuffle.partitions"))
    checks = Audit(session, settings, rules)(deep=True)
    session.conf.set("spark.sql.shuffle.partitions", shuffle)
    assert wrong(checks) == {}
    assert "gone with the days before the horizon" in " ".join(check.note for check in checks.values())
    without_id = sum(1 for value, header in records if value and value.startswith(b"203.0.113.9") and not header)
    assert number(settings, EVENTS) - events <= 2 * without_id
    shown = number(settings, REJECTED)
    in_bronze = session.read.format("delta").load(settings.bronze).filter("reject_reason = 'before_horizon'").count()
    assert shown == in_bronze
    assert shown >= 2 * (horizon.rows + 1)
    report = read_stream_report(settings.stream_file)
    assert report is not None
    assert report.bronze.rows == horizon.rows + session.read.format("delta").load(settings.bronze).count()
