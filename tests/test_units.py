"""Systemd's units: what they say, and that systemd takes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from settings_in import settings_in
from unit_files import environment_of, settings_of, without_specifiers, words

from lake.errors import SettingsError
from stack.boot import units as module
from stack.boot.plan import JOBS, environment, require_one_line
from stack.boot.units import Boot, units
from stack.programs import PROGRAMS

HOSTILE = "a b%h 50%$HOME'\"\\x;#{}~"
"""A folder's name with all that means something in a unit."""


def texts(folder: Path, user: str | None = None, notifies: bool = True, follow: tuple[str, ...] = ()) -> dict[str, str]:
    return units(Boot("weblake", folder, environment(settings_in(folder)), user, notifies, follow))


def test_the_stack_is_started_as_by_hand_and_stopped_in_time(tmp_path: Path) -> None:
    unit = settings_of(texts(tmp_path)["weblake.service"])
    python = [sys.executable, "-m", "weblake"]
    assert words(unit["ExecStart"][0]) == [*python, "up"]
    assert [words(value) for value in (*unit["ExecStartPre"], *unit["ExecStopPost"])] == [[*python, "down"]] * 2
    seconds = int(unit["TimeoutStopSec"][0].removesuffix("s"))
    assert seconds > sum(program.stop_seconds for program in PROGRAMS)
    assert unit["Restart"] == ["on-failure"]


def test_logs_are_followed_by_a_unit_of_their_own_if_they_are_to_be(tmp_path: Path) -> None:
    follow = ("--source=web 1", '--log-format={time}|$x "%h"', "--", "/var/log/nginx/*.log")
    found = texts(tmp_path, follow=follow)
    unit = settings_of(found["weblake-follow.service"])
    assert words(unit["ExecStart"][0].replace("$$", "$")) == [
        sys.executable,
        "-m",
        "weblake",
        "import",
        "--follow",
        *follow,
    ]
    assert (unit["Restart"], unit["WantedBy"], unit["PartOf"]) == (["always"], ["weblake.service"], ["weblake.service"])
    assert "weblake-follow.service" in settings_of(found["weblake.service"])["Also"][0].split()
    assert "weblake-follow.service" not in texts(tmp_path)


def test_a_path_stays_what_it_is_whatever_is_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / HOSTILE
    for name, text in texts(folder).items():
        if name.endswith(".service"):
            assert environment_of(text)["WEBLAKE_DATA"] == str(folder)
    unit = settings_of(texts(folder)["weblake.service"])
    assert without_specifiers(unit["PIDFile"][0]) == f"{folder}/supervisord.pid"
    assert str(folder) in words(unit["RequiresMountsFor"][0])


def test_settings_that_were_chosen_are_in_the_units_and_no_secret_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGER_SECONDS", "7")
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SSL")  # stack.env says how to log in
    for name in ("POSTGRES_OWNER_PASSWORD", "KAFKA_PASSWORD", "SPARK_AUTH_SECRET"):
        monkeypatch.setenv(name, "of-the-vault")
    for name, text in texts(tmp_path).items():
        assert "of-the-vault" not in text
        if name.endswith(".service"):
            assert sorted(environment_of(text)) == ["PATH", "TRIGGER_SECONDS", "WEBLAKE_DATA"]
            assert environment_of(text)["TRIGGER_SECONDS"] == "7"


def test_java_is_found_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(java.parent))
    assert environment(settings_in(tmp_path))["PATH"].split(":")[0] == str(java.parent)


@pytest.mark.parametrize("user", [None, "alice"])
def test_each_timer_has_its_service_and_begins_and_ends_with_the_stack(user: str | None, tmp_path: Path) -> None:
    found = texts(tmp_path, user)
    stack = settings_of(found["weblake.service"])
    timers = [name for name in found if name.endswith(".timer")]
    assert len(timers) == len(JOBS)
    assert sorted(stack["Also"][0].split()) == sorted(timers)
    for timer in timers:
        assert timer.replace(".timer", ".service") in found
        unit = settings_of(found[timer])
        assert unit["PartOf"] == unit["WantedBy"] == ["weblake.service"]
    assert stack["WantedBy"] == ["multi-user.target" if user else "default.target"]
    assert all(settings_of(text).get("User", [None]) == [user] for name, text in found.items() if ".service" in name)


def test_a_stack_that_waits_is_nobodys_alarm_and_a_check_that_could_not_be_made_is(tmp_path: Path) -> None:
    found = texts(tmp_path)
    codes = {job.command: settings_of(found[f"weblake-{job.command}.service"])["SuccessExitStatus"] for job in JOBS}
    assert codes == {"status": ["SIGTERM 5"], "maintain": ["SIGTERM"], "verify": ["SIGTERM"]}


def test_failures_are_told_only_where_somebody_is_to_be_told(tmp_path: Path) -> None:
    with_notice, without = texts(tmp_path), texts(tmp_path, notifies=False)
    assert set(with_notice) - set(without) == {"weblake-notify@.service"}
    assert "OnFailure" not in "".join(without.values())
    for job in JOBS:
        unit = settings_of(with_notice[f"weblake-{job.command}.service"])
        assert unit["OnFailure"] == ["weblake-notify@%n.service"]


@pytest.mark.parametrize("value", ["/two\nlines", "/with\x1b[31m", "/ends with a \\", "/ends with a blank "])
def test_what_no_line_can_hold_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"LAKE_ROOT is .* choose another"):
        require_one_line("LAKE_ROOT", value)


def test_a_python_that_systemd_cannot_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "weblake_command", lambda *arguments: ["/opt/$shop/bin/python", *arguments])
    with pytest.raises(SettingsError, match=r"/opt/\$shop/bin/python.*move the project"):
        texts(tmp_path)


@pytest.mark.debian("systemd")
@pytest.mark.parametrize("user", [None, "root"])
def test_systemd_takes_the_units(user: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name, text in texts(tmp_path / HOSTILE, user, follow=("--log-format=$x", "--", f"/{HOSTILE}/*.log")).items():
        (tmp_path / name).write_text(text)
    files = sorted(str(path) for path in tmp_path.glob("weblake*"))
    assert files
    manager = "--system" if user else "--user"
    command = ["systemd-analyze", "verify", manager, "--man=no", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
