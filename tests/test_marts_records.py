"""The marts of what the tool itself did: they follow records that come without new counts, and say what still holds."""

from __future__ import annotations

import datetime as dt

import pytest
from frames import START, at
from mirrors import execute, put_on_record

from lake.contracts.records import Change, ReplayRecord, VerdictRecord
from lake.settings import Settings
from marts.build import Marts, build
from marts.stand import is_due, stands
from spark.tables.postgres import News
from spark.tables.records import Records
from spark.tables.verdicts import Verdicts
from stack.servers import postgres

pytestmark = pytest.mark.stack

AT = START.timestamp()
NOTHING = Records(Verdicts({}))
CONVICTED = VerdictRecord(1, "marts", AT, (Change("192.0.2.1", "convicted", "walks"),), {"events": 5})
PARDONED = VerdictRecord(2, "hand", AT + 60, (Change("192.0.2.1", "pardoned", "our own"),), {"events": -5})
REPLAY = ReplayRecord("r-1", 0, 600, at=AT, corrections=4, moved={"views": 2}, keys=3, reason="a new rule")
UNDOING = ReplayRecord("r-2", undo="r-1", at=AT + 60, corrections=4, moved={"views": -2}, keys=3)
AGAIN = ReplayRecord("r-3", undo="r-2", at=AT + 90, corrections=4, moved={"views": 2}, keys=3)
HISTORY = "select verdict, is_last, moved_events, version from marts.verdict_history order by number"
RESTATEMENTS = "select id, is_in_force, undone_by, moved_views, range_end from marts.restatements order by id"
TEN_PAST = dt.datetime(1970, 1, 1, 0, 10, tzinfo=dt.timezone.utc)


def is_anything_due(settings: Settings) -> bool:
    mirror, published = stands(settings)
    return is_due(mirror, published, has_built=True)


def test_a_verdict_that_gives_way_and_a_replay_that_was_undone_say_so(shop: Settings, marts: Marts, shown: int) -> None:
    assert not is_anything_due(shop)
    put_on_record(shop, Records(Verdicts({}).with_record(CONVICTED), {"r-1": REPLAY}), shown)
    assert is_anything_due(shop)
    build(marts, shop)
    assert not is_anything_due(shop)
    assert postgres.query(shop, "analyst", HISTORY) == [("convicted", True, 5, shown)]
    assert postgres.query(shop, "analyst", RESTATEMENTS) == [("r-1", True, None, 2, TEN_PAST)]

    verdicts = Verdicts({}).with_record(CONVICTED).with_record(PARDONED)
    put_on_record(shop, Records(verdicts, {"r-1": REPLAY, "r-2": UNDOING}), shown + 1)
    build(marts, shop)
    assert postgres.query(shop, "analyst", HISTORY) == [
        ("convicted", False, 5, shown + 1),
        ("pardoned", True, -5, shown + 1),
    ]
    assert postgres.query(shop, "analyst", RESTATEMENTS) == [
        ("r-1", False, "r-2", 2, TEN_PAST),
        ("r-2", False, None, -2, TEN_PAST),
    ]

    put_on_record(shop, Records(verdicts, {"r-1": REPLAY, "r-2": UNDOING, "r-3": AGAIN}), shown + 1)
    build(marts, shop)
    in_force = "select sum(moved_views) filter (where is_in_force)::int, sum(moved_views)::int from marts.restatements"
    assert postgres.query(shop, "analyst", in_force) == [(2, 2)]


def test_an_undoing_of_a_replay_that_was_lost_is_shown(shop: Settings, marts: Marts, shown: int) -> None:
    put_on_record(shop, Records(Verdicts({}), {"r-2": UNDOING}), shown)
    build(marts, shop)
    assert postgres.query(shop, "analyst", RESTATEMENTS) == [("r-2", False, None, -2, None)]


def test_how_fresh_the_figures_are_is_that_of_the_bookmark_that_they_show(
    shop: Settings, marts: Marts, shown: int
) -> None:
    until = at(10 * shown + 86_400)
    put_on_record(shop, NOTHING, shown, News(until.timestamp(), 8, 1))
    build(marts, shop)
    columns = "newest_event_at, last_whole_hour, counted_until, records, rejected, rejected_share::text, version"
    assert postgres.query(shop, "analyst", f"select {columns} from marts.freshness") == [
        (at(10 * shown + 10), START - dt.timedelta(hours=1), until, 8, 1, "0.1250", shown)
    ]
    mirrored = "select mirrored_at, lag_seconds > 0 from marts.freshness"
    ((moved_at,),) = execute(shop, "select moved_at from silver.bookmark")
    assert postgres.query(shop, "analyst", mirrored) == [(moved_at, True)]


def test_the_tests_of_all_models_hold(shop: Settings, marts: Marts, shown: int) -> None:
    put_on_record(shop, Records(Verdicts({}).with_record(CONVICTED), {"r-1": REPLAY, "r-2": UNDOING}), shown)
    build(marts, shop)
    assert marts.test() > 0


def test_marts_of_before_there_was_a_history_get_one(shop: Settings, marts: Marts, shown: int) -> None:
    execute(shop, "drop table marts.freshness, marts.restatements; update marts.build_info set models = 'older'")
    assert is_anything_due(shop)
    build(marts, shop)
    assert not is_anything_due(shop)
