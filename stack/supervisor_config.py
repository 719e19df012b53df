"""Supervisor's configuration: a section for each program, with the settings that concern it.

A setting stands in the sections of those programs that read it. So supervisor sees by itself which programs a change
concerns, and restarts those, when it reads the file again.
"""

from __future__ import annotations

import configparser
import hashlib
import os
import re
import sys
from pathlib import Path

from lake.errors import ServiceError, SettingsError
from lake.files import write_whole
from lake.settings import PROJECT, Settings, by_name
from stack.programs import SERVERS, Program, programs
from stack.servers.stack_env import generator_values, logins_mark

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

CONCERNED = {
    "KAFKA_KEEP_MB": ("stream",),
    "WEBLAKE_JARS": ("kafka", "stream"),
    "SHOP": ("stream",),
    "WEBLAKE_RULES": ("stream",),
    "WEBLAKE_FORMATS": ("stream",),
    "WEBLAKE_RANGES": ("stream",),
    "WEBLAKE_ALLOW": (),
    "TRUSTED_PROXIES": ("stream",),
    "WEBLAKE_CHARTS": ("charts",),
    "SPARK_MASTER": ("stream",),
    "SPARK_DRIVER_MEMORY": ("stream",),
    "TRIGGER_SECONDS": ("stream",),
    "MAX_RECORDS_PER_BATCH": ("stream",),
    "MARTS_SECONDS": ("marts",),
    "CHARTS_SECONDS": ("charts",),
    "WEBLAKE_FAIL_AT": ("stream",),
    "MIRROR_OUTAGE_HOURS": ("stream",),
    "HOT_HOURS": ("stream",),
    "KEEP_BRONZE_DAYS": ("stream",),
    "MASK_IP": ("marts", "page"),
    "SILENT_MINUTES": ("marts",),
    "FUTURE_SECONDS": ("stream",),
    "LOG_TIMEZONE": ("stream",),
    "PAGE": (),
    "PAGE_HOST": ("page",),
    "PAGE_PORT": ("page",),
    "PAGE_ALLOWED_HOSTS": ("page",),
    "SITE_TIMEZONE": ("page",),
    "METRICS_HOST": ("watch",),
    "METRICS_PORT": ("watch",),
    "VERIFY_HOURS": ("watch",),
    "WEBLAKE_ALERTS": ("watch",),
    "GENERATE": ("generator",),
    "RATE": ("generator",),
    "BOTS": ("generator",),
}
"""The programs that read a setting. One that is not here concerns all but the servers, whose ports and logins stand in
files of their own."""
LOGINS_MARK = "WEBLAKE_LOGINS"
"""Changes with every password, which programs read at their start."""
CUT = re.compile(r"\s[;#]|\n")
"""Where supervisor takes the rest of a line for a comment, or for another line."""


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
    escaped = {name: _escaped(value) for name, value in fields.items()}
    text = SUPERVISORD.format(**escaped, user=user)
    for program in programs(settings):
        text += _program_section(program, settings, escaped["data"])
    write_whole(config_file(settings), text)


def environment(program: str, settings: Settings) -> dict[str, str]:
    """Return the settings that concern a program, by name, as its section has them."""
    values = {**by_name(settings), **generator_values(settings), LOGINS_MARK: logins_mark(settings)}
    ours = () if program in SERVERS else (program,)
    return {name: value for name, value in values.items() if program in CONCERNED.get(name, ours)}


def server_url(settings: Settings) -> str:
    """Return where this folder's supervisor answers, by its configuration.

    Raises:
        configparser.Error: there is no configuration, or it is that of another folder, from which this one was copied.
    """
    parser = configparser.RawConfigParser()
    parser.read(config_file(settings))
    if parser.get("supervisord", "pidfile", fallback="") != _escaped(pid_file(settings)):
        raise configparser.Error(f"{config_file(settings)} is no configuration of this folder")
    return parser.get("supervisorctl", "serverurl").replace("%%", "%")


def _program_section(program: Program, settings: Settings, data: str) -> str:
    text = PROGRAM.format(
        name=program.name,
        python=f'"{_escaped(Path(sys.executable))}"',
        priority=program.priority,
        stop_signal=program.stop_signal,
        stop_seconds=program.stop_seconds,
        data=data.replace("%", "%%"),  # supervisor reads the path of a program's log twice over
    )
    pairs = [_pair(name, value) for name, value in environment(program.name, settings).items()]
    return text + f"environment={','.join(pairs)}\n" if pairs else text


def _pair(name: str, value: str) -> str:
    """Return a setting as supervisor reads it, which knows quotes but no escapes."""
    quote = "'" if '"' in value else '"'
    if quote in value or value.strip("\"'") != value or CUT.search(value):
        raise SettingsError(
            f"{name}={value!r} has quotes, a line's end, or a blank before ; or #, which supervisor cannot pass on; "
            "choose another value"
        )
    return f"{name}={quote}{value.replace('%', '%%')}{quote}"


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")


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
