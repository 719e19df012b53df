"""The stack: start and stop it, see how it is, run one of its programs."""

from __future__ import annotations

import os
import sys
import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lake.settings import PROJECT, Settings
from weblake.process import on_stop, prepare, set_up_log, stop_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.docker import Command

PANEL = "Stack"

app = typer.Typer()


class Stack(str, Enum):
    """Where the services run."""

    EMBEDDED = "embedded"
    DOCKER = "docker"


class Name(str, Enum):
    """The programs that the supervisor and Docker start."""

    KAFKA = "kafka"
    POSTGRES = "postgres"
    STREAM = "stream"
    MARTS = "marts"
    CHARTS = "charts"
    GENERATOR = "generator"


Where = Annotated[Stack, typer.Option("--stack", help="Where the services run: as processes of yours, or in Docker.")]


@app.command(rich_help_panel=PANEL, epilog="Example: GENERATE=0 weblake up, then weblake import access.log")
def up(stack: Where = Stack.EMBEDDED) -> int:
    """Start everything, and wait for the first counts and charts.

    A running stack applies GENERATE, RATE and BOTS, such as RATE=500. For other settings, stop it first.
    """
    if stack is Stack.DOCKER:
        return run_compose("up")
    from stack.up import up as start

    start(prepare())
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake down")
def down(stack: Where = Stack.EMBEDDED) -> int:
    """Stop everything; the data stays."""
    if stack is Stack.DOCKER:
        return run_compose("down")
    from stack.down import down as stop
    from stack.health.history import note_down

    settings = prepare()
    stop(settings)
    note_down(settings, time.time())
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake logs stream")
def logs(
    name: Annotated[str, typer.Argument(help="A program, such as stream. Default: all programs.")] = "",
    stack: Where = Stack.EMBEDDED,
) -> int:
    """Follow the logs of all programs, or of one."""
    if stack is Stack.DOCKER:
        return run_compose("logs", *([name] if name else []))
    from stack.logs import follow

    follow(prepare(quiet=True), name)
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake clean --force")
def clean(
    force: Annotated[bool, typer.Option("--force", help="Do not ask.")] = False, stack: Where = Stack.EMBEDDED
) -> int:
    """Ask, then delete all data and charts.

    The embedded stack must be down; Docker's is stopped.
    """
    from stack.down import clean as delete
    from stack.down import confirm

    if stack is Stack.DOCKER:
        confirm("Delete the containers and their volumes (all events, counts and charts)?", force)
        return run_compose("clean")
    delete(prepare(), force)
    return 0


@app.command(
    rich_help_panel=PANEL,
    epilog="Example: KAFKA_BOOTSTRAP_SERVERS=10.0.0.5:9092 POSTGRES_HOST=10.0.0.6 weblake migrate",
)
def migrate() -> int:
    """Create topic, roles and schemas on servers of your own.

    `weblake up` does it for the embedded servers. You may run it again at any time.
    """
    from stack.console import say
    from stack.servers.kafka import create_topic
    from stack.servers.migrations import migrate as bring_up_to_date
    from stack.servers.stack_env import make_passwords

    settings = make_passwords(prepare())
    create_topic(settings)
    for note in bring_up_to_date(settings):
        say(note)
    say(f"topic {settings.kafka_topic} and database {settings.postgres_database} are up to date")
    return 0


@app.command(rich_help_panel=PANEL, epilog='Example: weblake sql --query "select * from products limit 5"')
def sql(
    query: Annotated[
        str | None, typer.Option("--query", "-q", help="Print the answer to this query, with column names, and end.")
    ] = None,
    form: Annotated[
        Literal["table", "csv", "plain"],
        typer.Option("--format", help="Of the answer: for people, for a program, or bare values."),
    ] = "table",
    stack: Where = Stack.EMBEDDED,
) -> int:
    """Open psql as the analyst, or print the answer to one query.

    The analyst may read the marts and nothing else. But psql itself runs commands of yours (\\!) and reads your files:
    give it nobody else's text. A table shows control characters as escapes; csv and plain give them as they are.
    """
    from stack.docker import written
    from stack.sql import open_psql

    settings = prepare(written=written() if stack is Stack.DOCKER else None, quiet=True)
    open_psql(settings, query, form)
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake run stream --once")
def run(
    name: Annotated[Name, typer.Argument(metavar="NAME", help="The program.")],
    once: Annotated[
        bool, typer.Option("--once", help="For stream only: bring what Kafka holds now to PostgreSQL, and end.")
    ] = False,
) -> int:
    """Run one program of the stack in the foreground.

    It first waits for what the program needs. Supervisor and Docker use it.
    """
    if once and name is not Name.STREAM:
        raise typer.BadParameter(f"--once is for stream only, not for {name.value}")
    settings = prepare()
    os.chdir(PROJECT)
    if name is Name.STREAM:
        _run_stream(settings, once)
        return 0
    programs: dict[Name, Callable[[Settings], None]] = {
        Name.KAFKA: _become_server("kafka"),
        Name.POSTGRES: _become_server("postgres"),
        Name.MARTS: _run_marts,
        Name.CHARTS: _run_charts,
        Name.GENERATOR: _run_generator,
    }
    programs[name](settings)
    return 0


@app.command(hidden=True, epilog="Example: weblake setup")
def setup(
    lock: Annotated[
        bool, typer.Option("--lock", help="Fetch the jars anew, and write stack/setup/jars.lock from them.")
    ] = False,
) -> int:
    """Fetch the jars and make the archive of Spark's classes, unless they are there (a step of make setup)."""
    from stack.setup.prepare import lock_jars, prepare_jars

    settings = prepare(makes_data=False)
    if lock:
        lock_jars(settings)
    prepare_jars(settings)
    return 0


def run_compose(command: Command, *arguments: str) -> int:
    """Run docker compose for a command of ours; return its exit code."""
    from stack.docker import compose

    return compose(command, *arguments)


def _become_server(name: str) -> Callable[[Settings], None]:
    def become(settings: Settings) -> None:
        from stack.programs import become_server

        become_server(name, settings)

    return become


def _run_stream(settings: Settings, once: bool) -> None:
    from spark.commands.stream import run_stream
    from stack.programs import wait_for_topic

    on_stop(lambda: sys.exit(0))  # until there is a pipeline that has something to finish
    wait_for_topic(settings)
    run_stream(settings, "once" if once else "run", on_stop)


def _run_marts(settings: Settings) -> None:
    from stack.programs import wait_for_marts

    wait_for_marts(settings)
    from marts.build import Marts, run_loop
    from stack.guard import keep_watch
    from stack.health.history import keep_history

    set_up_log(settings.log_level)  # dbt has set up one of its own
    stop = stop_event()
    threading.Thread(name="guard", target=keep_watch, args=(settings, stop), daemon=True).start()
    threading.Thread(name="history", target=keep_history, args=(settings, stop), daemon=True).start()
    run_loop(Marts(settings), settings, stop)


def _run_charts(settings: Settings) -> None:
    from stack.programs import wait_for_charts
    from viz.draw import draw_every
    from viz.marts import connect

    wait_for_charts(settings)
    draw_every(settings.charts_seconds, connect(settings), settings, stop_event())


def _run_generator(settings: Settings) -> None:
    from ingest.generator import GeneratorOptions, run_generator

    run_generator(settings, GeneratorOptions(settings.generate_rate, settings.generate_bots), stop_event())
