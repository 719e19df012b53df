"""Lines for cron, where there is no systemd: cron mails what a command prints, so these print only what is amiss."""

from __future__ import annotations

import shlex

from lake.command import weblake_command
from lake.settings import PROJECT, Settings
from stack.boot.plan import JOBS, WAITING, environment


def crontab(settings: Settings, mail: str = "") -> list[str]:
    """Return the lines; ``mail`` is whom cron sends to, if not the user whose crontab it is.

    Raises:
        SettingsError: a value cannot stand in a line.
    """
    head = [
        f"# The stack in {settings.data}. Add these lines with `crontab -e`.",
        "# Cron mails what they print, which is nothing while all is well.",
    ]
    return [
        *head,
        *([f"MAILTO={mail}"] if mail else []),
        _line("@reboot", settings, "up", ""),
        *(
            _line(job.crontab, settings, job.command, f"[ $? -eq {WAITING} ] || " if job.command == "status" else "")
            for job in JOBS
        ),
    ]


def _line(times: str, settings: Settings, command: str, unless: str) -> str:
    values = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment(settings).items())
    run = f"cd {shlex.quote(str(PROJECT))} && {values} {shlex.join(weblake_command(command))} 2>&1"
    # Cron takes a % for the end of the command, unless it has a backslash before it.
    return f"{times} " + f"""out=$({run}) || {unless}printf '%s\\n' "$out" """.strip().replace("%", "\\%")
