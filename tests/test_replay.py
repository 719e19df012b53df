"""Replay: the ledger follows the rules of today, exactly, and every restatement can be undone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from oracle import count
from pyspark.sql import SparkSession
from streaming import cells, event, in_order, send, settings, traffic

from lake.contracts.edition import Edition
from lake.contracts.records import ReplayRecord
from lake.errors import LakeError
from lake.requests import ReplayAnswer, ReplayRequest, ask, read_answer
from lake.settings import Settings
from spark.errands import replays as replay
from spark.errands.replay_records import replays, undone_replay
from spark.pipeline import Pipeline
from stack.servers.postgres import query

pytestmark = pytest.mark.stack
__all__ = ["settings"]

YEAR = 366 * 86_400


@pytest.fixture
def ruled(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """The settings with a rules file that the test may change."""
    own = tmp_path / "rules.yml"
    own.write_text(settings.rules_file.read_text())
    yield replace(settings, rules_file=own)


def filters_are_views(settings: Settings) -> None:
    text = settings.rules_file.read_text()
    wrong = "rules:\n  - action: view_product\n    pattern: '^/filter/(?<product>[^/?]+)'\n"
    settings.rules_file.write_text(text.replace("rules:\n", wrong, 1))


def ask_and_do(session: SparkSession, settings: Settings, request: ReplayRequest) -> ReplayAnswer:
    ask(settings.requests, request)
    Pipeline(session, settings).rebuild()
    answer = read_answer(settings.requests, request.id, ReplayAnswer)
    assert answer is not None
    assert answer.done
    return answer


def replay_of(session: SparkSession, settings: Settings, request: ReplayRequest) -> ReplayRecord:
    return ask_and_do(session, settings, request).outcome()


def last_year(request_id: str, **fields: Any) -> ReplayRequest:
    now = int(time.time() // 10 * 10)
    return ReplayRequest(request_id, now - 2 * YEAR, now + 600, **fields)


def assert_on_record(session: SparkSession, settings: Settings) -> None:
    """Require that PostgreSQL has a row for each replay, even if it corrected nothing, and none for a dry run."""
    assert query(settings, "dbt", "select id, undo_of, corrections::int from silver.replay_records order by id") == [
        (record.id, record.undo, record.corrections) for record in replays(session, settings)
    ]


def line(path: str, serial: int) -> tuple[bytes, str]:
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(time.time() - serial * 7))
    return f'203.0.113.9 - - [{stamp}] "GET {path} HTTP/1.1" 200 12 "-" "Firefox"'.encode(), f"filter-{serial}"


def test_a_replay_under_the_right_rules_corrects_and_can_be_undone(
    session: SparkSession, ruled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "ROWS_PER_PIECE", 90)
    right = ruled.rules_file.read_text()
    filters_are_views(ruled)
    records = [*traffic(seed=5, number=120), *(line(f"/filter/{serial % 3}", serial) for serial in range(30))]
    sent = send(ruled, [*records, *records[-10:]])
    Pipeline(session, ruled).drain()
    wrong = cells(ruled)
    expected = count(in_order(sent))[0]
    assert wrong != expected

    ruled.rules_file.write_text(right)
    preview = replay_of(session, ruled, last_year("a", dry_run=True))
    assert preview.moved["views"] == -30
    assert cells(ruled) == wrong
    applied = replay_of(session, ruled, last_year("b"))
    assert applied.corrections == preview.corrections > 0
    assert {cell: number for cell, number in cells(ruled).items() if number} == expected

    assert replay_of(session, ruled, ReplayRequest("p", 0, 0, dry_run=True, undo="b")).moved["views"] == 30
    assert {cell: number for cell, number in cells(ruled).items() if number} == expected
    ask_and_do(session, ruled, ReplayRequest("d", 0, 0, undo="b"))
    assert {cell: number for cell, number in cells(ruled).items() if number} == wrong
    assert "was already undone" in str(ask_and_do(session, ruled, ReplayRequest("e", 0, 0, undo="b")).error)
    assert [(record.id, record.corrections > 0) for record in replays(session, ruled)] == [("b", True), ("d", True)]
    assert_on_record(session, ruled)


def test_an_action_added_to_the_rules_gets_the_events_that_name_it(session: SparkSession, ruled: Settings) -> None:
    send(
        ruled,
        [(event(60, "a"), None), (event(90, "b", action="search"), None), (event(90, "b", action="search"), None)],
    )
    Pipeline(session, ruled).drain()
    assert not [cell for cell in cells(ruled) if cell[2] == "search"]
    text = ruled.rules_file.read_text()
    ruled.rules_file.write_text(text.replace("add_to_cart, checkout]", "add_to_cart, checkout, search]"))
    outcome = replay_of(session, ruled, last_year("a", reason="searches count, too"))
    assert (outcome.moved["events"], outcome.corrections > 0) == (0, True)
    (on_record,) = replays(session, ruled)
    assert on_record.reason == "searches count, too"
    assert on_record.rules == Edition.of_today(ruled).rules
    assert [number for cell, number in cells(ruled).items() if cell[2] == "search"] == [1]


def test_a_limit_that_was_raised_brings_back_what_a_clock_that_runs_ahead_has_sent(
    session: SparkSession, settings: Settings
) -> None:
    send(settings, [(event(60, "a"), None), (event(-1800, "early"), None), (event(-1800, "early"), None)])
    Pipeline(session, settings).drain()
    now = int(time.time() // 10 * 10)
    request = ReplayRequest("a", now - 600, now + 7200)
    patient = replace(settings, future_seconds=7200)
    assert replay_of(session, patient, request).moved["events"] == 1


def test_an_id_that_looks_like_a_place_is_an_id(session: SparkSession, settings: Settings) -> None:
    with closing(KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)) as producer:
        for partition in (0, 1):
            producer.send(settings.kafka_topic, event(60, "0-0"), partition=partition).get(timeout=30)
    Pipeline(session, settings).drain()
    assert replay_of(session, settings, last_year("a")).corrections == 0
    assert_on_record(session, settings)


def test_an_unknown_replay_cannot_be_undone(session: SparkSession, ruled: Settings) -> None:
    answer = ask_and_do(session, ruled, ReplayRequest("x", 0, 0, undo="none"))
    assert "make replays" in str(answer.error)


def test_an_interrupted_replay_begins_again_and_is_appended_once(
    session: SparkSession, ruled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    filters_are_views(ruled)
    sent = send(ruled, [line(f"/filter/{serial}", serial) for serial in range(20)])
    Pipeline(session, ruled).drain()
    ruled.rules_file.write_text(ruled.rules_file.read_text().replace("^/filter/", "^/nothing/"))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(replay, "write_replay", crash)  # after the ledger's commit, before the record
        with pytest.raises(KeyboardInterrupt):
            ask_and_do(session, ruled, last_year("a"))
    assert replay_of(session, ruled, last_year("a")).moved["views"] == -20
    assert {cell: number for cell, number in cells(ruled).items() if number} == count(in_order(sent))[0]
    assert replay_of(session, ruled, last_year("a")).moved["views"] == -20  # asked again: answered from the record


def test_a_range_is_split_into_pieces_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "ROWS_PER_PIECE", 10)
    sizes = [(100, 6), (110, 3), (120, 5), (400, 20), (410, 1)]
    assert replay._split(sizes, (0, 1000)) == [(0, 120), (120, 400), (400, 410), (410, 1000)]
    assert replay._split([], (0, 1000)) == [(0, 1000)]
    assert replay._split([(100, 1), (100 + 7200, 1)], None) == [(100, 110), (7300, 7310)]


def test_a_request_error_reaches_the_one_who_asked() -> None:
    with pytest.raises(LakeError, match="make replays"):
        undone_replay([], ReplayRequest("x", 0, 0, undo="y"))
