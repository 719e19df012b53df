"""Supervisor, which keeps the programs running: how it is started, asked, told of changes, and stopped."""

from __future__ import annotations

import configparser
import http.client
import socket
import subprocess
import sys
import xmlrpc.client
from dataclasses import dataclass
from typing import Any

import psutil

from lake.errors import ServiceError
from lake.password_files import is_password
from lake.settings import PROJECT, Settings, child_environment
from stack.programs import SUPERVISED
from stack.servers.waiting import wait_until
from stack.supervisor_config import LOGINS_MARK, config_file, server_url
from stack.supervisor_config import environment as environment_of

START_SECONDS = 60
AT_REST = ("STOPPED", "EXITED", "FATAL", "UNKNOWN")
"""States out of which supervisor starts a program only when it is told to."""
ANSWER_SECONDS = 4
"""How long supervisor may take to say how things are; it says so at once, unless something has frozen it."""


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


def start(settings: Settings) -> None:
    """Start supervisor in the background, and with it the programs, which read their passwords from ``stack.env``.

    Raises:
        ServiceError: it did not start; the message has what it said.
    """
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config_file(settings))]
    everything = child_environment(settings, **{SUPERVISED: str(settings.data)})
    environment = {name: value for name, value in everything.items() if not is_password(name)}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServiceError(f"supervisor did not start: {(done.stderr or done.stdout).strip()[-2000:]}")
    wait_until(lambda: is_running(settings), START_SECONDS, "supervisor answers (see logs/supervisor.log)")


def is_running(settings: Settings) -> bool:
    """Say whether this stack's supervisor answers."""
    if not config_file(settings).exists():
        return False
    try:
        _call(settings, "getState", seconds=ANSWER_SECONDS)
    except RefusalError:
        return True  # it answers, if only that it is shutting down
    except SilentError:
        return False
    return True


def pid(settings: Settings) -> int:
    """Return supervisor's process id; 0 when it does not run, or is shutting down."""
    try:
        return int(_call(settings, "getPID", seconds=ANSWER_SECONDS))
    except ServiceError:
        return 0


def is_shutting_down(settings: Settings) -> bool:
    """Say whether supervisor answers, but only that it is shutting down."""
    return is_running(settings) and not pid(settings)


def states(settings: Settings) -> dict[str, ProgramState]:
    """Return the state of each program by name; empty when supervisor does not answer."""
    try:
        processes = _call(settings, "getAllProcessInfo", seconds=ANSWER_SECONDS)
    except ServiceError:
        return {}
    return {
        info["name"]: ProgramState(info["name"], info["statename"], info["pid"], info["start"] if info["pid"] else 0)
        for info in processes
    }


def apply_config(settings: Settings) -> list[str]:
    """Make a running supervisor follow its configuration: settings that have changed, and programs that do not run.

    A program that is missing, has been stopped, or waits longer and longer between two tries, is started now.

    Returns:
        What changed, in words: "stream restarted (TRIGGER_SECONDS=5, it was 10)".

    Raises:
        ServiceError: supervisor does not answer, or is shutting down.
    """
    ((added, changed, removed),) = _call(settings, "reloadConfig")
    causes = {name: _differences(settings, name) for name in changed}
    for name in (*removed, *changed):
        _call(settings, "stopProcessGroup", name, True)
        _call(settings, "removeProcessGroup", name)
    for name in (*changed, *added):
        _call(settings, "addProcessGroup", name)
    return [
        *(f"{name} started" for name in added),
        *(f"{name} restarted{f' ({cause})' if cause else ''}" for name, cause in causes.items()),
        *(f"{name} stopped" for name in removed),
        *_start_again(settings),
    ]


def _start_again(settings: Settings) -> list[str]:
    """Start what does not run; return what was done, in words."""
    done = []
    for name, state in states(settings).items():
        if state.state == "BACKOFF":
            stop_program(settings, name)  # or supervisor would wait for the next try, minutes after many
        if state.state in (*AT_REST, "BACKOFF"):
            start_program(settings, name)
            done.append(f"{name} started again (it was {state.state.lower()})")
    return done


def _differences(settings: Settings, program: str) -> str:
    """Return the settings of a running program that are not those of today, in words; empty where that is not known."""
    state = states(settings).get(program)
    try:
        before = psutil.Process(state.pid).environ() if state and state.pid else {}
    except (psutil.Error, OSError):
        return ""
    today = environment_of(program, settings)
    changes = [
        "the passwords" if name == LOGINS_MARK else f"{name}={value}, it was {before[name]}"
        for name, value in today.items()
        if name in before and before[name] != value
    ]
    return "; ".join(changes)


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


def _call(settings: Settings, method: str, *arguments: object, seconds: float | None = None) -> Any:
    """Return supervisor's answer, for which to wait ``seconds``; None where a program is as it was asked to be already.

    Raises:
        SilentError: it does not answer.
        RefusalError: it refuses, for example because it is shutting down.
    """
    from supervisor.xmlrpc import Faults

    try:
        return _answer(settings, method, *arguments, seconds=seconds)
    except xmlrpc.client.Fault as error:
        if error.faultCode in (Faults.ALREADY_STARTED, Faults.NOT_RUNNING):
            return None
        if error.faultCode == Faults.SHUTDOWN_STATE:
            raise RefusalError("the stack is shutting down; try again when it is down") from error
        what = " ".join([method, *map(str, arguments[:1])])
        raise RefusalError(f"supervisor refused {what}: {error.faultString}; see `make logs`") from error
    except (OSError, http.client.HTTPException, xmlrpc.client.Error, configparser.Error) as error:
        raise SilentError(f"supervisor does not answer ({error}); run `make down`, then `make up`") from error


def _answer(settings: Settings, method: str, *arguments: object, seconds: float | None) -> Any:
    from supervisor.xmlrpc import SupervisorTransport

    address = server_url(settings)
    transport = SupervisorTransport(None, None, address)
    transport._get_connection = lambda: _connection(address.removeprefix("unix://"), seconds)
    try:
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        return getattr(proxy.supervisor, method)(*arguments)
    finally:
        transport.close()


def _connection(path: str, seconds: float | None) -> http.client.HTTPConnection:
    """Return a connection to supervisor's socket with a time limit, which supervisor's own has not."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(seconds)
    try:
        connection.sock.connect(path)
    except OSError:
        connection.close()
        raise
    return connection
