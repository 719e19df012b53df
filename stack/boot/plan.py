"""What is started at boot, and when: the same for systemd and for cron."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lake.env_file import KAFKA_ACCESS, KAFKA_SERVERS
from lake.errors import SettingsError
from lake.settings import PROJECT, Settings, by_name, load_settings

WAITING = 5
"""The exit code of ``weblake status`` that is nobody's alarm: all is well, but rows are long on their way."""
WRITTEN = (KAFKA_SERVERS, *KAFKA_ACCESS, "POSTGRES_HOST", "POSTGRES_PORT")
"""Settings that ``stack.env`` has, and knows better."""
USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Job:
    """A command that is run again and again: its name, what it does, and when, as systemd and as cron write it."""

    command: str
    title: str
    calendar: str
    crontab: str
    failures: Mapping[int, str]
    """What its exit codes mean, as a notice says it."""


JOBS = (
    Job(
        "status",
        "ask whether it is well",
        "*:0/5",
        "7 * * * *",
        {1: "it is not well", 3: "it could not be looked at", 4: "it is down"},
    ),
    Job("maintain", "merge and delete files", "*-*-* 02:30:00", "30 2 * * *", {1: "the maintenance failed"}),
    Job(
        "verify",
        "compare every stage with the one before it",
        "*-*-* 03:30:00",
        "30 3 * * *",
        {1: "a check did not hold", 3: "something could not be checked"},
    ),
)
"""The check comes after the maintenance, which must not change a count."""


def environment(settings: Settings) -> dict[str, str]:
    """Return what the commands need in their environment: where all is, and the settings that are not as by default.

    Ports, passwords and how the generator runs are in ``stack.env``, where each command finds them. No secret is here.

    Raises:
        SettingsError: a value has a line break or the like.
    """
    folder = {"WEBLAKE_DATA": str(settings.data)}
    today, texts = load_settings(folder), by_name(settings)
    names = [name for name in texts if name not in (*WRITTEN, *folder)]
    chosen = {name: texts[name] for name in names if load_settings({**folder, name: ""}) != today}
    java = shutil.which("java")
    path = USUAL_PATH.split(":")
    if java and str(Path(java).parent) not in path:
        path.insert(0, str(Path(java).parent))
    values = {**folder, **chosen, "PATH": ":".join(path)}
    for name, value in (*values.items(), ("the project's folder", str(PROJECT))):
        require_one_line(name, value)
    return values


def require_one_line(name: str, value: str) -> None:
    """Raise SettingsError where a value cannot stand in a line of systemd's or cron's."""
    if not value.isprintable() or value.endswith(("\\", " ")):
        raise SettingsError(f"{name} is {value!r}, which cannot be written into a unit or a crontab; choose another")
