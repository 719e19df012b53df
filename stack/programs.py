"""The programs of the stack: how each is started, what it waits for, how it is stopped.

Supervisor runs each as ``python -m stack run NAME``, which waits and then becomes the program.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg2

from lake.errors import WeblakeError
from lake.settings import PROJECT, Settings, child_environment
from stack.servers import kafka, postgres
from stack.servers.ports import is_open
from stack.servers.stack_env import controller_port

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


PROGRAMS = (
    Program("kafka", 10, stop_seconds=30),
    Program("postgres", 11, stop_signal="INT", stop_seconds=30),
    Program("stream", 20, stop_seconds=40),
    Program("marts", 30, stop_seconds=30),
    Program("charts", 40),
    Program("generator", 50),
)
"""In the order of their start. Supervisor stops from the end: the sender first, broker and database last."""


def programs(settings: Settings) -> tuple[Program, ...]:
    """Return the programs that these settings ask for: the generator only when it is on."""
    return tuple(program for program in PROGRAMS if program.name != "generator" or settings.generate)


def run(name: str, settings: Settings) -> None:
    """Wait for what the program needs, then become it: does not return.

    Raises:
        WeblakeError: there is no such program, or it cannot run.
    """
    prepare = {
        "kafka": _kafka,
        "postgres": _postgres,
        "stream": _stream,
        "generator": _generator,
        "marts": _marts,
        "charts": _charts,
    }.get(name)
    if prepare is None:
        raise WeblakeError(f"there is no program {name!r}; the programs are {', '.join(p.name for p in PROGRAMS)}")
    command = prepare(settings)
    os.chdir(PROJECT)
    os.execvpe(command[0], command, child_environment(settings))


def _kafka(settings: Settings) -> list[str]:
    kafka.configure(settings, controller_port(settings))
    return kafka.server_command(settings)


def _postgres(settings: Settings) -> list[str]:
    postgres.clear_after_crash(settings)
    postgres.configure(settings)
    return postgres.server_command(settings)


def _stream(settings: Settings) -> list[str]:
    _wait_for_topic(settings)
    return [sys.executable, "-m", "spark"]


def _generator(settings: Settings) -> list[str]:
    _wait_for_topic(settings)
    pace = ["--rate", str(settings.generate_rate), "--bots", str(settings.generate_bots)]
    return [sys.executable, "-m", "ingest", "generate", *pace]


def _marts(settings: Settings) -> list[str]:
    _wait(lambda: postgres.accepts(settings, "dbt"), "the database to let dbt in")
    return [sys.executable, "-m", "marts.build"]


def _charts(settings: Settings) -> list[str]:
    """Wait a while for the first counts as well: charts of nothing would stand for a minute."""
    _wait(lambda: postgres.accepts(settings, "analyst"), "the database to let the analyst in")
    _wait(lambda: has_traffic(settings), "the first counts in the marts", FIRST_TRAFFIC_SECONDS)
    return [sys.executable, "-m", "viz", "--every", str(settings.charts_seconds)]


def has_traffic(settings: Settings) -> bool:
    """Say whether the analyst sees counts in the marts."""
    try:
        return bool(postgres.query(settings, "analyst", "select 1 from marts.traffic limit 1"))
    except psycopg2.Error:
        return False


def _wait_for_topic(settings: Settings) -> None:
    def is_there() -> bool:
        return is_open(kafka.port(settings)) and kafka.has_topic(settings)

    _wait(is_there, f"topic {settings.kafka_topic} at {settings.kafka_bootstrap_servers}")


def _wait(condition: Callable[[], bool], what: str, seconds: float = float("inf")) -> None:
    started = said = time.monotonic()
    while not condition() and time.monotonic() - started < seconds:
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            log.info("waiting for %s, for %.0f s by now", what, said - started)
        time.sleep(0.5)
