"""How far a replay reaches: to rows that on arrival were of another time, or of no client that anybody could read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from frames import START, at, event, iso
from lakes import append_batch, sums
from pyspark.sql import SparkSession
from settings_in import settings_in

from audit.check import Verdict
from audit.lake import pin
from audit.ledger import check_deeply
from audit.scope import Scope
from lake.contracts.records import ReplayRecord
from lake.requests import ReplayAnswer, ReplayRequest, ask, read_answer
from lake.settings import Settings
from lake.url_rules import load_rules
from spark.pipeline import Pipeline

MIDNIGHT, HOUR, DAY = int(START.replace(hour=0).timestamp()), 3600, 86_400
CLIENT = "198.51.100.1"


def replay(session: SparkSession, settings: Settings, request: ReplayRequest) -> ReplayRecord:
    ask(settings.requests, request)
    Pipeline(session, settings).count()
    answer = read_answer(settings.requests, request.id, ReplayAnswer)
    assert answer is not None
    return answer.outcome()


def counted(session: SparkSession, settings: Settings, dimension: str) -> dict[float, int]:
    """The ledger's sums of a dimension by window, in seconds after the start; none that are 0."""
    cells = [row for row in sums(session, settings) if row.dimension == dimension and row.events]
    return {(row.window_start - at(0).replace(tzinfo=None)).total_seconds(): row.events for row in cells}


def test_a_time_that_was_read_by_a_former_zone_stays_within_reach(session: SparkSession, tmp_path: Path) -> None:
    in_tokyo = settings_in(tmp_path, LOG_TIMEZONE="Asia/Tokyo")
    append_batch(session, in_tokyo, [event(timestamp="2026-01-02T01:00:00")], ingested=DAY)
    Pipeline(session, in_tokyo).count()
    assert counted(session, in_tokyo, "all") == {4 * HOUR: 1}
    in_utc = replace(in_tokyo, log_timezone="UTC")
    replay(session, in_utc, ReplayRequest("all", MIDNIGHT, MIDNIGHT + 3 * DAY))
    assert counted(session, in_utc, "all") == {13 * HOUR: 1}

    hours = (MIDNIGHT + DAY, MIDNIGHT + DAY + 2 * HOUR)
    assert replay(session, in_utc, ReplayRequest("hours", *hours)).corrections == 0
    checks = check_deeply(pin(session, in_utc)[0], Scope(*hours), load_rules(in_utc))
    session.conf.set("spark.sql.shuffle.partitions", "2")
    assert [check.note for check in checks if check.verdict is not Verdict.OK] == []


def test_a_replay_of_a_client_counts_its_records_that_were_rejected(session: SparkSession, tmp_path: Path) -> None:
    """Nobody had read their client on arrival."""
    settings = settings_in(tmp_path)
    early = [event(event_id=name, timestamp=iso(2 * HOUR), ip_address=name) for name in (CLIENT, "198.51.100.2")]
    append_batch(session, settings, early)
    Pipeline(session, settings).count()
    assert counted(session, settings, "rejected") == {30: 2}
    patient = replace(settings, future_seconds=2 * HOUR)
    replay(session, patient, ReplayRequest("client", MIDNIGHT, MIDNIGHT + DAY, client=CLIENT))
    assert counted(session, patient, "rejected") == {}
    assert counted(session, patient, "all") == {2 * HOUR: 2}
