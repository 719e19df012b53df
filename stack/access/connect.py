"""``weblake connect``: how other programs reach the marts, for a role and in each program's own words."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from psycopg2.extensions import make_dsn

from lake.env_file import read_env_file
from lake.errors import ServiceError
from lake.password_files import password_name
from lake.settings import STACK_FILE, Settings

ANALYST = "analyst"
QUESTION = "select * from marts.products limit 10"


@dataclass(frozen=True)
class Connection:
    """Where a role finds the marts: the server, and addresses that have the password only if asked for."""

    host: str
    port: int
    database: str
    user: str
    psql: str
    sqlalchemy: str
    jdbc: str
    pandas: str
    password: str = field(repr=False)
    password_place: str
    """The file or the environment that has the password, and its name there."""


def connection(settings: Settings, role: str, place: str = "", show_password: bool = False) -> Connection:
    """Return the addresses of the database for ``analyst`` or a sandbox; asks no server.

    Args:
        settings: With the server's address.
        role: Who logs in.
        place: The place of the password, for people. Default: ``stack.env`` in the data folder, or the environment.
        show_password: Whether the password is part of the addresses.

    Raises:
        ServiceError: the sandbox is not there, or a password that is to be shown is not.
    """
    name, file = password_name(role), settings.data / STACK_FILE
    written = read_env_file(file).get(name, "")
    password = settings.analyst_password if role == ANALYST else written
    if not password and (show_password or role != ANALYST):
        step = "run `make up`, or set it" if role == ANALYST else f"run `make sandbox NAME={role}` to make this sandbox"
        raise ServiceError(f"{place or file} has no {name}; {step}")
    shown = password if show_password else ""
    host, port, database = settings.postgres_host, settings.postgres_port, settings.postgres_database
    server = f"{f'[{host}]' if ':' in host else host}:{port}/{quote(database, safe='')}"
    login = {"user": role, **({"password": shown} if shown else {})}
    secret = f":{quote(shown, safe='')}" if shown else ""
    url = f"postgresql+psycopg2://{quote(role, safe='')}{secret}@{server}"
    return Connection(
        host=host,
        port=port,
        database=database,
        user=role,
        psql=f"psql {shlex.quote(make_dsn(host=host, port=port, dbname=database, **login))}",
        sqlalchemy=url,
        jdbc=f"jdbc:postgresql://{server}?{urlencode(login, quote_via=quote, safe='')}",
        pandas=f"pandas.read_sql({QUESTION!r}, {url!r})",
        password=shown,
        password_place=place or f"{name} in {file if written or not password else 'the environment'}",
    )
