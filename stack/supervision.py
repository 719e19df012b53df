"""Supervisor, which keeps the programs running: its configuration, how it is started, asked and stopped."""

from __future__ import annotations

import configparser
import hashlib
import http.client
import os
import subprocess
import sys
import xmlrpc.client
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from lake.errors import ServiceError
from lake.files import write_whole
from lake.settings import PROJECT, Settings, child_environment
from stack.programs import SUPERVISED, Program, programs
from stack.servers.waiting import wait_until

SOCKET_PATH_LIMIT = 90
"""Bytes: a socket's path may have 107, and supervisor appends to it while it binds."""

SUPERVISORD = """\
[unix_http_server]
file={socket}
chmod=0700

[supervisord]
logfile={data}/logs/supervisor.log
logfile_maxbytes=10MB
logfile_backups=1
pidfile={data}/supervisord.pid
umask=077
directory={project}
childlogdir={data}/logs
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{socket}
"""

PROGRAM = """
[program:{name}]
command={python} -m weblake run {name}
priority={priority}
autorestart=true
startsecs=3
startretries=1000000
stopsignal={stop_signal}
stopwaitsecs={stop_seconds}
; The signal goes to the program alone (its children would die in the middle of its work), the kill to all of them.
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile={data}/logs/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


class SilentError(ServiceError):
    """Supervisor does not answer."""


class RefusalError(ServiceError):
    """Supervisor answers, and does not do what it was asked for."""


@dataclass(frozen=True)
class ProgramState:
    """What supervisor says of a program; ``pid`` 0 and ``started_at`` (epoch seconds) 0 where it does not run."""

    name: str
    state: str
    pid: int
    started_at: float

    @property
    def is_running(self) -> bool:
        """Whether it has been up for long enough to count as started."""
        return self.state == "RUNNING"


def config_file(settings: Settings) -> Path:
    """Return the path of supervisor's configuration."""
    return settings.data / "supervisord.conf"


def pid_file(settings: Settings) -> Path:
    """Return the path of the file that has supervisor's process id while it runs."""
    return settings.data / "supervisord.pid"


def write_config(settings: Settings) -> None:
    """Write supervisor's configuration for the programs that the settings ask for."""
    (settings.data / "logs").mkdir(parents=True, exist_ok=True)
    user = "user=root\n" if os.geteuid() == 0 else ""
    fields = {"data": settings.data, "socket": _socket(settings.data), "project": PROJECT}
    escaped = {name: str(value).replace("%", "%%") for name, value in fields.items()}
    text = SUPERVISORD.format(**escaped, user=user)
    for program in programs(settings):
        text += _program_section(program, settings, escaped["data"])
    write_whole(config_file(settings), text)


def start(settings: Settings) -> None:
    """Start supervisor in the background, and with it the programs.

    Raises:
        ServiceError: it did not start; the message has what it said.
    """
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config_file(settings))]
    environment = child_environment(settings, **{SUPERVISED: str(settings.data)})
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServiceError(f"supervisor did not start: {(done.stderr or done.stdout).strip()[-2000:]}")
    wait_until(lambda: is_running(settings), 15, "supervisor answers (see logs/supervisor.log)")


def is_running(settings: Settings) -> bool:
    """Say whether this stack's supervisor answers."""
    if not config_file(settings).exists():
        return False
    try:
        _call(settings, "getState")
    except RefusalError:
        return True  # it answers, if only that it is shutting down
    except SilentError:
        return False
    return True


def pid(settings: Settings) -> int:
    """Return supervisor's process id; 0 when it does not run, or is shutting down."""
    try:
        return int(_call(settings, "getPID"))
    except ServiceError:
        return 0


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment in which supervisor was started, and which its programs have; empty where unknown."""
    number = pid(settings)
    try:
        return psutil.Process(number).environ() if number else {}
    except (psutil.Error, OSError):
        return {}


def states(settings: Settings) -> dict[str, ProgramState]:
    """Return the state of each program by name; empty when supervisor does not answer."""
    try:
        processes = _call(settings, "getAllProcessInfo")
    except ServiceError:
        return {}
    return {
        info["name"]: ProgramState(info["name"], info["statename"], info["pid"], info["start"] if info["pid"] else 0)
        for info in processes
    }


def apply_config(settings: Settings) -> list[str]:
    """Make a running supervisor follow the configuration file; return what changed, in words.

    Raises:
        ServiceError: supervisor does not answer, or is shutting down.
    """
    ((added, changed, removed),) = _call(settings, "reloadConfig")
    for name in (*removed, *changed):
        _call(settings, "stopProcessGroup", name, True)
        _call(settings, "removeProcessGroup", name)
    for name in (*changed, *added):
        _call(settings, "addProcessGroup", name)
    verbs = (("started", added), ("restarted", changed), ("stopped", removed))
    return [f"{name} {verb}" for verb, names in verbs for name in names]


def stop_program(settings: Settings, name: str) -> None:
    """Stop a program, if it runs, and wait until it has ended.

    Raises:
        ServiceError: supervisor does not answer, or refuses.
    """
    _call(settings, "stopProcess", name, True)


def start_program(settings: Settings, name: str) -> None:
    """Start a program, unless it runs, and do not wait.

    Raises:
        ServiceError: supervisor does not answer, or refuses.
    """
    _call(settings, "startProcess", name, False)


def shut_down(settings: Settings) -> None:
    """Ask supervisor to stop the programs, last started first, and then itself; returns at once.

    Raises:
        ServiceError: supervisor does not answer, or is shutting down already.
    """
    _call(settings, "shutdown")


def processes(settings: Settings) -> list[psutil.Process]:
    """Return every process that supervisor started, or that those started, except PostgreSQL's children.

    They are known by a mark in their environment, so the orphans of a killed supervisor are found too.
    """
    ours = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(SUPERVISED) == str(settings.data) and process.status() != psutil.STATUS_ZOMBIE:
                ours.append(process)
    return ours


def _program_section(program: Program, settings: Settings, data: str) -> str:
    text = PROGRAM.format(
        name=program.name,
        python=f'"{sys.executable}"'.replace("%", "%%"),
        priority=program.priority,
        stop_signal=program.stop_signal,
        stop_seconds=program.stop_seconds,
        data=data.replace("%", "%%"),  # supervisor reads a program's log file twice over
    )
    if program.name == "generator":
        text += f'environment=RATE="{settings.generate_rate}",BOTS="{settings.generate_bots}",GENERATE="1"\n'
    return text


def _socket(data: Path) -> Path:
    """Return the path of supervisor's socket: in the data folder, or where that is too long in a private short one."""
    path = data / "supervisor.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    folder = Path("/tmp") / f"weblake-{os.geteuid()}"  # noqa: S108 (wherever temporary files are, this is short)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid() or folder.stat().st_mode & 0o077:
        raise ServiceError(f"{folder} is not private to this user; remove it, or set WEBLAKE_DATA to a shorter path")
    return folder / f"{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}.sock"


def _call(settings: Settings, method: str, *arguments: object) -> Any:
    """Return supervisor's answer; None where a program is already as it was asked to be.

    Raises:
        SilentError: it does not answer.
        RefusalError: it refuses, for example because it is shutting down.
    """
    from supervisor.xmlrpc import Faults

    try:
        return _answer(settings, method, *arguments)
    except xmlrpc.client.Fault as error:
        if error.faultCode in (Faults.ALREADY_STARTED, Faults.NOT_RUNNING):
            return None
        if error.faultCode == Faults.SHUTDOWN_STATE:
            raise RefusalError("the stack is shutting down; try again when it is down") from error
        what = " ".join([method, *map(str, arguments[:1])])
        raise RefusalError(f"supervisor refused {what}: {error.faultString}; see `make logs`") from error
    except (OSError, http.client.HTTPException, xmlrpc.client.Error, configparser.Error) as error:
        raise SilentError(f"supervisor does not answer ({error}); run `make down`, then `make up`") from error


def _answer(settings: Settings, method: str, *arguments: object) -> Any:
    from supervisor.xmlrpc import SupervisorTransport

    parser = configparser.RawConfigParser()
    parser.read(config_file(settings))
    transport = SupervisorTransport(None, None, parser.get("supervisorctl", "serverurl").replace("%%", "%"))
    try:
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        return getattr(proxy.supervisor, method)(*arguments)
    finally:
        transport.close()
