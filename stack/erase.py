"""``weblake erase``: a client taken out of everything under the data folder.

The programs stop for it, for about a minute, and start again; what is sent meanwhile waits in Kafka. Each step may be
done again, so an erasure that was interrupted is finished by another one.
"""

from __future__ import annotations

import json
import mmap
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psycopg2
from psycopg2 import sql

from lake.addresses import address_pattern
from lake.command import weblake_command
from lake.contracts.records import ErasureRecord
from lake.contracts.reports import read_stream_report
from lake.errors import ServiceError
from lake.settings import PROJECT, Settings, child_environment
from lake.space import require_space
from stack import supervision
from stack.console import say, step
from stack.programs import SERVERS, programs
from stack.servers import kafka, postgres
from stack.servers.blockers import clear_way, end_readers
from stack.servers.kafka_log import drop_records
from stack.servers.migrations import SCHEMAS
from stack.servers.waiting import wait_until
from stack.turns import turn

ERASE = "`make erase`"
START_SECONDS = 120
FOREIGN_SECONDS = 600
"""How long a sandbox's table may take: an index of it may call functions that never end."""
TRUTH = "truth/clients.csv"
OUR_TABLES = "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"


def erase(settings: Settings, address: str, reason: str) -> None:
    """Erase a client from the lake, PostgreSQL, Kafka, the truth about made-up clients, and logs; then look for it.

    Raises:
        ServiceError: the stack is down, a step failed, or the address is still somewhere.
        SpaceError: the disk is nearly full.
    """
    require_space(settings, "no erasure begins")
    if not supervision.is_running(settings):
        raise ServiceError("the stack is down, and so are the databases to erase from; run `make up` first")
    with turn(settings, ERASE), at_rest(settings):
        with step("The lake: read what Kafka holds, rewrite bronze and ledger, fill PostgreSQL again"):
            record = read_record(_run(settings, "erase", "--lake-only", f"--ip={address}", f"--reason={reason}"))
        with step("The marts: build them from the start"):
            _run(settings, "dbt", "--full-refresh")
        ended: list[str] = []
        with step("PostgreSQL: rewrite tables, statistics and log"):
            rewrite_database(settings, ended.append)
        for line in ended:
            say(line)
        with step("Kafka: remove the records that bronze holds"):
            _trim_kafka(settings)
        with step("Logs, and the truth about made-up clients: remove the address"):
            pattern = re.compile(address_pattern(address).encode())
            _drop_lines(settings.data / TRUTH, pattern)
            _blank(settings, pattern)
        with step("The charts: draw them again"):
            _run(settings, "charts")
        remaining = files_with(settings.data, pattern)
    if remaining:
        names = ", ".join(map(str, remaining))
        raise ServiceError(f"the address is still in {names}; please report it, and erase it again")
    say(
        f"erased: {record.own:,} rows of the client's own, {record.rejected:,} rejected ones and "
        f"{record.others:,} that mentioned it; {record.entries:,} entries of the ledger"
        + (f"; bronze begins at the horizon, {record.horizon}" if record.horizon else "")
    )


@contextmanager
def at_rest(settings: Settings) -> Iterator[None]:
    """Stop all programs but the servers, and start them again at the end, also after an error.

    Raises:
        ServiceError: supervisor does not say what runs, or a program could not be stopped or started.
    """
    states = supervision.states(settings)
    if not states:
        raise ServiceError("supervisor does not say what runs; run `make down`, `make up`, and `make erase` again")
    names = [one.name for one in reversed(programs(settings)) if one.name in states and one.name not in SERVERS]
    with ExitStack() as ending:  # one that does not start keeps none of the others down
        for name in (*names, *reversed(SERVERS)):  # the last one starts first
            ending.callback(supervision.start_program, settings, name)
        with step(f"Stopping {', '.join(names)}"):
            for name in names:
                supervision.stop_program(settings, name)
        yield


def read_record(output: str) -> ErasureRecord:
    """Return the record at the end of what the erasure of the lake printed; Delta prints lines of its own before it.

    Raises:
        ServiceError: there is none.
    """
    _, brace, rest = output.partition("{\n")
    try:
        return ErasureRecord.of(json.loads(brace + rest))
    except (ValueError, TypeError) as error:
        raise ServiceError(
            f"the erasure of the lake printed no record; run `make erase` again. Its output:\n{output.strip()[-2000:]}"
        ) from error


def rewrite_database(settings: Settings, note: Callable[[str], None]) -> None:
    """Make PostgreSQL rewrite its tables and statistics without deleted rows, and drop its log up to now.

    Sessions of readers that are in the way are ended; ``note`` gets a line for each.

    Raises:
        ServiceError: PostgreSQL refused, or somebody who is no reader is in the way; the message names the session.
    """
    try:
        tables = [(str(schema), str(table)) for schema, table in postgres.query(settings, postgres.OWNER, OUR_TABLES)]
        with (
            closing(postgres.connect(settings, postgres.OWNER)) as connection,
            clear_way(settings, connection, note),
            connection.cursor() as cursor,
        ):
            end_readers(connection, note)
            for table in tables:
                limit = "0" if table[0] in SCHEMAS else f"{FOREIGN_SECONDS}s"
                cursor.execute("select set_config('statement_timeout', %s, false)", (limit,))
                cursor.execute(sql.SQL("vacuum (full, analyze) {}").format(sql.Identifier(*table)))
            cursor.execute("set statement_timeout = 0")
            cursor.execute("vacuum full pg_catalog.pg_statistic")
            for _ in range(2):  # the first checkpoint still needs the log since the one before it
                cursor.execute("select pg_switch_wal()")
                cursor.execute("checkpoint")
    except psycopg2.Error as error:
        raise ServiceError(
            f"PostgreSQL could not be rewritten: {str(error).strip()}; run `make erase` again"
        ) from error


def _trim_kafka(settings: Settings) -> None:
    stream = read_stream_report(settings.stream_file)
    if stream is None:
        raise ServiceError(f"{settings.stream_file} does not say what bronze has read; run `make erase` again")
    supervision.stop_program(settings, "kafka")
    drop_records(kafka.home(settings) / "log", settings.kafka_topic, stream.bronze.next_offsets)
    supervision.start_program(settings, "kafka")
    wait_until(
        lambda: kafka.has_topic(settings), START_SECONDS, "Kafka knows its topic again (see `make logs NAME=kafka`)"
    )


def _drop_lines(path: Path, pattern: re.Pattern[bytes]) -> None:
    """Leave out the lines of a small file that hold the address."""
    if path.exists():
        path.write_bytes(b"".join(line for line in path.read_bytes().splitlines(True) if not pattern.search(line)))


def _blank(settings: Settings, pattern: re.Pattern[bytes]) -> None:
    """Write over the address in files that are neither a server's nor the lake's; others may hold those open."""
    servers = (kafka.home(settings), postgres.home(settings), Path(settings.lake_root))
    for path in files_with(settings.data, pattern):
        if not any(path.is_relative_to(folder) for folder in servers):
            with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
                for match in pattern.finditer(content):
                    content[match.start() : match.end()] = b"x" * (match.end() - match.start())


def files_with(folder: Path, pattern: re.Pattern[bytes]) -> list[Path]:
    """Return the files below ``folder`` that hold the address."""
    paths = []
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError):  # servers remove files of theirs meanwhile
            if path.is_file() and path.stat().st_size and _holds(path, pattern):
                paths.append(path)
    return paths


def _holds(path: Path, pattern: re.Pattern[bytes]) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return pattern.search(content) is not None


def _run(settings: Settings, *arguments: str) -> str:
    """Run one of our commands and return what it printed.

    Raises:
        ServiceError: it failed; the message has the end of what it said.
    """
    environment = child_environment(settings)
    done = subprocess.run(
        weblake_command(*arguments), cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ServiceError(
            f"`weblake {arguments[0]}` failed; run `make erase` again. Its output:\n{done.stderr.strip()[-2000:]}"
        )
    return done.stdout
