"""``weblake sql``: psql as the analyst, out of the wheel."""

from __future__ import annotations

from lake.settings import Settings, child_environment
from stack.servers.postgres import program
from stack.servers.processes import become


def open_psql(settings: Settings, query: str | None) -> None:
    """Become psql as the analyst: open it, or print one answer, unaligned. Does not return."""
    server = ["--host", settings.postgres_host, "--port", str(settings.postgres_port)]
    command = [str(program("psql")), *server, "--username=analyst", "--dbname", settings.postgres_database]
    if query is not None:
        command += ["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", query]
    environment = child_environment(settings, PGPASSWORD=settings.analyst_password, PGAPPNAME="weblake sql", PGTZ="UTC")
    become(command, environment)
