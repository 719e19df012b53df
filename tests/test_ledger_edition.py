"""A ledger that was counted by an older edition says what to run, and one replay of everything brings it into line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from frames import START, line
from lakes import append_batch
from pyspark.sql import SparkSession
from settings_in import settings_in

from audit.check import Verdict
from audit.scope import Scope
from audit.verify import verify
from lake.contracts import LEDGER, MEASURES, edition, names
from lake.contracts.edition import EDITION_PROPERTY, Edition
from lake.requests import ReplayRequest, ask
from lake.settings import Settings, load_settings
from lake.url_rules import load_url_rules
from spark import failpoints
from spark.errands.replay_records import replays
from spark.pipeline import Pipeline
from spark.tables.delta import properties, set_properties

MIDNIGHT = int(START.replace(hour=0).timestamp())
DAY = 86_400


@pytest.fixture
def counted(session: SparkSession, tmp_path: Path) -> Settings:
    """A lake of one day, counted, with rules of its own."""
    rules = tmp_path / "urls.yml"
    rules.write_text(load_settings().rules_file.read_text())
    settings = settings_in(tmp_path, WEBLAKE_RULES=str(rules))
    append_batch(session, settings, [line("/offer/7"), line("/product/8")])
    Pipeline(session, settings).count()
    return settings


def advice(session: SparkSession, settings: Settings) -> str | None:
    return Pipeline(session, settings).progress.silver.advice


def noted(session: SparkSession, settings: Settings) -> Edition:
    return Edition.parse(properties(session, settings.ledger)[EDITION_PROPERTY])


def offers_are_products(settings: Settings) -> None:
    rule = "rules:\n  - action: view_product\n    pattern: '^/offer/(?<product>[^/?]+)'\n"
    settings.rules_file.write_text(settings.rules_file.read_text().replace("rules:\n", rule, 1))


def after(pipeline: Pipeline, settings: Settings, request: ReplayRequest) -> str | None:
    """Return what the stream says is to be run after a replay."""
    ask(settings.requests, request)
    pipeline.count()
    return pipeline.progress.silver.advice


def test_a_new_ledger_is_of_todays_edition(session: SparkSession, counted: Settings) -> None:
    assert noted(session, counted) == Edition.of_today(counted)
    assert advice(session, counted) is None


def test_other_rules_ask_for_one_replay_of_everything(session: SparkSession, counted: Settings) -> None:
    offers_are_products(counted)
    stream = Pipeline(session, counted)
    said = stream.progress.silver.advice
    assert said is not None
    assert "today's urls.yml" in said
    assert "make replay FROM=2026-01-01 TO=2026-01-02" in said
    assert after(stream, counted, ReplayRequest("part", MIDNIGHT, MIDNIGHT + DAY // 2)) == said
    assert after(stream, counted, ReplayRequest("dry", MIDNIGHT, MIDNIGHT + DAY, dry_run=True)) == said
    assert after(stream, counted, ReplayRequest("all", MIDNIGHT, MIDNIGHT + DAY)) is None
    assert noted(session, counted) == Edition.of_today(counted)


def test_rules_that_are_edited_during_a_replay_are_not_its_rules(
    session: SparkSession, counted: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    offers_are_products(counted)
    stream, by_these = Pipeline(session, counted), Edition.of_today(counted)

    def edit(point: str) -> None:
        if point == "replay-after-piece":
            counted.rules_file.write_text("rules: []\nactions: [view_product]\n")

    monkeypatch.setattr(failpoints, "reach", edit)
    after(stream, counted, ReplayRequest("all", MIDNIGHT, MIDNIGHT + DAY))
    (record,) = replays(session, counted)
    assert record.rules == by_these.rules
    assert noted(session, counted) == by_these


def test_a_ledger_that_says_nothing_is_known_by_its_columns(session: SparkSession, counted: Settings) -> None:
    session.sql(f"alter table delta.`{counted.ledger}` unset tblproperties ('{EDITION_PROPERTY}')")
    known = Edition.of_columns(names(LEDGER))
    assert bool(advice(session, counted)) == bool(known.changes_to(Edition.of_today(counted)))
    assert noted(session, counted) == known


def test_a_measure_that_the_past_was_counted_without_is_named(session: SparkSession, counted: Settings) -> None:
    older = Edition.of_columns(set(names(MEASURES)) - {"posts"})
    set_properties(session, counted.ledger, {EDITION_PROPERTY: older.as_text()})
    assert "without the measure posts" in str(advice(session, counted))


def test_other_settings_of_reading_ask_for_a_replay_and_fail_nothing(
    session: SparkSession, counted: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edition, "READING_SETTINGS", ("CHARTS_SECONDS",))  # as if charts were read from logs
    by_others = replace(Edition.of_today(counted), settings={"CHARTS_SECONDS": "7"})
    set_properties(session, counted.ledger, {EDITION_PROPERTY: by_others.as_text()})
    stream = Pipeline(session, counted)
    said = stream.progress.silver.advice
    assert said is not None
    assert "without today's setting CHARTS_SECONDS=60: run `make replay FROM=2025-12-30 TO=2026-01-04`" in said
    report = verify(session, counted, load_url_rules(counted.rules_file), Scope(), is_deep=True)
    session.conf.set("spark.sql.shuffle.partitions", "2")
    deep = next(check for check in report.checks if check.name == "deep")
    assert (deep.verdict, deep.note) == (Verdict.UNCHECKED, said)
    assert not [check.name for check in report.checks if check.verdict is Verdict.FAILED]
    assert after(stream, counted, ReplayRequest("all", MIDNIGHT, MIDNIGHT + DAY)) is None
    assert noted(session, counted).settings == {"CHARTS_SECONDS": "60"}
