"""Which state the stack is in, what is wrong with it, and what status looks at."""

from __future__ import annotations

import re
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from settings_in import settings_in
from statuses import a_status

from lake.contracts.history import State
from lake.contracts.reports import LoopReport, StreamReport, VerifyReport, report_round, write_stream_report
from lake.errors import ServiceError
from lake.settings import Settings
from stack.disk import disk_usage
from stack.health.lags import Stage, most_silent_seconds
from stack.health.look import Complain, Look
from stack.health.loops import Loop, loops, read_loops
from stack.health.processes import Process
from stack.health.state import as_dict, problems, state_of, unfinished, unknowns
from stack.servers import postgres
from stack.servers.migrations import migrate
from stack.status import gather
from weblake.show.status import show_status

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"processes": [Process("kafka", "BACKOFF", 0, 0.0)]}, "kafka is backoff", "make logs NAME=kafka"),
    ({"processes": [Process("kafka", "STOPPED", 0, 0.0)]}, "kafka is stopped", "make up"),
    ({"processes": [Process("supervisor", "STOPPED", 0, 0.0)]}, "supervisor is stopped", "make up"),
    ({"processes": [Process("supervisor", "SILENT", 7, 0.0)]}, "supervisor runs, but does not answer", "make up"),
    (
        {
            "processes": [
                Process("supervisor", "STOPPED", 0, 0.0),
                Process("kafka", "UNSUPERVISED", 7, 9.0),
                Process("stream", "UNSUPERVISED", 8, 9.0),
            ]
        },
        "supervisor has ended, and kafka, stream go on without it",
        "make up",
    ),
    (
        {"processes": [Process("kafka", "FROZEN", 7, 9.0, (7,)), Process("stream", "FROZEN", 8, 9.0, (8, 9))]},
        "kafka, stream: stopped in the middle of work by a signal",
        "kill -CONT 7 8 9",
    ),
    ({"stages": [Stage("silver", 5, 10, 61.0)]}, "silver is 10 rows and 61 s behind", "make logs NAME=stream"),
    ({"stages": [Stage("bronze", 5, 0, 0.0, 301.0)]}, "bronze has been at one batch for 301 s", "NAME=stream"),
    ({"stream_age_seconds": 61.0}, "the stream has said nothing for 61 s", "make logs NAME=stream"),
    ({"stream_age_seconds": None}, "the stream has not reported yet", "make logs NAME=stream"),
    ({"marts_version": 1, "loops": [Loop("marts", 71.0, 10)]}, "the marts are at version 1", "NAME=marts"),
    ({"loops": [Loop("charts", 3.0, 60, "they broke", 70.0)]}, "charts has failed for 70 s: they broke", "NAME=charts"),
    ({"loops": [Loop("marts", 311.0, 10)]}, "marts has said nothing for 311 s", "make logs NAME=marts"),
    ({"loops": [Loop("guard", 301.0, 0)]}, "guard has said nothing for 301 s", "make logs NAME=marts"),
    ({"clock_ahead_seconds": 3610.0}, "clock runs 60 minutes ahead", "make up FUTURE_SECONDS=3720`, then `make replay"),
    ({"unlisted_share": 0.5}, "50.0% of the events in some batches name an action that nobody listed", "make replay"),
    ({"errors": ["mirror: it broke"]}, "mirror: it broke", "make logs NAME=stream"),
    ({"errors": ["bronze: it waits; run `make accept-loss`"]}, "it waits", "make accept-loss"),
    ({"complaints": ["others may look into x; run `make up`, or `chmod -R go= x`"]}, "others", "chmod -R go= x"),
    ({"verify": VerifyReport(verdict="failed", failed=("ledger: all",))}, "verify failed", "make verify"),
    (
        {"recent_records": 1_000, "recent_rejected": 11, "rejected_most": "not_json"},
        "11 of the 1,000 records of the last ten minutes were rejected (1.1%), most as not_json: it begins like",
        "make rejected",
    ),
    ({"recent_records": 9_000, "recent_rejected": 9_000}, "were rejected (100.0%); to see them", "make rejected"),
]


@pytest.mark.parametrize(("changes", "words", "command"), WRONG)
def test_what_is_wrong_is_said_and_ends_in_the_next_command(changes: dict[str, Any], words: str, command: str) -> None:
    status = a_status(**changes)
    (sentence,) = problems(status)
    assert words in sentence
    assert re.search(rf"`[^`]*{re.escape(command)}`$", sentence)
    assert (state_of(status), as_dict(status)["problems"]) == (State.UNWELL, [sentence])


@pytest.mark.parametrize(("records", "rejected"), [(999, 999), (1_000, 10), (0, 0)])
def test_a_few_strange_records_are_no_fault(records: int, rejected: int) -> None:
    assert problems(a_status(recent_records=records, recent_rejected=rejected)) == []


def test_a_current_stack_is_well_however_old_its_marts_are() -> None:
    status = a_status(marts_age_seconds=9_999.0)
    assert (problems(status), state_of(status), as_dict(status)["is_well"]) == ([], State.WELL, True)


def test_nothing_that_runs_is_one_line_whatever_does_not_answer() -> None:
    stopped = [Process(name, "STOPPED", 0, 0.0) for name in ("supervisor", "kafka")]
    facts: dict[str, Any] = {"processes": stopped, "errors": ["Kafka does not listen"], "unknown": ["no answer"]}
    status = a_status(**facts, is_stream_there=False)
    assert (problems(status), state_of(status)) == (["nothing of the stack runs; run `make up`"], State.DOWN)
    assert unknowns(status) == []
    by_hand = a_status(**facts)
    assert (state_of(by_hand), len(problems(by_hand))) == (State.UNWELL, 3)


def test_a_process_that_began_after_the_report_of_the_stream_is_not_the_stream(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1", POSTGRES_PORT="1")
    process = psutil.Process()
    for updated_at, is_there in ((time.time(), True), (process.create_time() - 1, False)):
        write_stream_report(settings.stream_file, StreamReport(process.pid, updated_at))
        assert gather(settings).is_stream_there is is_there


def test_what_is_not_known_is_not_taken_for_well_nor_for_wrong() -> None:
    status = a_status(
        unknown=["PostgreSQL gave no answer within 5 s; see `make logs NAME=postgres`", "sizes: no right"]
    )
    assert (problems(status), state_of(status)) == ([], State.UNKNOWN)
    assert unknowns(status)[1] == "sizes: no right; see `make logs`"
    unseen = a_status(processes=[Process("kafka", "UNKNOWN", 0, 0.0)], stream_age_seconds=61.0)
    assert state_of(unseen) is State.UNWELL
    assert "kafka" not in " ".join(problems(unseen))


def test_rows_on_their_way_are_waited_for_only_when_they_take_longer_than_usual() -> None:
    on_their_way = a_status(stages=[Stage("bronze", 100, 7, 9.0), Stage("silver", 90, 10, 1.0)])
    assert state_of(on_their_way) is State.WELL
    assert unfinished(on_their_way) == "17 rows are being counted, and the marts do not show them yet"
    assert state_of(a_status(stages=[Stage("bronze", 100, 7, 31.0)])) is State.WAITING
    assert state_of(a_status(stages=[Stage("bronze", 100, 7, 31.0, pace_seconds=10)])) is State.WELL
    behind = {"marts_version": 1, "marts_age_seconds": 9_999.0}
    assert state_of(a_status(**behind, loops=[Loop("marts", 40.0, 10)])) is State.WELL
    assert state_of(a_status(**behind, loops=[Loop("marts", 41.0, 10)])) is State.WAITING


@pytest.mark.parametrize(
    ("age", "uptime", "words"),
    [(180.0, 9_999.0, ""), (181.0, 9_999.0, "drawn 181 s ago"), (181.0, 359.0, ""), (None, 9_999.0, "are missing")],
)
def test_charts_that_are_not_drawn_any_more_are_noticed(age: float | None, uptime: float, words: str) -> None:
    charts = Process("charts", "RUNNING", 1, uptime)
    status = a_status(processes=[charts], loops=[Loop("charts", 3.0, 60)], charts_age_seconds=age)
    assert words in "".join(problems(status))
    assert bool(problems(status)) is bool(words)


@pytest.mark.parametrize(
    ("record", "most", "uptime", "words"),
    [
        (301.0, 300.0, 9_999.0, "no record has come for 5 minutes"),
        (300.0, 300.0, 9_999.0, ""),
        (9_999.0, 300.0, 299.0, ""),
        (9_999.0, None, 9_999.0, ""),
        (None, 300.0, 9_999.0, ""),
    ],
)
def test_a_source_that_has_become_silent_is_noticed(
    record: float | None, most: float | None, uptime: float, words: str
) -> None:
    kafka = Process("kafka", "RUNNING", 1, uptime)
    status = a_status(processes=[kafka], record_age_seconds=record, most_silent_seconds=most)
    assert words in "".join(problems(status))
    assert bool(problems(status)) is bool(words)


def test_silence_matters_where_the_generator_is_on_or_somebody_says_so(tmp_path: Path) -> None:
    def most(has_generator: bool, minutes: str) -> float | None:
        return most_silent_seconds(settings_in(tmp_path, SILENT_MINUTES=minutes), has_generator)

    assert most(has_generator=True, minutes="auto") == 300
    assert most(has_generator=False, minutes="auto") is most(has_generator=True, minutes="0") is None
    assert most(has_generator=False, minutes="2") == 120


def test_a_loop_that_fails_says_so_until_a_round_is_good(tmp_path: Path) -> None:
    settings, started = settings_in(tmp_path), time.time()

    def charts() -> Loop:
        (loop,) = loops(settings, read_loops(settings, errors.append), {"charts": started - 100}, started + 50)
        return loop

    errors: list[str] = []
    assert charts().silent_seconds == 150
    for error in ("first", "second"):
        report_round(settings.loop_file("charts"), error)
    assert " s: second; see" in charts().complaint
    assert 0 < charts().failing_seconds <= 50
    report_round(settings.loop_file("charts"), None)
    assert charts().complaint == ""
    assert 0 < charts().silent_seconds <= 50
    settings.loop_file("charts").unlink()
    settings.loop_file("charts").mkdir()
    assert read_loops(settings, errors.append) == dict.fromkeys(("marts", "guard", "watch", "alerts"), LoopReport())
    assert "charts.json cannot be read" in errors[0]


def test_a_look_that_is_stuck_or_fails_is_said_and_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.health.look.LOOK_SECONDS", 0.2)
    ever = threading.Event()
    stuck, broken = Look("Kafka", lambda _: ever.wait(), "kafka"), Look("supervisor", lambda _: 1 // 0)

    def refuse(complain: Complain) -> int:
        complain("half of it")
        raise ServiceError("it refused; run `make up`")

    def see(complain: Complain) -> int:
        complain("one is closed")
        return 7

    refused, fine = Look("PostgreSQL", refuse), Look("sizes", see)
    wrong: list[str] = []
    unknown: list[str] = []
    assert [look.answer(wrong, unknown) for look in (stuck, broken, refused, fine)] == [None, None, None, 7]
    ever.set()
    assert wrong == ["it refused; run `make up`", "one is closed"]
    assert unknown == [
        "Kafka gave no answer within 0 s; see `make logs NAME=kafka`",
        "supervisor could not be looked up (ZeroDivisionError: integer division or modulo by zero); see `make logs`",
    ]


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("no folder")
    errors: list[str] = []
    assert disk_usage(tmp_path / "nothing", errors.append) == 0
    assert errors == []
    disk_usage(tmp_path / "lake", errors.append)
    assert "lake cannot be read" in errors[0]


@pytest.mark.stack
def test_what_cannot_be_looked_up_is_unknown_and_named(
    stack_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = replace(stack_settings, data=tmp_path, postgres_database="looked_at")
    migrate(own)
    with closing(postgres.connect(own, "dbt")) as dbt, dbt.cursor() as cursor:
        assert (gather(own).bookmark, gather(own).marts_version) == (-1, -1)
        cursor.execute("create table marts.build_info as select 3 as version, now() as built_at")
        status = gather(own)
        assert (status.marts_version, status.errors, status.unknown) == (3, [], [])
        cursor.execute("revoke select on marts.build_info from dbt")
        own.stream_file.mkdir()
        status = gather(own)
        assert status.marts_version is None
        assert [error.split(" (")[0].split(";")[0] for error in status.errors] == [
            f"PostgreSQL at port {own.postgres_port}: permission denied for table build_info",
        ]
        assert [reason.split(" (")[0] for reason in status.unknown] == [f"{own.stream_file} cannot be read"]
        show_status(status)
        assert f"{'marts':<16}unknown\n" in capsys.readouterr().out
        cursor.execute("grant select on marts.build_info to dbt")
    stranger = gather(replace(own, analyst_password="another"))
    assert any("the analyst cannot log in" in error and error.endswith("`make up`") for error in stranger.errors)
