"""Access to the marts for other programs and for people with projects of their own."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lake.errors import SettingsError
from weblake.commands.options import Json
from weblake.commands.stack import Stack, Where
from weblake.console import note, write, write_json
from weblake.process import prepare

if TYPE_CHECKING:
    from lake.settings import Settings
    from stack.access.connect import Connection

PANEL = "Marts"

ShowPassword = Annotated[bool, typer.Option("--password", help="Show the password too.")]

app = typer.Typer()


@app.command(rich_help_panel=PANEL, epilog="Example: weblake connect --name maria --password")
def connect(
    name: Annotated[str, typer.Option(metavar="ROLE", help="Who logs in: analyst, or a sandbox.")] = "analyst",
    show_password: ShowPassword = False,
    stack: Where = Stack.EMBEDDED,
    as_json: Json = False,
) -> int:
    """Print the addresses of the marts for psql, SQLAlchemy, JDBC and pandas.

    It asks no server. Without --password it says where the password is.
    """
    from stack.access.connect import ANALYST, connection
    from stack.docker import password_file, written

    in_docker = stack is Stack.DOCKER
    settings = prepare(written=written() if in_docker else None, quiet=True)
    place = str(password_file(name)) if in_docker and name == ANALYST else ""
    addresses = connection(settings, name, place, show_password)
    if as_json:
        write_json(asdict(addresses))
    else:
        _write_addresses(addresses, show_password)
    return 0


@app.command(rich_help_panel=PANEL, epilog="Example: weblake superset --port 8090")
def superset(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where it listens, or at the next free one.")] = 8088,
) -> int:
    """Serve a dashboard of the marts with Apache Superset, on this machine, until ^C.

    The first time, it installs Superset into the data folder. Whoever can reach the port sees the dashboard; SQL Lab
    asks for the analyst's password.
    """
    from stack.superset.serve import serve

    return serve(prepare(), port)


@app.command(rich_help_panel=PANEL, epilog="Example: weblake sandbox --name maria --seconds 120")
def sandbox(
    name: Annotated[
        str, typer.Option(metavar="ROLE", help="Of the sandbox: its role and its schema, such as maria.")
    ] = "",
    seconds: Annotated[
        int | None, typer.Option(help="How long a query may take. Default: 60, or what the sandbox has.")
    ] = None,
    connections: Annotated[
        int | None, typer.Option(help="How many connections at once. Default: 5, or what the sandbox has.")
    ] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Ask, then remove the sandbox with all it holds.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Do not ask.")] = False,
    sources: Annotated[
        bool, typer.Option("--sources", help="Only print a sources.yml of the marts for a dbt project of your own.")
    ] = False,
    show_password: ShowPassword = False,
    stack: Where = Stack.EMBEDDED,
) -> int:
    """Make a login that reads the marts and writes a schema of its own.

    Run it again to change the quotas. The password is kept in stack.env in the data folder.
    """
    if sources:
        from marts.sources import sources_yml

        for line in sources_yml().rstrip().split("\n"):
            write(line)
        return 0
    if not name:
        raise SettingsError("a sandbox needs --name; give it one, such as --name maria")
    from stack.docker import written

    settings = prepare(written=written() if stack is Stack.DOCKER else None)
    if drop:
        _drop(settings, name, force)
    else:
        _make(settings, name, seconds, connections, show_password)
    return 0


def _make(settings: Settings, name: str, seconds: int | None, connections: int | None, show_password: bool) -> None:
    from stack.access.connect import connection
    from stack.access.sandbox import make_sandbox

    made = make_sandbox(settings, name, seconds, connections)
    if made.before is None:
        write(f"sandbox {name}: reads marts, writes schema {name}, {made.quota}")
    elif made.before == made.quota:
        write(f"sandbox {name}: no change, {made.quota}")
    else:
        write(f"sandbox {name}: now {made.quota}; before {made.before}. Sessions get it when they connect again")
    _write_addresses(connection(settings, name, show_password=show_password), show_password)
    note("`weblake sandbox --sources` prints the marts as sources.yml for a dbt project; docs/connect.md says more")


def _drop(settings: Settings, name: str, force: bool) -> None:
    from stack.access.sandbox import contents, drop_sandbox
    from stack.down import confirm

    number = contents(settings, name)
    question = f"Drop the role {name} and its schema, with {number} tables and views?"
    confirm(question, force, f"make sandbox NAME={name} DROP=1")
    drop_sandbox(settings, name)
    write(f"dropped sandbox {name} and its schema, with {number} tables and views")


def _write_addresses(addresses: Connection, has_password: bool) -> None:
    place = addresses.password if has_password else addresses.password_place
    lines = {
        "server": f"{addresses.host}, port {addresses.port}",
        "database": f"{addresses.database}, schema marts",
        "user": addresses.user,
        "password": place,
        "psql": addresses.psql,
        "SQLAlchemy": addresses.sqlalchemy,
        "JDBC": addresses.jdbc,
        "pandas": addresses.pandas,
    }
    for name, text in lines.items():
        write(f"{name:<12}{text}")
