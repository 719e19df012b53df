"""A lake that an earlier Weblake wrote: the code of the day opens it, goes on with it and verifies it."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from audited import Audit, send, wrong
from golden_lake import (
    EXPECTED,
    Bookmark,
    bookmark,
    contents,
    figures,
    golden_stack,
    mirror_sums,
    records,
    unpack,
)
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import TopicAuthorizationFailedError
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from audit.check import Check
from lake.contracts.edition import Edition
from lake.contracts.records import ReplayRecord
from lake.requests import ReplayAnswer, ReplayRequest, ask, new_id, read_answer, withdraw
from lake.settings import Settings
from lake.url_rules import load_rules
from marts.build import Marts
from spark.events.parse import parse_again
from spark.pipeline import Pipeline
from spark.tables.verdicts import read_verdicts

pytestmark = pytest.mark.stack

FIRST, END = (int(dt.datetime(year, 1, 1, tzinfo=dt.timezone.utc).timestamp()) for year in (1990, 2027))
"""The whole range of the golden lake's events, those included that were rejected for their age."""
OFFERS = (int(dt.datetime(2026, 1, 5, 10, tzinfo=dt.timezone.utc).timestamp()), 5400)
"""The first window, and the seconds, of the range in which a golden replay corrected the ledger."""

ERASED_CLIENT = "198.51.100.200"


@dataclass(frozen=True)
class Golden:
    """The golden lake at work: what it said before the code of the day touched it, and after that opened it."""

    settings: Settings
    before: dict[str, Any]
    bookmark_before: Bookmark
    after: dict[str, Any]
    bookmark_after: Bookmark
    advice: str | None
    """What the stream says is to be run, where the code of the day counts more than the golden lake did."""
    checks: dict[str, Check]


@pytest.fixture(scope="module")
def golden(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Golden]:
    partitions = str(session.conf.get("spark.sql.shuffle.partitions"))
    with golden_stack(tmp_path_factory.mktemp("golden") / "data") as settings:
        before, bookmark_before = figures_now(session, settings), bookmark(settings)
        pipeline = Pipeline(session, settings)
        pipeline.drain()
        Marts(settings).run()
        after, bookmark_after = figures_now(session, settings), bookmark(settings)
        checks = Audit(session, settings, load_rules(settings))()
        session.conf.set("spark.sql.shuffle.partitions", partitions)  # the audit has set its own
        advice = pipeline.progress.silver.advice
        yield Golden(settings, before, bookmark_before, after, bookmark_after, advice, checks)


def figures_now(session: SparkSession, settings: Settings) -> dict[str, Any]:
    """Return the figures that were written down when the lake was packed, as they are now."""
    return figures(session, settings, list(EXPECTED["ledger_sums_of_all"]), list(EXPECTED["marts_rows"]))


def replay(session: SparkSession, settings: Settings, **fields: Any) -> ReplayRecord:
    """Have a replay done and PostgreSQL brought up to it; return the outcome."""
    request = ReplayRequest(id=new_id(), **{"first": FIRST, "end": END, **fields})
    ask(settings.requests, request)
    Pipeline(session, settings).rebuild()
    answer = read_answer(settings.requests, request.id, ReplayAnswer)
    withdraw(settings.requests, request.id)
    assert answer is not None
    return answer.outcome()


def sums(golden: Golden) -> dict[str, int]:
    """Return PostgreSQL's sums of dimension ``all`` as they are now."""
    return mirror_sums(golden.settings, list(EXPECTED["mirror_sums_of_all"]))


def comparable(figures_then: dict[str, Any]) -> dict[str, Any]:
    """Leave out versions, for a drain that finds nothing makes an empty one, and the marts that rules on bots make."""
    counted = {name: value for name, value in figures_then.items() if name not in ("ledger_version", "mirror_bookmark")}
    rows = {mart: number for mart, number in counted["marts_rows"].items() if not mart.startswith("bot")}
    return {**counted, "marts_rows": rows}


def is_the_same_fill(one: Bookmark, other: Bookmark) -> bool:
    """Say whether PostgreSQL was not filled anew between two bookmarks."""
    return (one.ledger_id, one.filled_at) == (other.ledger_id, other.filled_at)


def test_its_broker_lets_nobody_read_without_a_login_any_more(golden: Golden) -> None:
    servers = golden.settings.kafka_bootstrap_servers
    with closing(KafkaConsumer(bootstrap_servers=servers, group_id=None, auto_offset_reset="earliest")) as stranger:
        stranger.assign([TopicPartition(golden.settings.kafka_topic, 0)])
        with pytest.raises(TopicAuthorizationFailedError):
            stranger.poll(timeout_ms=20_000)


def test_the_golden_lake_holds_what_it_was_packed_with(golden: Golden) -> None:
    assert golden.before == EXPECTED
    assert golden.bookmark_before.version == EXPECTED["ledger_version"]


def test_the_code_of_the_day_opens_it_without_rebuild_or_replay(golden: Golden) -> None:
    assert comparable(golden.after) == comparable(golden.before)
    assert is_the_same_fill(golden.bookmark_after, golden.bookmark_before)
    assert golden.after["mirror_bookmark"] == golden.after["ledger_version"]
    left_open = {"ledger": golden.advice} if golden.advice else {}
    assert wrong(golden.checks) == left_open


def test_what_is_counted_since_is_said_with_what_to_run(session: SparkSession, golden: Golden) -> None:
    columns = session.read.format("delta").load(golden.settings.ledger).columns
    golden_edition = Edition.of_columns(set(columns) & {*EXPECTED["ledger_sums_of_all"]})
    changes = golden_edition.changes_to(Edition.of_today(golden.settings))
    notes = [check.note for name, check in golden.checks.items() if name == "edition"]
    assert notes == ([golden.advice] if golden.advice else [])
    assert bool(golden.advice) == bool(changes)
    assert all(change in str(golden.advice) for change in changes)


def test_what_is_on_record_is_read(session: SparkSession, golden: Golden) -> None:
    last = {address: (verdict.verdict, verdict.by) for address, verdict in verdicts(session, golden).items()}
    assert last == {
        "198.51.100.11": ("convicted", "hand"),
        "203.0.113.9": ("pardoned", "hand"),
        "198.51.100.14": ("released", "hand"),
        "203.0.113.66": ("convicted", "marts"),
    }
    undos = [record["undo"] for record in records(golden.settings, "replays") if record["undo"]]
    assert undos[0] in [record["id"] for record in records(golden.settings, "replays")]
    assert all(record["finished"] for record in records(golden.settings, "erasures"))


def verdicts(session: SparkSession, golden: Golden) -> dict[str, Any]:
    return read_verdicts(session, golden.settings).last


def test_postgresql_goes_on_from_its_bookmark(session: SparkSession, golden: Golden) -> None:
    before, stood_at = sums(golden), bookmark(golden.settings)
    event = {"ip_address": "198.51.100.10", "action": "view_product", "product_id": "p-1", "status_code": 200}
    now, late = (
        json.dumps({**event, "event_id": f"today-{age}", "timestamp": instant(age)}).encode() for age in (0, 3600)
    )
    send(golden.settings, [(now, None), (now, None), (late, None), (golden_event(session, golden), None)])
    Pipeline(session, golden.settings).drain()
    stands_at = bookmark(golden.settings)
    growth = {name: number - before[name] for name, number in sums(golden).items()}
    assert (growth["events"], growth["views"], growth["late_events"]) == (2, 2, 1)
    assert stands_at.version > stood_at.version
    assert is_the_same_fill(stands_at, stood_at)


def instant(seconds_ago: float) -> str:
    return dt.datetime.fromtimestamp(time.time() - seconds_ago, tz=dt.timezone.utc).isoformat()


def golden_event(session: SparkSession, golden: Golden) -> bytes:
    """Return the bytes of an event of months ago that the golden lake has counted."""
    bronze = session.read.format("delta").load(golden.settings.bronze)
    return bytes(bronze.filter("event_id = 'old-1-3' and reject_reason is null").collect()[0]["value"])


def test_a_golden_replay_is_undone_and_brought_back(session: SparkSession, golden: Golden) -> None:
    before = sums(golden)
    golden_replay = next(record for record in records(golden.settings, "replays") if record["corrections"])
    undoing = replay(session, golden.settings, first=0, end=0, undo=golden_replay["id"])
    assert undoing.corrections > 0
    growth = {name: number - before[name] for name, number in sums(golden).items()}
    assert growth == {name: -golden_replay["moved"][name] for name in before}
    first, seconds = OFFERS
    again = replay(session, golden.settings, first=first, end=first + seconds)
    assert again.corrections > 0
    assert sums(golden) == before


def newly_read(session: SparkSession, golden: Golden, first: int, end: int) -> int:
    """Return how many events of a range were rejected on arrival, and are read today."""
    rows = session.read.format("delta").load(golden.settings.bronze).filter("reject_reason is not null")
    window = F.unix_seconds("window_start")
    read = parse_again(rows, load_rules(golden.settings)).filter((window >= first) & (window < end))
    return read.select("event_id", "window_start").distinct().count()


def test_one_replay_of_everything_brings_it_into_line(session: SparkSession, golden: Golden) -> None:
    before = sums(golden)
    in_offers = newly_read(session, golden, OFFERS[0], sum(OFFERS))  # which the golden replay has counted
    left = newly_read(session, golden, FIRST, END) - in_offers
    corrections = replay(session, golden.settings).corrections
    assert corrections == 0 or golden.advice
    assert sums(golden)["events"] - before["events"] == left > 0
    assert Pipeline(session, golden.settings).progress.silver.advice is None


def test_every_stage_agrees_with_the_one_before_it(session: SparkSession, golden: Golden) -> None:
    Marts(golden.settings).run()
    assert wrong(Audit(session, golden.settings, load_rules(golden.settings))(deep=True)) == {}


def test_no_secret_no_path_and_no_erased_client_is_in_it(tmp_path: Path) -> None:
    unpack(tmp_path / "data")
    names = (tmp_path / "data" / "stack.env.names").read_text().split()
    assert "POSTGRES_OWNER_PASSWORD" in names
    assert not [name for name in names if "=" in name]
    forbidden = (*(f"/{folder}/" for folder in ("tmp", "home", "root")), "SCRAM-SHA", ERASED_CLIENT)
    finds = [(path, word) for path, text in contents(tmp_path / "data") for word in forbidden if word in text]
    assert finds == []
