"""The programs of the stack: how each is started, what it waits for, how it is stopped.

Supervisor and Docker run each as ``weblake run NAME``, which waits here for what the program needs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

import psycopg2

from lake.errors import ServiceError
from lake.settings import Settings, child_environment
from stack.servers import kafka, postgres, reserve
from stack.servers.processes import become
from stack.servers.stack_env import controller_port, require_logins
from stack.servers.waiting import wait_until

SUPERVISED = "WEBLAKE_SUPERVISED"
"""Set for all that supervisor starts, to the data folder: a process that has it belongs to that stack."""

FIRST_TRAFFIC_SECONDS = 150
SAY_SECONDS = 30

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Program:
    """One program: ``priority`` orders the start, and backwards the stop; times in seconds."""

    name: str
    priority: int
    stop_signal: str = "TERM"
    stop_seconds: int = 20


SERVERS = ("kafka", "postgres")
PROGRAMS = (
    Program("kafka", 10, stop_seconds=30),
    Program("postgres", 11, stop_signal="INT", stop_seconds=30),
    Program("stream", 20, stop_seconds=40),
    Program("marts", 30, stop_seconds=30),
    Program("charts", 40),
    Program("page", 41, stop_seconds=10),
    Program("watch", 42, stop_seconds=30),
    Program("generator", 50),
)
"""In the order of their start. Supervisor stops from the end: the sender first, broker and database last."""


def programs(settings: Settings) -> tuple[Program, ...]:
    """Return the programs that these settings ask for: the generator and the page only when they are on."""
    is_on = {"generator": settings.generate, "page": settings.outlook.page}
    return tuple(program for program in PROGRAMS if is_on.get(program.name, True))


def become_server(name: str, settings: Settings) -> NoReturn:
    """Become the broker (``kafka``) or the database (``postgres``): does not return."""
    if name == "kafka":
        require_logins(settings)
        reserve.wait_for_room(settings, name)
        kafka.configure(settings, controller_port(settings))
        if not kafka.is_formatted(settings):  # its files were removed while it ran
            kafka.format_storage(settings)
        command = kafka.server_command(settings)
    else:
        postgres.clear_after_crash(settings)
        reserve.wait_for_room(settings, name)
        postgres.configure(settings)
        command = postgres.server_command(settings)
    become(command, child_environment(settings))


def wait_for_topic(settings: Settings) -> None:
    """Wait until the topic exists, for the stream."""

    def is_there() -> bool:
        return kafka.is_listening(settings) and kafka.has_topic(settings)

    _wait(is_there, f"topic {settings.kafka_topic} exists at {settings.kafka_servers} (`make up` makes it)")


def wait_for_marts(settings: Settings) -> None:
    """Wait until the database lets dbt in."""
    _wait_for_login(settings, "dbt")


def wait_for_charts(settings: Settings) -> None:
    """Wait until the database lets the charts in, and a while for counts, so that the first ones are not empty."""
    _wait_for_login(settings, "charts")
    with suppress(ServiceError):
        _wait(lambda: has_traffic(settings), "the marts have their first counts", FIRST_TRAFFIC_SECONDS)


def has_traffic(settings: Settings) -> bool:
    """Say whether the charts see counts in the marts."""
    try:
        return bool(postgres.query(settings, "charts", "select 1 from marts.traffic limit 1"))
    except psycopg2.Error:
        return False


def _wait_for_login(settings: Settings, role: str) -> None:
    words = ""

    def is_let_in() -> bool:
        nonlocal words
        refusal = postgres.refusal(settings, role)
        words = refusal.words if refusal else ""
        return refusal is None

    def say(waited: float) -> None:
        log.info("still waiting until the database lets %s in (%.0f s so far): %s", role, waited, words)

    wait_until(is_let_in, None, f"the database lets {role} in", pause_seconds=0.5, say=say, say_seconds=SAY_SECONDS)


def _wait(condition: Callable[[], bool], what: str, seconds: float | None = None) -> None:
    def say(waited: float) -> None:
        log.info("still waiting until %s (%.0f s so far)", what, waited)

    wait_until(condition, seconds, what, pause_seconds=0.5, say=say, say_seconds=SAY_SECONDS)
