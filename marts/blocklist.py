"""``weblake blocklist``: the convicted addresses, for a server that is to keep them out.

Left out are crawlers that are who they say they are, the pardoned, and everyone who has bought something.
"""

from __future__ import annotations

import csv
import ipaddress
from collections.abc import Iterable
from contextlib import closing
from typing import TextIO

import psycopg2

from lake.errors import ServiceError
from lake.settings import Settings

CONVICTED = """
    select bots.ip_address, bots.class, bots.score, array_to_string(bots.reasons, ' ')
    from marts.bots
    where bots.is_convicted
        and bots.paid_checkouts = 0
        and not (bots.class = 'crawler' and bots.impostor_events = 0)
        and bots.ip_address <> 'erased'
    order by bots.ip_address
"""


def blocked(settings: Settings) -> list[tuple[str, str, int, str]]:
    """Return address, class, score and reasons of each client to keep out.

    Raises:
        ServiceError: there are no marts yet.
        psycopg2.Error: PostgreSQL does not answer.
    """
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(CONVICTED)
        except psycopg2.errors.UndefinedTable as error:
            raise ServiceError("there are no marts yet, and so no suspects; run `make dbt` first") from error
        return cursor.fetchall()


def write_blocklist(rows: Iterable[tuple[str, str, int, str]], form: str, out: TextIO) -> None:
    """Write the list: nginx ``deny`` lines, input of ``ipset restore``, or CSV with class, score and reasons."""
    if form == "csv":
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["ip_address", "class", "score", "reasons"])
        writer.writerows(rows)
        return
    if form == "ipset":
        out.write("create weblake4 hash:ip family inet -exist\ncreate weblake6 hash:ip family inet6 -exist\n")
    for address, kind, _, reasons in rows:
        if form == "nginx":
            out.write(f"deny {address};  # {kind}: {reasons}\n")
        else:
            out.write(f"add weblake{ipaddress.ip_address(address).version} {address} -exist\n")
