"""Lines for cron: their fields, and that a command which is well prints nothing, so that cron mails nothing."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from settings_in import settings_in

from stack.boot import crontab as module
from stack.boot.crontab import crontab

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
COMMANDS = ["up", "status", "maintain", "verify"]
LONGEST = 998
"""Characters of a command that Debian's cron takes."""


def command_of(line: str) -> str:
    """What cron hands to the shell, having checked the times: up to the first % that has no backsash before it."""
    if line.startswith("@"):
        times, _, command = line.partition(" ")
        assert times == "@reboot"
    else:
        *fields, command = line.split(" ", 5)
        for field, (lowest, highest) in zip(fields, RANGES, strict=True):
            assert field == "*" or lowest <= int(field) <= highest
    assert len(command) <= LONGEST
    assert not re.search(r"(?<!\\)%", command), "cron would cut the command here"
    return command.replace("\\%", "%")


def commands(folder: Path, mail: str = "") -> list[str]:
    lines = [line for line in crontab(settings_in(folder), mail) if line[0] != "#" and not line.startswith("MAILTO=")]
    return [command_of(line) for line in lines]


def test_each_command_has_its_line(tmp_path: Path) -> None:
    found = commands(tmp_path, "ops@example.org")
    assert [
        command for line, command in zip(found, COMMANDS, strict=True) if f" weblake {command} 2>&1" in line
    ] == COMMANDS
    assert "MAILTO=ops@example.org" in crontab(settings_in(tmp_path), "ops@example.org")
    assert not any(line.startswith("MAILTO") for line in crontab(settings_in(tmp_path)))


@pytest.mark.parametrize(
    ("code", "mailed"), [(0, []), (1, COMMANDS), (3, COMMANDS), (4, COMMANDS), (5, ["up", "maintain", "verify"])]
)
def test_cron_mails_what_is_amiss_and_nothing_else(
    code: int, mailed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "50% of 'a b' $HOME"
    script = 'echo "$0 in $WEBLAKE_DATA: 100%"; exit "$1"'
    monkeypatch.setattr(module, "weblake_command", lambda command: ["sh", "-c", script, command, str(code)])
    shell = [
        subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False) for line in commands(folder)
    ]
    assert [done.stderr for done in shell] == [""] * len(COMMANDS)
    assert [done.stdout for done in shell if done.stdout] == [f"{name} in {folder}: 100%\n" for name in mailed]
