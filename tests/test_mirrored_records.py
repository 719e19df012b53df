"""What is on record, in PostgreSQL: every verdict and replay, written when it changed, and rewritten where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from frames import START
from mirrors import execute

from lake.contracts import ERASED
from lake.contracts.records import Change, ReplayRecord, VerdictRecord
from lake.settings import Settings
from spark.tables import postgres
from spark.tables.records import Records, put_records
from spark.tables.verdicts import Verdicts
from stack.servers.migrations import migrate

pytestmark = pytest.mark.stack

AT = START.timestamp()
CONVICTED = Change("192.0.2.1", "convicted", "no_assets")
FIRST = VerdictRecord(1, "marts", AT, (CONVICTED, Change("192.0.2.2", "convicted", "probing")), {"events": 5}, "old")
SECOND = VerdictRecord(2, "hand", AT + 60, (Change("192.0.2.1", "pardoned", "our own"),), {"events": -3}, "new")
REPLAY = ReplayRecord(
    "r-1", 0, 600, "192.0.2.1", False, None, "rules", {"urls": "1f"}, "replay", AT, 4, {"views": 2}, 3
)
UNDOING = ReplayRecord("r-2", undo="r-1", at=AT + 60, corrections=4, moved={"views": -2}, keys=3, ledger_version=8)
ALL = Records(Verdicts({}).with_record(FIRST).with_record(SECOND), {"r-1": REPLAY, "r-2": UNDOING})


@pytest.fixture
def settings(stack_settings: Settings) -> Iterator[Settings]:
    """A database of the module's own, with nothing on record."""
    own = replace(stack_settings, postgres_database="records")
    migrate(own)
    execute(own, "truncate silver.verdicts, silver.verdict_records, silver.replay_records")
    yield own


def put(settings: Settings, records: Records, version: int) -> bool:
    """Put records as the mirror does, and return whether that changed something."""
    with closing(postgres.connect(settings.postgres_dsn("pipeline"))) as connection, connection.cursor() as cursor:
        has_changed = put_records(cursor, records, version)
        connection.commit()
        return has_changed


def versions(settings: Settings) -> list[tuple[object, ...]]:
    records = "select number::text || ' ' || ip_address as name, version from silver.verdict_records"
    return execute(settings, f"{records} union all select id, version from silver.replay_records order by name")


def test_every_verdict_and_replay_has_its_row(settings: Settings) -> None:
    assert put(settings, ALL, 7)
    assert execute(settings, "select * from silver.verdict_records order by number, ip_address") == [
        (1, "192.0.2.1", "convicted", "marts", "no_assets", START, 2, {"events": 5}, 7),
        (1, "192.0.2.2", "convicted", "marts", "probing", START, 2, {"events": 5}, 7),
        (2, "192.0.2.1", "pardoned", "hand", "our own", START.replace(minute=1), 1, {"events": -3}, 7),
    ]
    assert execute(settings, "select ip_address, verdict, number from silver.verdicts order by 1") == [
        ("192.0.2.1", "pardoned", 2),
        ("192.0.2.2", "convicted", 2),
    ]
    columns = "id, undo_of, client, reason, rules, corrections, keys, moved, ledger_version, version"
    assert execute(settings, f"select {columns} from silver.replay_records order by id") == [
        ("r-1", None, "192.0.2.1", "rules", {"urls": "1f"}, 4, 3, {"views": 2}, None, 7),
        ("r-2", "r-1", None, "", {}, 4, 3, {"views": -2}, 8, 7),
    ]
    ranges = (
        "select extract(epoch from range_start)::int, extract(epoch from range_end)::int from silver.replay_records"
    )
    assert execute(settings, f"{ranges} order by id") == [(0, 600), (None, None)]


def test_what_is_there_already_keeps_its_version(settings: Settings) -> None:
    put(settings, replace(ALL, replays={"r-1": REPLAY}), 7)
    assert not put(settings, replace(ALL, replays={"r-1": REPLAY}), 8)
    assert put(settings, ALL, 9)
    assert versions(settings) == [("1 192.0.2.1", 7), ("1 192.0.2.2", 7), ("2 192.0.2.1", 7), ("r-1", 7), ("r-2", 9)]


def test_a_record_that_forgets_its_clients_is_written_over(settings: Settings) -> None:
    put(settings, ALL, 7)
    forgotten = replace(FIRST, changes=tuple(replace(change, ip_address=ERASED) for change in FIRST.changes))
    verdicts = Verdicts({}).with_record(forgotten).with_record(replace(SECOND, changes=(Change(ERASED, "pardoned"),)))
    assert put(settings, Records(verdicts, {"r-1": replace(REPLAY, client=ERASED), "r-2": UNDOING}), 8)
    assert versions(settings) == [("1 erased", 8), ("2 erased", 8), ("r-1", 8), ("r-2", 7)]
    assert execute(settings, "select verdict, reason from silver.verdict_records where number = 1") == [
        ("convicted", "probing")
    ]
    assert execute(settings, "select ip_address, verdict from silver.verdicts") == [(ERASED, "pardoned")]


def test_a_record_that_no_longer_is_in_the_lake_goes(settings: Settings) -> None:
    put(settings, ALL, 7)
    assert put(settings, Records(Verdicts({})), 8)
    assert versions(settings) == []
    assert execute(settings, "select from silver.verdicts") == []
