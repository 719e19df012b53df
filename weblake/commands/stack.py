"""The stack: start and stop it, see how it is, open its database."""

from __future__ import annotations

import time
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from weblake.process import interrupt_on_stop, prepare

if TYPE_CHECKING:
    from stack.docker import Command

PANEL = "Stack"

app = typer.Typer()


class Stack(str, Enum):
    """Where the services run."""

    EMBEDDED = "embedded"
    DOCKER = "docker"


Where = Annotated[Stack, typer.Option("--stack", help="Where the services run: as processes of yours, or in Docker.")]


@app.command(rich_help_panel=PANEL, epilog="Example: GENERATE=0 weblake up, then weblake import access.log")
def up(stack: Where = Stack.EMBEDDED) -> int:
    """Bring the stack to what the settings ask for, and wait for the first counts and charts.

    A running stack applies settings, too, such as RATE=500: what they concern is restarted. An interrupted start is
    finished by the next one.
    """
    if stack is Stack.DOCKER:
        return run_compose("up")
    from stack.disk import require_room
    from stack.up import up as start

    interrupt_on_stop()
    settings = prepare()
    require_room(settings)
    start(settings)
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
    from stack.servers.stack_env import make_passwords, remember_retention

    settings = make_passwords(prepare())
    remember_retention(settings)
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
    from stack.access.sql import open_psql
    from stack.docker import written

    settings = prepare(written=written() if stack is Stack.DOCKER else None, quiet=True)
    open_psql(settings, query, form)
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake prometheus --port 9091")
def prometheus(port: Annotated[int, typer.Option("--port", help="Where it answers.", max=65_535)] = 9090) -> int:
    """Run Prometheus in the foreground, with rules for this stack.

    It must be installed. It listens on 127.0.0.1, and keeps its series in the data folder.
    """
    from stack.prometheus.run import become_prometheus

    become_prometheus(prepare(), port)


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
