"""The audit of bronze and the ledger, on lakes without services: its account of rows, and rules that it cannot read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from frames import event, iso
from lakes import append_batch
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from settings_in import settings_in

from audit import facts, ledger, verify
from audit.check import Check, Verdict
from audit.lake import pin
from audit.oracle import agents, clients
from audit.scope import Scope
from lake.settings import Settings, load_settings
from lake.url_rules import UrlRules
from spark.pipeline import Pipeline
from spark.tables.delta import skip_once, snapshot


@pytest.fixture
def settings(session: SparkSession, tmp_path: Path) -> Iterator[Settings]:
    """A lake of three events in two windows, counted."""
    ranges = tmp_path / "ranges.csv"
    ranges.write_text(load_settings().ranges_file.read_text())
    own = settings_in(tmp_path, WEBLAKE_RANGES=str(ranges))
    append_batch(session, own, [event(event_id=f"e-{n}", timestamp=iso(second)) for n, second in enumerate((0, 1, 11))])
    Pipeline(session, own).count()
    shuffle = str(session.conf.get("spark.sql.shuffle.partitions"))
    yield own
    session.conf.set("spark.sql.shuffle.partitions", shuffle)


def account(session: SparkSession, settings: Settings) -> Check:
    return ledger.check_counts(pin(session, settings)[0], Scope())[0]


def test_rows_of_a_window_that_a_replay_has_corrected_are_in_the_account(
    session: SparkSession, settings: Settings
) -> None:
    entries = session.read.format("delta").load(settings.ledger)
    extra = entries.filter("dimension = 'all' and second(window_start) = 0").withColumn("cause", F.lit("replay"))
    extra.coalesce(1).write.format("delta").mode("append").save(settings.ledger)
    check = account(session, settings)
    assert check.verdict is Verdict.OK
    assert (check.left, check.right) == (
        "3 rows",
        "1 counted + 0 duplicates + 0 rejected + 2 rows in 1 replayed window left out",
    )


def test_a_row_that_both_sides_have_lost_is_missed_in_the_account(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_batch(session, settings, [event(event_id="lost", timestamp=iso(21))])
    bronze = snapshot(session, settings.bronze)
    skip_once(session, settings.ledger, f"silver:{bronze.table_id}", bronze.version)

    def facts_without_it(frame: DataFrame, *arguments: object) -> DataFrame:
        return facts.parsed_facts(frame.filter("event_id <> 'lost'"), *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ledger, "parsed_facts", facts_without_it)
    checks = ledger.check_counts(pin(session, settings)[0], Scope())
    assert {check.name: check.note for check in checks if check.verdict is not Verdict.OK} == {
        "bronze: rows": "4 rows, but 3 accounted for"
    }


def test_an_id_that_is_no_text_stops_no_deep_audit(session: SparkSession, settings: Settings, rules: UrlRules) -> None:
    bronze = session.read.format("delta").load(settings.bronze)
    odd = bronze.withColumn("event_id", F.concat(F.unhex(F.lit("ff")), F.col("event_id").cast("binary")).cast("string"))
    ids = facts.read_again(odd, rules, clients(settings.ranges_file)).select("event_id").collect()
    assert sorted(row.event_id for row in ids) == ["\ufffde-0", "\ufffde-1", "\ufffde-2"]


@pytest.mark.parametrize("damaged", ["agents.yml", "ranges.csv"])
def test_rules_that_cannot_be_read_fail_the_checks_that_need_them_and_say_so(
    damaged: str,
    session: SparkSession,
    settings: Settings,
    rules: UrlRules,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for check in ("check_records", "check_mirror", "check_on_record", "check_marts"):
        monkeypatch.setattr(verify, check, lambda *_, **__: [])
    if damaged == "agents.yml":
        monkeypatch.setattr(agents, "AGENTS_FILE", tmp_path / damaged)
    (tmp_path / damaged).write_text("operator,cidr\ngoogle,nowhere\n")
    agents._words.cache_clear()
    try:
        report = verify.verify(session, settings, rules, Scope(), is_deep=True)
    finally:
        agents._words.cache_clear()
    notes = {check.name: check.note for check in report.checks if check.verdict is Verdict.FAILED}
    assert str(tmp_path / damaged) in notes["ledger"]
    assert "the lake cannot be read" not in notes["ledger"]
