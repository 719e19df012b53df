"""Errands on a small lake, what the audit says of it, and what of a client is left: for tests of the horizon."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest
from frames import records
from lakes import sums
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from audit.check import Check, Verdict
from audit.explain import raw_records
from audit.lake import pin
from audit.ledger import check_counts, check_deeply
from audit.past import check_past
from audit.scope import Scope
from lake.contracts import BRONZE, names
from lake.contracts.records import BY_HAND, Change
from lake.requests import (
    MaintenanceAnswer,
    MaintenanceRequest,
    ReplayAnswer,
    ReplayRequest,
    VerdictAnswer,
    VerdictRequest,
    ask,
    read_answer,
)
from lake.settings import Settings
from lake.url_rules import load_rules
from spark.events.parse import parse_records
from spark.pipeline import Pipeline
from spark.tables.delta import append_once, snapshot

CLIENT = "198.51.100.1"


def keeping_since(day: dt.date, settings: Settings) -> Settings:
    today = dt.datetime.now(tz=dt.timezone.utc).date()
    return replace(settings, retention=replace(settings.retention, bronze_days=(today - day).days))


def maintain(session: SparkSession, settings: Settings) -> MaintenanceAnswer:
    ask(settings.requests, MaintenanceRequest("m"))
    Pipeline(session, settings).count()
    answer = read_answer(settings.requests, "m", MaintenanceAnswer)
    assert answer is not None
    assert (answer.done, answer.error) == (True, None)
    return answer


def replay(session: SparkSession, settings: Settings, request: ReplayRequest) -> ReplayAnswer:
    ask(settings.requests, request)
    Pipeline(session, settings).count()
    answer = read_answer(settings.requests, request.id, ReplayAnswer)
    assert answer is not None
    return answer


def decide(session: SparkSession, settings: Settings, verdict: str) -> VerdictAnswer:
    ask(settings.requests, VerdictRequest("v", BY_HAND, (Change(CLIENT, verdict),)))
    Pipeline(session, settings).count()
    answer = read_answer(settings.requests, "v", VerdictAnswer)
    assert answer is not None
    return answer


def audited(session: SparkSession, settings: Settings) -> dict[str, Check]:
    """All checks that need no server."""
    shuffle = str(session.conf.get("spark.sql.shuffle.partitions"))
    lake, checks = pin(session, settings)
    scope = Scope().since(lake.horizon.day if lake.horizon else None)
    checks += [*check_counts(lake, scope), *check_past(lake), *check_deeply(lake, Scope(), load_rules(settings))]
    session.conf.set("spark.sql.shuffle.partitions", shuffle)
    return {check.name: check for check in checks}


def wrong(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check.note for name, check in checks.items() if check.verdict is not Verdict.OK}


def days_of(session: SparkSession, settings: Settings) -> list[dt.date]:
    days = session.read.format("delta").load(settings.bronze).select("event_date").distinct()
    return sorted(row[0] for row in days.collect())


def append_rejected(session: SparkSession, settings: Settings, value: bytes, reason: str, ingested: float) -> None:
    """Append a record that an earlier version rejected, and that today's rules can read."""
    batch = snapshot(session, settings.bronze).version + 1
    parsed = parse_records(records(session, value, ingested=ingested), load_rules(settings))
    rejected = parsed.withColumns(
        {
            "kafka_offset": F.lit(1_000 + batch).cast("bigint"),
            "reject_reason": F.lit(reason),
            "window_start": F.lit(None).cast("timestamp"),
            "event_key": F.lit(None).cast("bigint"),
            "event_date": F.col("ingested_at").cast("date"),
            "batch": F.lit(batch).cast("bigint"),
        }
    )
    append_once(rejected.select(*names(BRONZE)), settings.bronze, "test", batch)


def rejections(session: SparkSession, settings: Settings) -> dict[str, int]:
    numbers: Counter[str] = Counter()
    for row in sums(session, settings):
        numbers[row.key] += row.events if row.dimension == "rejected" else 0
    return {key: number for key, number in numbers.items() if number}


def raw_records_of(session: SparkSession, settings: Settings) -> str:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("audit.explain.quiet_session", lambda *_: _Lent(session))
        title = raw_records(settings, CLIENT, 1).as_lines()[0]
    return title.partition(" on ")[0]


class _Lent:
    """The tests' session, which does not end with who used it."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session

    def __enter__(self) -> SparkSession:
        return self._session

    def __exit__(self, *_: object) -> None:
        pass
