"""Rejected records in the ledger: a dimension of their own, which replays, erasures and the audit treat like others."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from frames import START, at, event, line
from lakes import append_batch
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from settings_in import settings_in

from audit.check import Verdict
from audit.lake import pin
from audit.ledger import check_counts, check_deeply
from audit.scope import Scope
from lake.contracts import COUNTS, REJECTED, names
from lake.contracts.edition import EDITION_PROPERTY, Edition
from lake.requests import ReplayAnswer, ReplayRequest, ask, read_answer, withdraw
from lake.settings import Settings, load_settings
from lake.url_rules import load_url_rules
from spark.errands.erasure import erase_on_record
from spark.events.rejections import count_rejected
from spark.pipeline import Pipeline
from spark.tables.delta import set_properties

MIDNIGHT, DAY = int(START.replace(hour=0).timestamp()), 86_400


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A lake with rules of its own."""
    rules = tmp_path / "urls.yml"
    rules.write_text(load_settings().rules_file.read_text())
    return settings_in(tmp_path, WEBLAKE_RULES=str(rules))


def rejected(session: SparkSession, settings: Settings) -> dict[tuple[int, str], int]:
    """The ledger's sums of rejected records, by window (seconds after the start) and key; none that are 0."""
    ledger = session.read.format("delta").load(settings.ledger).filter(F.col("dimension") == REJECTED.name)
    sums: Counter[tuple[int, str]] = Counter()
    for row in ledger.collect():
        sums[(int((row["window_start"] - at(0).replace(tzinfo=None)).total_seconds()), row["key"])] += row["events"]
    return {cell: number for cell, number in sums.items() if number}


def wrong(session: SparkSession, settings: Settings) -> list[str]:
    """What verify finds, by bronze's columns and by the raw bytes."""
    lake, checks = pin(session, settings)
    checks += check_counts(lake, Scope())
    checks += check_deeply(lake, Scope(), load_url_rules(settings.rules_file))
    session.conf.set("spark.sql.shuffle.partitions", "2")
    return [f"{check.name}: {check.note}" for check in checks if check.verdict is not Verdict.OK]


def replay(session: SparkSession, settings: Settings, request: ReplayRequest) -> None:
    ask(settings.requests, request)
    Pipeline(session, settings).count()
    answer = read_answer(settings.requests, request.id, ReplayAnswer)
    assert answer is not None
    assert answer.outcome().id == request.id
    withdraw(settings.requests, request.id)


def test_they_are_counted_by_reason_and_format_in_the_window_in_which_they_came(session: SparkSession) -> None:
    columns = "reject_reason string, format string, ingested_at timestamp"
    came = [
        ("not_json", None, at(9.999)),
        ("not_json", None, at(0)),
        ("time_in_future", "json", at(10)),
        ("not_json", None, at(10)),
    ]
    counted = count_rejected(session.createDataFrame(came, columns))
    assert counted.columns == names(COUNTS)
    cells = {(row["key"], row["events"], row["views"], row["is_bot"]) for row in counted.collect()}
    assert cells == {
        ("not_json|none", 2, 0, False),
        ("time_in_future|json", 1, 0, False),
        ("not_json|none", 1, 0, False),
    }


def test_each_batch_appends_them_beside_what_counts(session: SparkSession, settings: Settings) -> None:
    append_batch(session, settings, [event(), b"one", b"{two", event(timestamp="soon")], ingested=31)
    append_batch(session, settings, [b"three"], ingested=35)
    append_batch(session, settings, [event(event_id="b")], ingested=60)
    Pipeline(session, settings).count()
    assert rejected(session, settings) == {
        (30, "not_a_log_line|none"): 2,
        (30, "not_json|none"): 1,
        (30, "unreadable_time|json"): 1,
    }
    ledger = session.read.format("delta").load(settings.ledger)
    assert ledger.filter("dimension = 'all'").agg(F.sum("events")).collect()[0][0] == 2
    assert wrong(session, settings) == []


def test_a_replay_takes_out_what_it_counts_and_puts_in_what_it_rejects(
    session: SparkSession, settings: Settings
) -> None:
    """An older Weblake read two records otherwise, of which the events are of another day than their ingestion."""
    append_batch(session, settings, [event(event_id="a"), event(event_id="b")], ingested=2 * DAY)
    append_batch(session, settings, [b"garbage", b"more"], ingested=2 * DAY + 3)
    bronze = f"update delta.`{settings.bronze}` set event_date = date'{{0}}', window_start = {{1}}, {{2}} where {{3}}"
    window = "timestamp'2026-01-01 12:00:00'"
    session.sql(bronze.format("2026-01-03", "null", "reject_reason = 'invalid_ip'", "event_id = 'a'"))
    counts = "reject_reason = null, action = 'other', ip_address = '::1', format = 'access_log'"
    session.sql(bronze.format("2026-01-01", window, counts, "value = cast('garbage' as binary)"))
    Pipeline(session, settings).count()
    before = {(2 * DAY, "not_a_log_line|none"): 1, (2 * DAY, "invalid_ip|json"): 1}
    assert rejected(session, settings) == before

    replay(session, settings, ReplayRequest("all", MIDNIGHT, MIDNIGHT + 3 * DAY))
    assert rejected(session, settings) == {(2 * DAY, "not_a_log_line|none"): 2}
    assert wrong(session, settings) == []
    replay(session, settings, ReplayRequest("part", MIDNIGHT, MIDNIGHT + DAY))
    assert wrong(session, settings) == []
    replay(session, settings, ReplayRequest("back", 0, 0, undo="all"))
    assert rejected(session, settings) == before


def test_erasure_empties_them_and_leaves_their_counts(session: SparkSession, settings: Settings) -> None:
    append_batch(session, settings, [b"{of 198.51.100.7", line("/", **{"203.0.113.7": "198.51.100.7", "Jan": "Foo"})])
    Pipeline(session, settings).count()
    before = rejected(session, settings)
    assert set(before) == {(30, "not_json|none"), (30, "unreadable_time|access_log")}
    erase_on_record(session, settings, "198.51.100.7", "")
    bronze = session.read.format("delta").load(settings.bronze)
    assert [bytes(row["value"]) for row in bronze.collect()] == [b"", b""]
    assert wrong(session, settings) == []
    replay(session, settings, ReplayRequest("all", MIDNIGHT, MIDNIGHT + DAY))
    assert rejected(session, settings) == before


def test_an_erased_record_counts_for_the_reason_of_the_replay_that_counted_it(
    session: SparkSession, settings: Settings
) -> None:
    append_batch(session, settings, [b"{of 198.51.100.7", b"{of another"])
    session.sql(f"update delta.`{settings.bronze}` set reject_reason = 'trailing_bytes'")  # as an older Weblake read it
    Pipeline(session, settings).count()
    assert rejected(session, settings) == {(30, "trailing_bytes|none"): 2}
    assert any(finding.startswith("deep: reject reasons: ") for finding in wrong(session, settings))
    replay(session, settings, ReplayRequest("all", MIDNIGHT, MIDNIGHT + DAY))
    assert rejected(session, settings) == {(30, "not_json|none"): 2}
    erase_on_record(session, settings, "198.51.100.7", "")
    assert wrong(session, settings) == []


def test_a_lake_that_was_counted_without_them_says_which_replay_brings_them(
    session: SparkSession, settings: Settings
) -> None:
    """The replay that it names takes in the day on which they came, which is none that the ledger has."""
    append_batch(session, settings, [event(), b"garbage"], ingested=5 * DAY)
    Pipeline(session, settings).count()
    session.sql(f"delete from delta.`{settings.ledger}` where dimension = 'rejected'")
    today = Edition.of_today(settings)
    older = replace(today, dimensions=tuple(name for name in today.dimensions if name != REJECTED.name))
    set_properties(session, settings.ledger, {EDITION_PROPERTY: older.as_text()})
    stream = Pipeline(session, settings)
    assert stream.progress.silver.advice == (
        "the past was counted without the dimension rejected: run `make replay FROM=2026-01-01 TO=2026-01-07` once to "
        "count it again"
    )
    ask(settings.requests, ReplayRequest("all", MIDNIGHT, MIDNIGHT + 6 * DAY))
    stream.count()
    assert stream.progress.silver.advice is None
    assert rejected(session, settings) == {(5 * DAY, "not_a_log_line|none"): 1}
    assert wrong(session, settings) == []


def test_verify_names_a_cell_that_is_wrong(session: SparkSession, settings: Settings) -> None:
    append_batch(session, settings, [b"one", b"two"], ingested=30)
    Pipeline(session, settings).count()
    session.sql(f"update delta.`{settings.ledger}` set events = 3 where dimension = 'rejected'")
    (first, second) = wrong(session, settings)
    assert first == (
        "ledger: rejected: first: window 2026-01-01 12:00:30Z, rejected 'not_a_log_line|none': "
        "2 from bronze, 3 in the ledger; 1 of 1 cell differ"
    )
    assert second.startswith("deep: ledger: rejected: first: ")
