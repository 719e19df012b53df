"""``weblake sql``: psql as the analyst, out of the wheel."""

from __future__ import annotations

from lake.settings import Settings, child_environment
from stack.servers.postgres import program
from stack.servers.processes import become

FORMATS = {"table": ("-P", "footer=off"), "csv": ("--csv",), "plain": ("-A", "-t")}
"""How psql prints an answer: columns and their names for people, the same as CSV, or bare values for scripts."""


def open_psql(settings: Settings, query: str | None, form: str = "table") -> None:
    """Become psql as the analyst: open it, or print one answer in a form of :data:`FORMATS`. Does not return."""
    server = ["--host", settings.postgres_host, "--port", str(settings.postgres_port)]
    command = [str(program("psql")), *server, "--username=analyst", "--dbname", settings.postgres_database]
    if query is not None:
        command += ["-X", *FORMATS[form], "-P", "pager=off", "-v", "ON_ERROR_STOP=1", "-c", query]
    ours = {"PGAPPNAME": "weblake sql", "PGTZ": "UTC", "PGCLIENTENCODING": "UTF8"}
    become(command, child_environment(settings, PGPASSWORD=settings.analyst_password, **ours))
