"""Systemd's units for the stack, as text: its start at boot, the timers beside it, and who hears of a failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lake.command import weblake_command
from lake.errors import SettingsError
from lake.settings import PROJECT
from stack.boot.plan import JOBS, WAITING, Job
from stack.programs import PROGRAMS

START_MINUTES = 30
"""More than ``weblake up`` waits in all, whatever it waits for."""
STOP_SECONDS = sum(program.stop_seconds for program in PROGRAMS) + 60
"""Supervisor stops one program after the other; the minute is for what it has lost track of."""

FAILED = 1
"""The exit code of ``weblake up`` when something did not come up in time, or not at all."""

HEAD = "# Written by `weblake service` for the stack in"

STACK = """\
[Unit]
Description=Weblake
After=network.target
RequiresMountsFor={data_quoted} {project_quoted}
# It is wanted for ever: a full disk may have room again.
StartLimitIntervalSec=0

[Service]
Type=forking
# `up` leaves many processes; this says which is supervisor.
PIDFile={data}/supervisord.pid
{common}\
# A stack that was started by hand ends first, so that there is one supervisor, and systemd knows it.
ExecStartPre={down}
ExecStart={up}
# When `up` gives up waiting for something, supervisor goes on trying, and weblake status tells. It is no reason to stop
# all. (A - before the command would make systemd overlook the death of supervisor, too.)
SuccessExitStatus={failed}
RestartForceExitStatus={failed}
# Whatever is left, also of an interrupted start.
ExecStopPost={down}
# The signal goes to supervisor alone, and it stops the programs in their order.
KillMode=mixed
TimeoutStartSec={start_minutes}min
TimeoutStopSec={stop_seconds}s
Restart=on-failure
RestartSec=60s
# Supervisor starts again what the system killed for its memory.
OOMPolicy=continue
NoNewPrivileges=yes

[Install]
WantedBy={target}
Also={others}
"""

JOB = """\
[Unit]
Description=Weblake: {title}
PartOf={name}.service
After={after}
{on_failure}
[Service]
Type=oneshot
{common}\
ExecStart={command}
# The signal is that of a stop, and rows that are long on their way are nobody's alarm.
SuccessExitStatus=SIGTERM{codes}
Nice=10
NoNewPrivileges=yes
"""

TIMER = """\
[Unit]
Description=Weblake: {title}, now and then
PartOf={name}.service

[Timer]
OnCalendar={calendar}
{persistent}\

[Install]
WantedBy={name}.service
"""

FOLLOW = """\
[Unit]
Description=Weblake: follow logs
PartOf={name}.service
After={name}.service
# It is wanted for ever: a log may come yet.
StartLimitIntervalSec=0
{on_failure}
[Service]
{common}\
# It goes on where it was, so it may be ended and started at any time, and it waits for Kafka by itself.
ExecStart={command}
Restart=always
RestartSec=10s
NoNewPrivileges=yes

[Install]
WantedBy={name}.service
"""

NOTIFY = """\
[Unit]
Description=Weblake: tell somebody that %i failed

[Service]
Type=oneshot
{common}\
# It may need the privileges of sendmail, which other units do without.
ExecStart={command}
"""


@dataclass(frozen=True)
class Boot:
    """What the units are for: their common name, the stack's data folder, its commands' environment.

    ``user`` is whom the system's units run as; None is for units of a user's own systemd. Without ``notifies``, nobody
    is told of failures. ``follow`` are the words of ``weblake import --follow``, which has a unit if there are any.
    """

    name: str
    data: Path
    environment: Mapping[str, str]
    user: str | None
    notifies: bool
    follow: tuple[str, ...] = ()


def head(data: Path) -> str:
    """Return the first line of each unit for the stack of a data folder."""
    return f"{HEAD} {data}."


def units(boot: Boot) -> dict[str, str]:
    """Return the units' texts by file name.

    Raises:
        SettingsError: the path of Python cannot be written into a unit.
    """
    texts = {f"{boot.name}.service": _stack(boot)}
    for job in JOBS:
        texts[f"{boot.name}-{job.command}.service"] = _job(boot, job)
        texts[f"{boot.name}-{job.command}.timer"] = _timer(boot, job)
    if boot.follow:
        texts[f"{boot.name}-follow.service"] = FOLLOW.format(
            name=boot.name,
            on_failure=_on_failure(boot),
            common=_common(boot),
            command=" ".join([_command("import", "--follow"), *map(_argument, boot.follow)]),
        )
    if boot.notifies:
        users = [] if boot.user else ["--user"]
        texts[f"{boot.name}-notify@.service"] = NOTIFY.format(
            common=_common(boot), command=f"{_command('notify', *users)} %i"
        )
    note = "# `weblake service` writes it again; changes of yours belong into what `systemctl edit` opens."
    return {name: f"{head(boot.data)}\n{note}\n{text}" for name, text in texts.items()}


def quoted(text: str) -> str:
    """Return a text as one word of a unit, where ``%`` and quotes mean nothing."""
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%"))


def _stack(boot: Boot) -> str:
    return STACK.format(
        data=str(boot.data).replace("%", "%%"),
        data_quoted=quoted(str(boot.data)),
        project_quoted=quoted(str(PROJECT)),
        common=_common(boot),
        up=_command("up"),
        failed=FAILED,
        down=_command("down"),
        start_minutes=START_MINUTES,
        stop_seconds=STOP_SECONDS,
        target="multi-user.target" if boot.user else "default.target",
        others=" ".join(
            [
                *(f"{boot.name}-{job.command}.timer" for job in JOBS),
                *([f"{boot.name}-follow.service"] * bool(boot.follow)),
            ]
        ),
    )


def _job(boot: Boot, job: Job) -> str:
    # What is due at once, as after a night without power, comes one by one.
    earlier = [] if job.command == "status" else [one.command for one in JOBS[: JOBS.index(job)]]
    after = [f"{boot.name}.service", *(f"{boot.name}-{command}.service" for command in earlier)]
    return JOB.format(
        name=boot.name,
        title=job.title,
        after=" ".join(after),
        on_failure=_on_failure(boot),
        common=_common(boot),
        command=_command(job.command),
        codes=f" {WAITING}" if job.command == "status" else "",
    )


def _timer(boot: Boot, job: Job) -> str:
    # What was due while the machine was off is done after its start; whether all is well is asked soon enough.
    persistent = "" if job.command == "status" else "Persistent=true\n"
    return TIMER.format(title=job.title, name=boot.name, calendar=job.calendar, persistent=persistent)


def _on_failure(boot: Boot) -> str:
    return f"OnFailure={boot.name}-notify@%n.service\n" if boot.notifies else ""


def _argument(word: str) -> str:
    """Return a word of a command line: systemd would take ``$`` for a variable."""
    return quoted(word).replace("$", "$$")


def _common(boot: Boot) -> str:
    """Return what all services have; PrivateTmp is not among it, because supervisor's socket may be in ``/tmp``."""
    lines = [f"User={boot.user}"] if boot.user else []
    lines.append(f"WorkingDirectory={str(PROJECT).replace('%', '%%')}")
    lines += [f"Environment={quoted(f'{name}={value}')}" for name, value in boot.environment.items()]
    return "".join(f"{line}\n" for line in (*lines, "UMask=0077"))


def _command(*arguments: str) -> str:
    """Return a command line: Python's path is quoted, and what follows it are plain words."""
    python, *words = weblake_command(*arguments)
    if "$" in python:  # systemd would take it for a variable, or not find the program
        raise SettingsError(f"Python is at {python!r}, and systemd cannot run a path with $; move the project's folder")
    return " ".join([quoted(python), *words])
