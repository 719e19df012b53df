"""The lookout: what the stack's state is, written down and published again and again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from background import in_background
from settings_in import settings_in
from statuses import a_status

from lake.contracts.history import State, read_states
from lake.contracts.reports import VerifyReport, read_loop_report
from lake.settings import Settings
from stack.health.lookout import keep_lookout, publish
from stack.servers.migrations import migrate
from stack.servers.postgres import connect, query
from stack.servers.waiting import wait_until
from stack.supervisor_config import config_file

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.health.lookout.LOOK_SECONDS", 0.05)


def test_it_notes_the_state_also_where_the_database_is_away(tmp_path: Path, quick: None) -> None:
    nowhere = replace(settings_in(tmp_path), kafka_bootstrap_servers="127.0.0.1:1", postgres_port=1)
    nowhere.data.mkdir(parents=True, exist_ok=True)
    config_file(nowhere).touch()
    with in_background(lambda stop: keep_lookout(nowhere, stop), "lookout"):
        wait_until(lambda: nowhere.loop_file("watch").exists(), 60, "it has reported a round")
    assert [change.state for change in read_states(nowhere.data / "history", 0.0, NOW)] == [State.DOWN]
    report = read_loop_report(nowhere.loop_file("watch"))
    assert report and report.error and "Connection refused" in report.error


def test_where_there_is_no_supervisor_nobody_looks(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(tmp_path)
    rounds: list[bool] = []

    def is_supervised(_: Settings) -> Path:
        rounds.append(True)
        return config_file(settings)

    monkeypatch.setattr("stack.health.lookout.config_file", is_supervised)
    with in_background(lambda stop: keep_lookout(settings, stop), "lookout"):
        wait_until(lambda: len(rounds) > 1, 60, "its second round has begun")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.stack
def test_readers_of_the_database_see_the_last_state_and_every_result_of_verify(stack_settings: Settings) -> None:
    settings = replace(stack_settings, postgres_database="lookout")
    migrate(settings)
    first = VerifyReport(at=NOW, seconds=2.5, verdict="failed", scope="all", ok=43, failed=("bronze rows",))
    second = replace(first, at=NOW + 60, verdict="ok", ok=44, failed=())
    for number, verify in enumerate((None, first, first, second)):
        with connect(settings, "watch") as connection, connection.cursor() as cursor:
            publish(cursor, a_status(looked_at=NOW + number, verify=verify, errors=["kafka: away; see `make logs`"]))
        connection.close()
    state = (
        "select extract(epoch from looked_at)::float8, state, problems[1], report ->> 'ledger_version' from ops.state"
    )
    assert query(settings, "analyst", state) == [(NOW + 3, "unwell", "kafka: away; see `make logs`", "2")]
    results = "select extract(epoch from verified_at)::float8, verdict, passed, failed from ops.verified order by 1"
    assert query(settings, "charts", results) == [(NOW, "failed", 43, ["bronze rows"]), (NOW + 60, "ok", 44, [])]
