"""When the marts are carried on and when they are built from the start; and that no two builds run at once."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lake.errors import WeblakeError
from lake.settings import PROJECT, Settings, child_environment, load_settings
from stack.marts import Built, State, building, reason_to_start_anew


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"WEBLAKE_DATA": str(tmp_path)})


def test_new_marts_and_a_mirror_that_moved_on_need_no_new_start() -> None:
    assert not reason_to_start_anew(State("a", 3), None, "m")
    assert not reason_to_start_anew(State("a", 9), Built("a", 3, "m"), "m")
    assert not reason_to_start_anew(State("a", 0), Built("", -1, "m"), "m")


@pytest.mark.parametrize(
    ("mirror", "models"), [(State("b", 9), "m"), (State("a", 2), "m"), (State("", -1), "m"), (State("a", 9), "n")]
)
def test_another_ledger_an_older_mirror_or_other_models_need_one(mirror: State, models: str) -> None:
    assert reason_to_start_anew(mirror, Built("a", 3, "m"), models)


def test_a_build_waits_for_the_one_before_it_and_can_be_stopped_meanwhile(settings: Settings) -> None:
    stop = threading.Event()
    with (settings.data / "marts.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(WeblakeError, match="stopped"), building(settings, stop):
            pass
    with building(settings):
        pass


@pytest.mark.stack
def test_a_build_logs_one_line_in_our_format_though_dbt_sets_up_logging_too(stack_settings: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stack.marts", "--once", "--full-refresh"],
        cwd=PROJECT,
        env=child_environment(stack_settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    ours = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING) ")
    assert [line for line in lines if not ours.match(line)] == []
    assert len([line for line in lines if "marts built: version " in line]) == 1
