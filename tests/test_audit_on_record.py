"""The audit of what is on record: it holds while the mirror keeps up, and names the row that differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from frames import START
from mirrors import execute
from pyspark.sql import SparkSession

from audit.check import Check, Verdict
from audit.lake import PinnedLake
from audit.on_record import check_on_record
from lake.contracts import ERASED
from lake.contracts.records import Change, ReplayRecord, VerdictRecord
from lake.settings import Settings
from spark.errands.erasure import erase_from_records
from spark.errands.replay_records import summaries, write_replay
from spark.mirror import Mirror
from spark.progress import Progress
from spark.silver import create_ledger
from spark.tables.delta import snapshot
from spark.tables.records import Records
from spark.tables.verdicts import read_verdicts, write_verdict
from stack.servers.migrations import migrate

pytestmark = pytest.mark.stack

AT = START.timestamp()
CLIENT = "192.0.2.1"
VERDICTS = (
    VerdictRecord(1, "marts", AT, (Change(CLIENT, "convicted", "walks"), Change("::1", "convicted")), {"events": 5}),
    VerdictRecord(2, "hand", AT + 0.7, (Change(CLIENT, "pardoned", "our own"),), {"events": -3}),
)
REPLAYS = (
    ReplayRecord("r-1", 0, 600, CLIENT, at=AT, corrections=4, moved={"views": 2}, keys=3, rules={"urls": "1f"}),
    ReplayRecord("r-2", undo="r-1", at=AT + 60, corrections=4, moved={"views": -2}, keys=3, ledger_version=8),
)


@pytest.fixture(scope="module")
def settings(
    stack_settings: Settings, session: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """A ledger of the module's own, with verdicts and replays on record, and a database that has taken them over."""
    data = tmp_path_factory.mktemp("on_record")
    own = replace(stack_settings, data=data, lake_root=str(data / "lake"), postgres_database="on_record")
    migrate(own)
    create_ledger(session, own)
    put_on_record(session, own)
    catch_up(session, own)
    yield own


def put_on_record(session: SparkSession, settings: Settings) -> None:
    for verdict in VERDICTS:
        write_verdict(session, settings, verdict)
    for replay in REPLAYS:
        write_replay(session, settings, replay)


def catch_up(session: SparkSession, settings: Settings) -> None:
    """Have a mirror of a new process bring what is on record."""
    records = Records(read_verdicts(session, settings), summaries(session, settings))
    with closing(
        Mirror(session, settings, Progress(settings.data / "stream.json"), lambda: True, lambda: records)
    ) as mirror:
        mirror.catch_up()


def check(session: SparkSession, settings: Settings) -> Check:
    ledger = snapshot(session, settings.ledger)
    (found,) = check_on_record(PinnedLake(session, settings, 0, ledger.version, ledger.table_id, -1, verdicts=2))
    return found


def test_what_is_on_record_is_in_postgresql(session: SparkSession, settings: Settings) -> None:
    found = check(session, settings)
    assert (found.verdict, found.note) == (Verdict.OK, "")
    assert found.left == found.right == "5 rows"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (
            "delete from silver.verdict_records where number = 1",
            "first: verdict 1 on 192.0.2.1: PostgreSQL has no such row; restart the stream; 2 rows so",
        ),
        (
            "update silver.verdict_records set decided_at = decided_at + interval '1 ms' where number = 2",
            "first: verdict 2 on 192.0.2.1: decided_at ",
        ),
        (
            "update silver.replay_records set moved = '{}' where id = 'r-1'",
            "first: replay r-1: moved {'views': 2} in the lake, {} in PostgreSQL; 1 row so",
        ),
        ("delete from silver.replay_records where undo_of = 'r-1'", "first: replay r-2: PostgreSQL has no such row"),
        (
            "update silver.replay_records set id = 'r-3' where id = 'r-2'",
            "first: replay r-2: PostgreSQL has no such row; restart the stream; 2 rows so",
        ),
        (
            "insert into silver.verdict_records values (9, '::2', 'pardoned', 'hand', '', now(), 1, '{}', 1)",
            "first: verdict 9 on ::2: the lake has no such record; 1 row so",
        ),
    ],
)
def test_a_row_that_is_missing_other_or_made_up_is_named(
    session: SparkSession, settings: Settings, damage: str, problem: str
) -> None:
    execute(settings, damage)
    try:
        found = check(session, settings)
    finally:
        catch_up(session, settings)
    assert found.verdict is Verdict.FAILED
    assert found.note.startswith(problem)
    assert check(session, settings).verdict is Verdict.OK, "a new start of the stream makes up for it"


def test_a_record_that_is_newer_than_the_bookmark_may_be_missing(session: SparkSession, settings: Settings) -> None:
    write_replay(session, settings, ReplayRecord("r-9", 0, 600, at=AT))
    found = check(session, settings)
    assert (found.verdict, found.note) == (Verdict.OK, "1 newer record not taken over yet")
    catch_up(session, settings)
    found = check(session, settings)
    assert (found.verdict, found.note, found.right) == (Verdict.OK, "", "6 rows")


def test_a_verdict_that_never_came_to_hold_is_not_missed(session: SparkSession, settings: Settings) -> None:
    ledger_id = snapshot(session, settings.ledger).table_id
    write_verdict(session, settings, VerdictRecord(3, "hand", AT, (Change("::3", "convicted"),), {}, ledger_id))
    catch_up(session, settings)
    found = check(session, settings)
    assert (found.verdict, found.left) == (Verdict.OK, found.right)
    assert execute(settings, "select from silver.verdict_records where number = 3") == []


def test_records_that_were_made_to_forget_a_client_are_written_over(session: SparkSession, settings: Settings) -> None:
    erase_from_records(session, settings, CLIENT.replace(".", r"\."))
    catch_up(session, settings)
    for table in ("verdicts", "verdict_records", "replay_records"):
        texts = execute(settings, f"select rows::text from silver.{table} as rows")
        assert not any(CLIENT in text for (text,) in texts)
        assert any(ERASED in text for (text,) in texts)
    assert check(session, settings).verdict is Verdict.OK
