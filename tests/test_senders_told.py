"""What status is told of senders: how far a clock runs ahead, and that actions are named that nobody listed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from frames import at, event, iso, line
from lakes import append_batch
from pyspark.sql import SparkSession
from settings_in import settings_in

from lake.contracts.reports import BronzeReport, SilverReport, StreamReport
from spark.pipeline import Pipeline
from spark.source.clocks import seconds_ahead
from spark.tables.delta import commit_actions, skip_once, snapshot
from stack.health.lags import clock_ahead, unlisted_share


def test_it_is_known_how_far_the_clock_of_a_rejected_record_is_ahead(session: SparkSession, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    ahead = []
    batches = (
        [event(), event(timestamp=iso(300)), b"garbage"],
        [event(), event(timestamp=iso(390)), event(timestamp=iso(3630)), event(timestamp="9999-12-31T23:59:59Z")],
        [b"garbage", line(**{"01/Jan/2026": "01/Foo/2026"})],
    )
    for batch in batches:
        append_batch(session, settings, batch, ingested=30)
        version = snapshot(session, settings.bronze).version
        ahead.append(seconds_ahead(session, settings, commit_actions(session, settings.bronze, version)))
    assert ahead == [0.0, 3600.0, 0.0]


def test_a_clock_is_told_of_for_an_hour() -> None:
    stream = StreamReport(bronze=BronzeReport(clock_ahead_seconds=400.0, clock_ahead_at=1000.0))
    assert clock_ahead(stream, 4600.0) == 400.0
    assert clock_ahead(stream, 4601.0) == 0.0
    assert clock_ahead(StreamReport(), 0.0) == clock_ahead(None, 0.0) == 0.0


def test_actions_that_nobody_listed_are_told_of_for_an_hour() -> None:
    stream = StreamReport(silver=SilverReport(named=80, unlisted=20, unlisted_at=1000.0))
    assert unlisted_share(stream, 4600.0) == 0.25
    assert unlisted_share(stream, 4601.0) == 0.0
    assert unlisted_share(StreamReport(silver=SilverReport(named=9, unlisted=9, unlisted_at=1000.0)), 1000.0) == 0.0
    assert unlisted_share(StreamReport(), 0.0) == unlisted_share(None, 0.0) == 0.0


def test_the_ledger_reports_a_batch_with_actions_that_nobody_listed(session: SparkSession, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    append_batch(session, settings, [event(), event(event_id="e-2", action="search"), line("/"), line("/")])
    pipeline = Pipeline(session, settings)
    pipeline.count()
    silver = pipeline.progress.silver
    assert (silver.named, silver.unlisted, silver.unlisted_at) == (2, 1, at(30).timestamp())
    skip_once(session, settings.bronze, "test", snapshot(session, settings.bronze).version + 1)
    pipeline.progress.report_silver(lambda silver: replace(silver, unlisted=0))
    pipeline.count()
    assert pipeline.progress.silver.unlisted == 0, "a batch without records named none"


def test_an_action_other_that_is_listed_is_not_told_of(session: SparkSession, tmp_path: Path) -> None:
    rules = tmp_path / "urls.yml"
    rules.write_text("rules: []\nactions: [view_product, other]\n")
    settings = settings_in(tmp_path, WEBLAKE_RULES=str(rules))
    append_batch(session, settings, [event(), event(event_id="e-2", action="other")])
    pipeline = Pipeline(session, settings)
    pipeline.count()
    assert pipeline.progress.silver.unlisted == 0
