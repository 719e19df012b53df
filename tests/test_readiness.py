"""When a stack is ready, and when it is no use to wait."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from settings_in import settings_in

from lake.contracts import CHARTS
from lake.contracts.refusals import NewTopic, Refusal
from lake.contracts.reports import BronzeReport, MirrorReport, StreamReport, report_round, write_stream_report
from lake.errors import ServiceError, StoppedError
from lake.settings import Settings
from stack import readiness
from stack.programs import PROGRAMS
from stack.readiness import Watch, wait_for_broker, wait_for_database, wait_for_result
from stack.servers import kafka_login
from stack.servers.ports import pick_quiet_ports
from stack.supervision import ProgramState
from stack.turns import START, last_turn

PID = os.getpid()
STARTED_AT = time.time() - 100


def running(*, without: str = "") -> dict[str, ProgramState]:
    names = [program.name for program in PROGRAMS if program.name != without]
    return {name: ProgramState(name, "RUNNING", PID, STARTED_AT) for name in names}


@pytest.fixture
def well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A stack in which all is well, by all that is asked."""
    settings = settings_in(tmp_path, GENERATE="1", WEBLAKE_CHARTS=str(tmp_path / "charts"))
    monkeypatch.setattr("stack.supervision.states", lambda _: running())
    monkeypatch.setattr(readiness, "has_traffic", lambda _: True)
    monkeypatch.setattr(readiness, "TIMEOUT_SECONDS", 0.1)
    write(settings, StreamReport(PID, time.time(), mirror=MirrorReport(as_of=time.time())))
    settings.charts.mkdir()
    for chart in CHARTS:
        (settings.charts / chart.file_name).touch()
    return settings


def write(settings: Settings, report: StreamReport) -> None:
    write_stream_report(settings.stream_file, report)


def test_a_stack_that_is_well_is_not_waited_for(well: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert not wait_for_result(well, Watch(well))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (StreamReport(PID + 1, time.time() + 1000), "the stream is starting"),
        (StreamReport(PID, psutil.Process().create_time() - 1), "the stream is starting"),
        (StreamReport(PID, 0.0), "the stream is starting"),
    ],
)
def test_a_report_of_another_stream_or_of_an_earlier_process_is_none(
    report: StreamReport, words: str, well: Settings
) -> None:
    write(well, report)
    with pytest.raises(ServiceError, match=f"until every program runs .{words}.*`make down` stops it"):
        wait_for_result(well, Watch(well))


def test_a_stream_that_runs_is_there_though_its_report_is_old(well: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    old = time.time() - 1000
    monkeypatch.setattr("psutil.Process.create_time", lambda _: old - 1)
    write(well, StreamReport(PID, old, mirror=MirrorReport(as_of=time.time())))
    assert not wait_for_result(well, Watch(well))


def test_a_missing_program_is_waited_for(well: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.supervision.states", lambda _: running(without="charts"))
    with pytest.raises(ServiceError, match="until every program runs"):
        wait_for_result(well, Watch(well))


def test_charts_of_an_earlier_run_do_not_count(well: Settings) -> None:
    old = well.charts / CHARTS[0].file_name
    os.utime(old, (STARTED_AT - 1, STARTED_AT - 1))
    with pytest.raises(ServiceError, match=rf"{len(CHARTS) - 1} of {len(CHARTS)} charts drawn"):
        wait_for_result(well, Watch(well))
    wait_for_result(replace(well, generate=False), Watch(well))


@pytest.mark.parametrize("is_there", [False, True])
def test_charts_that_are_old_or_were_deleted_are_drawn_again_at_once(
    is_there: bool, well: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    diary: list[str] = []
    chart = well.charts / CHARTS[0].file_name
    counted = iter([False])  # the charts were drawn without counts, which come now
    monkeypatch.setattr(readiness, "has_traffic", lambda _: next(counted, True) or not is_there)
    monkeypatch.setattr(readiness, "TIMEOUT_SECONDS", 60)

    def start(_: Settings, name: str) -> None:
        diary.append(f"start {name}")
        for one in CHARTS:
            (well.charts / one.file_name).touch()
            os.utime(well.charts / one.file_name, (time.time() + 1,) * 2)  # a file's clock is a little behind

    monkeypatch.setattr("stack.supervision.stop_program", lambda _, name: diary.append(f"stop {name}"))
    monkeypatch.setattr("stack.supervision.start_program", start)
    report_round(well.loop_file("charts"), None)
    if not is_there:
        chart.unlink()
    assert wait_for_result(well, Watch(well))
    assert diary == ["stop charts", "start charts"]
    assert f"some are old, or missing in {well.charts}" in capsys.readouterr().out


def test_charts_that_are_being_drawn_too_early_are_drawn_again_after_their_round(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart = well.charts / CHARTS[0].file_name
    os.utime(chart, (STARTED_AT - 1, STARTED_AT - 1))
    monkeypatch.setattr("stack.supervision.stop_program", lambda *_: None)
    monkeypatch.setattr("stack.supervision.start_program", lambda *_: chart.touch())
    monkeypatch.setattr(readiness, "TIMEOUT_SECONDS", 60)
    monkeypatch.setattr(readiness, "say", lambda _: report_round(well.loop_file("charts"), None))
    assert wait_for_result(well, Watch(well))


def test_a_stream_that_waits_for_a_person_is_not_waited_for(well: Settings) -> None:
    refusal = Refusal(topic=NewTopic("new", 1))
    bronze = BronzeReport(refusal=refusal, error="topic 'web_logs' was deleted; run `make accept-topic`")
    write(well, StreamReport(PID, time.time(), bronze=bronze))
    with pytest.raises(ServiceError, match=r"every program runs, but bronze waits for you: topic .*accept-topic"):
        wait_for_result(well, Watch(well))


def test_what_waits_ends_when_somebody_stops_the_stack(well: Settings) -> None:
    (well.data / START).touch()
    with last_turn(well), pytest.raises(StoppedError, match=rf"`make down` \(pid {os.getpid()}\) stopped the stack"):
        Watch(well).wait(lambda: False, 60, "never", lambda: "")


def test_a_program_that_keeps_ending_is_named_with_the_end_of_its_log(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter(range(1, 100))
    monkeypatch.setattr(
        "stack.supervision.states", lambda _: {"marts": ProgramState("marts", "STARTING", next(numbers), 0.0)}
    )
    (well.data / "logs").mkdir()
    (well.data / "logs" / "marts.log").write_text("weblake: no such thing\n")
    with pytest.raises(ServiceError, match=r"marts keeps ending\. The end of its log:\nweblake: no such thing"):
        Watch(well).wait(lambda: False, 60, "never", lambda: "")


def test_a_broker_that_does_not_listen_is_named(well: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (closed,) = pick_quiet_ports(1)
    monkeypatch.setattr(readiness, "SERVICE_SECONDS", 0.1)
    settings = replace(well, kafka_bootstrap_servers=f"127.0.0.1:{closed}", kafka_private_servers="")
    with pytest.raises(ServiceError, match=f"Kafka opens its port .it does not listen at 127.0.0.1:{closed} yet"):
        wait_for_broker(settings, Watch(well))


@pytest.mark.stack
def test_a_wrong_password_ends_the_wait_at_once(well: Settings, stack_settings: Settings) -> None:
    settings = replace(stack_settings, owner_password="wrong")
    with pytest.raises(ServiceError, match=r'refuses its owner: password authentication failed for user "owner". Wait'):
        wait_for_database(settings, Watch(settings))
    wait_for_database(stack_settings, Watch(well))


@pytest.mark.stack
def test_a_broker_that_lets_nobody_in_as_itself_is_named_with_what_to_do(
    stack_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kafka-python hears of the refusal, or only of a closed connection, whichever comes first."""
    monkeypatch.setattr(kafka_login, "LOGIN_MS", 1)
    monkeypatch.setattr(kafka_login, "TRY_MS", 2_000)
    other = tmp_path / "server.properties"
    other.write_text(kafka_login.configuration(stack_settings.kafka_user))
    with pytest.raises(
        ServiceError, match=r"(refuses its own login: .*`make down`|if it refuses the login .*`make up`)"
    ):
        kafka_login.admit_programs(stack_settings, other)
