"""The states on record: changes only, a file a month, in bounds, and what nobody has seen is not made up."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from settings_in import settings_in
from statuses import a_status

from lake.contracts.history import (
    LOOKED,
    MONTHS,
    MOST_BYTES,
    UNSEEN_SECONDS,
    State,
    StateChange,
    note_state,
    read_states,
)
from lake.errors import SettingsError
from lake.settings import Settings
from stack.health.history import note, note_down
from stack.health.processes import Process
from stack.supervisor_config import config_file
from weblake.arguments import read_since
from weblake.main import run
from weblake.show.units import instant_text

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
MONTH = 31 * 86_400


def on_record(folder: Path, since: float = 0.0) -> list[StateChange]:
    """The states up to a time at which nobody has ceased to look."""
    return read_states(folder, since, NOW)


def test_a_state_is_noted_when_it_changes(tmp_path: Path) -> None:
    for second, state in enumerate((State.WELL, State.WELL, State.UNWELL, State.UNWELL, State.WELL)):
        note_state(tmp_path, state, f"problem {second}", NOW + second)
    assert on_record(tmp_path) == [
        StateChange(NOW, State.WELL, "problem 0"),
        StateChange(NOW + 2, State.UNWELL, "problem 2"),
        StateChange(NOW + 4, State.WELL, "problem 4"),
    ]
    assert [path.name for path in tmp_path.glob("*.jsonl")] == ["2027-01.jsonl"]


def test_the_first_state_listed_is_that_which_held_at_the_time(tmp_path: Path) -> None:
    for hour, state in enumerate((State.WELL, State.UNWELL, State.WELL)):
        note_state(tmp_path, state, "", NOW + 300 * hour)
    assert [change.state for change in on_record(tmp_path, NOW + 301)] == ["unwell", "well"]
    assert [change.state for change in on_record(tmp_path, NOW + 9_999)] == ["well"]
    assert on_record(tmp_path / "nothing") == []


def test_a_time_in_which_nobody_looked_is_no_state(tmp_path: Path) -> None:
    note_state(tmp_path, State.WELL, "", NOW)
    note_state(tmp_path, State.WELL, "", NOW + UNSEEN_SECONDS)
    back = NOW + 2 * UNSEEN_SECONDS + 1
    note_state(tmp_path, State.WELL, "", back)
    unseen = [StateChange(NOW, State.WELL), StateChange(NOW + UNSEEN_SECONDS, State.UNSEEN, "nobody looked")]
    assert on_record(tmp_path) == [*unseen, StateChange(back, State.WELL)]


def test_a_time_in_which_nobody_looks_is_listed_before_somebody_looks_again(tmp_path: Path) -> None:
    note_state(tmp_path, State.WELL, "", NOW)
    assert [change.state for change in read_states(tmp_path, 0, NOW + UNSEEN_SECONDS)] == ["well"]
    unseen = StateChange(NOW, State.UNSEEN, "nobody looked")
    assert read_states(tmp_path, 0, NOW + UNSEEN_SECONDS + 1)[1:] == [unseen]
    note_state(tmp_path, State.DOWN, "", NOW + 1)
    assert read_states(tmp_path, NOW + 1, NOW + MONTH) == [StateChange(NOW + 1, State.DOWN)]


def test_what_a_crash_leaves_of_the_note_of_the_last_look_is_no_matter(tmp_path: Path) -> None:
    note_state(tmp_path, State.WELL, "", NOW)
    (tmp_path / LOOKED).write_text("18000000-")
    note_state(tmp_path, State.UNWELL, "", NOW + 1)
    assert [change.state for change in on_record(tmp_path)] == ["well", "unwell"]
    (tmp_path / LOOKED).unlink()
    assert [change.state for change in read_states(tmp_path, 0, NOW + MONTH)] == ["well", "unwell"]


def test_a_stack_that_was_stopped_stays_down_until_somebody_finds_it_up(tmp_path: Path) -> None:
    for at, state in ((NOW, State.DOWN), (NOW + 9 * UNSEEN_SECONDS, State.WAITING)):
        note_state(tmp_path, state, "", at)
    assert [change.state for change in on_record(tmp_path)] == ["down", "waiting"]


def test_only_the_last_months_are_kept_and_none_grows_without_bound(tmp_path: Path) -> None:
    for month in range(MONTHS + 3):
        note_state(tmp_path, State.WELL if month % 2 else State.UNWELL, "", NOW + month * MONTH)
    files = sorted(tmp_path.glob("*.jsonl"))
    assert len(files) == MONTHS
    newest, last = files[-1], on_record(tmp_path)[-1]
    line = json.dumps({"at": 1.0, "state": "well", "problem": "x" * 100}) + "\n"
    newest.write_text(line * (MOST_BYTES // len(line) + 2))
    note_state(tmp_path, State.UNWELL, "the last", last.at + 1)
    assert MOST_BYTES / 2 < newest.stat().st_size < MOST_BYTES / 2 + 1_000
    assert on_record(tmp_path, last.at + 1)[-1].problem == "the last"


def test_a_line_that_was_cut_is_passed_over(tmp_path: Path) -> None:
    note_state(tmp_path, State.WELL, "", NOW)
    (file,) = tmp_path.glob("*.jsonl")
    file.write_bytes(file.read_bytes() + b'{"at": 1.0, "sta\n[]\n\xff\n')
    note_state(tmp_path, State.UNWELL, "", NOW + 1)
    assert [change.state for change in on_record(tmp_path)] == ["well", "unwell"]


def test_several_processes_note_one_change_once(tmp_path: Path) -> None:
    threads = [threading.Thread(target=note_state, args=(tmp_path, State.UNWELL, "", NOW + n)) for n in range(8)]
    note_state(tmp_path, State.WELL, "", NOW)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [change.state for change in on_record(tmp_path)] == ["well", "unwell"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a folder in which a stack was started once."""
    made = settings_in(tmp_path)
    config_file(made).write_text("")
    return made


def test_a_folder_in_which_no_stack_ever_was_gets_no_history(tmp_path: Path) -> None:
    note(settings_in(tmp_path), a_status())
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_nothing_keeps_nobody_from_the_status(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    (settings.data / "history").write_text("no folder")
    note(settings, a_status())
    assert "the state of the stack cannot be noted" in caplog.text


def test_the_command_lists_the_states_since_a_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEBLAKE_DATA", str(settings.data))
    note(settings, a_status(looked_at=NOW))
    note(settings, a_status(looked_at=NOW + 60, processes=[Process("kafka", "FATAL", 0, 0.0)]))
    note_down(settings, NOW + 120)
    assert run(["status", "--since", "2027-01-15"]) == 0
    first, *rows = capsys.readouterr().out.strip().splitlines()
    assert first.split() == ["from", "for", "state", "first", "problem"]
    assert [row.split()[0] for row in rows] == [f"2027-01-15T08:0{minute}:00Z" for minute in range(3)]
    assert rows[1].split("  ")[-1] == "kafka is fatal; see `make logs NAME=kafka`"
    assert rows[2].endswith("stopped by `make down`")
    assert run(["status", "--since", "2027-01-15T08:02Z", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"at": NOW + 120, "state": "down", "problem": "stopped by `make down`"}
    ]
    assert run(["status", "--since", "yesterday"]) == 2
    assert "--since 'yesterday' is not a time; write it like" in capsys.readouterr().err


def test_a_time_may_be_so_long_ago() -> None:
    assert [read_since("--since", text, NOW) for text in ("90min", "2h", "7d")] == [
        NOW - 5_400,
        NOW - 7_200,
        NOW - 7 * 86_400,
    ]
    assert read_since("--since", "2027-01-15T08:00Z", 0.0) == NOW
    for text in ("2 weeks", "999999d"):
        with pytest.raises(SettingsError, match="2h or 7d, or like 2026-01-31"):
            read_since("--since", text, NOW)
    assert instant_text(read_since("--since", "99999d", NOW)).startswith("1753-")
