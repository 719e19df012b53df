"""The stack's command line: ``python -m stack COMMAND``; the Makefile calls it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable

import psycopg2

from lake.errors import WeblakeError
from lake.settings import Settings, child_environment, load_settings, read_env_file
from stack import docker
from stack.console import complain, say, step
from stack.setup.jars import JAR_SETS, fetch_jars, has_jars

EMBEDDED, DOCKER = "embedded", "docker"


def main() -> int:
    """Parse the command line and run the command; returns the exit code."""
    arguments = _parser().parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)sZ %(levelname)s %(message)s", stream=sys.stderr)
    logging.Formatter.converter = time.gmtime
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    run: Callable[[argparse.Namespace, Settings], int] = arguments.function
    try:
        if arguments.stack == DOCKER and run in (_up, _down, _status, _logs, _clean):
            return docker.compose(arguments.command)
        of_docker = read_env_file(docker.ENV_FILE) if arguments.stack == DOCKER else None
        return run(arguments, load_settings(of_docker))
    except (WeblakeError, psycopg2.Error) as error:
        complain(f"weblake: {str(error).strip()}")
        return 1
    except BrokenPipeError:  # `make up | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        complain("weblake: interrupted")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("--stack", choices=(EMBEDDED, DOCKER), default=EMBEDDED, help="where the services run")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace, Settings], int]) -> argparse.ArgumentParser:
        summary = function.__doc__
        added = commands.add_parser(name, help=summary, description=summary)
        added.set_defaults(function=function)
        return added

    command("setup", _setup)
    command("migrate", _migrate)
    command("up", _up)
    command("down", _down)
    command("status", _status).add_argument("--json", action="store_true", help="print JSON")
    command("logs", _logs).add_argument("name", nargs="?", default="", help="program; all when left out")
    command("clean", _clean).add_argument("--force", action="store_true", help="do not ask")
    erase = command("erase", _erase)
    erase.add_argument("--ip", required=True, help="the client's address, as the marts write it")
    erase.add_argument("--reason", default="", help="what to put on record")
    command("sql", _sql).add_argument("--query", help="print the answer to this query and end")
    command("run", _run).add_argument("name", help="program")
    return parser


def _setup(_: argparse.Namespace, settings: Settings) -> int:
    """Fetch the pinned jars and make the archive of Spark's classes, unless they are there."""
    from stack.setup.class_archive import has_archive, make_archive

    for jar_set in JAR_SETS:
        if not has_jars(settings.jars, jar_set):
            with step(f"Fetching the jars of {jar_set.name} (once, up to a minute or two)"):
                fetch_jars(settings.jars, jar_set)
    if not has_archive(settings):
        try:
            with step("Having Java keep Spark's classes, so that it starts in half the time (once, about a minute)"):
                make_archive(settings)
        except (WeblakeError, psycopg2.Error, OSError) as error:
            complain(f"{error}\nWeblake works without; `make setup` tries again.")
    return 0


def _migrate(_: argparse.Namespace, settings: Settings) -> int:
    """Create the topic, and the database's roles, rights and schemas, in the services that the settings name."""
    from stack.servers.kafka import create_topic
    from stack.servers.migrations import migrate

    create_topic(settings)
    migrate(settings)
    say(f"topic {settings.kafka_topic} and database {settings.postgres_database} are up to date")
    return 0


def _up(_: argparse.Namespace, settings: Settings) -> int:
    """Start everything and wait for the first counts and charts."""
    from stack.up import up

    up(settings)
    return 0


def _down(_: argparse.Namespace, settings: Settings) -> int:
    """Stop everything; the data stays."""
    from stack.down import down

    down(settings)
    return 0


def _status(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show processes, lags, versions and sizes; exit 1 when something is down or stale."""
    from stack.report import as_text
    from stack.status import as_json, look, problems

    status = look(settings)
    say(as_json(status) if arguments.json else as_text(status))
    return 1 if problems(status) else 0


def _logs(arguments: argparse.Namespace, settings: Settings) -> int:
    """Follow the logs of all programs, or of one."""
    from stack.logs import follow

    follow(settings, arguments.name)
    return 0


def _clean(arguments: argparse.Namespace, settings: Settings) -> int:
    """Delete the data and the charts of a stack that is down; asks first."""
    from stack.down import clean

    clean(settings, arguments.force)
    return 0


def _erase(arguments: argparse.Namespace, settings: Settings) -> int:
    """Erase a client from everything under the data folder; the stack must be up, and pauses for about a minute."""
    from stack.erase import erase

    erase(settings, arguments.ip, arguments.reason)
    return 0


def _sql(arguments: argparse.Namespace, settings: Settings) -> int:
    """Open psql as the analyst, or print one answer, unaligned."""
    from stack.servers.postgres import program

    where = ["--host", settings.postgres_host, "--port", str(settings.postgres_port)]
    command = [str(program("psql")), *where, "--username=analyst", "--dbname", settings.postgres_database]
    if arguments.query is not None:
        command += ["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", arguments.query]
    environment = child_environment(settings, PGPASSWORD=settings.analyst_password, PGAPPNAME="weblake sql", PGTZ="UTC")
    os.execve(command[0], command, environment)


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Wait for what a program needs, then become it; supervisor calls this."""
    from stack.programs import run

    run(arguments.name, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
