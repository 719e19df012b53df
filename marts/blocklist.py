"""``weblake blocklist``: the convicted addresses, for a server that is to keep them out.

Left out are crawlers that are who they say they are, the pardoned, everyone who has bought something, addresses with
many people behind them, and addresses that must not be shut out: those that are not public, this machine's own, and
those of a file.
"""

from __future__ import annotations

import csv
import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TextIO, TypeAlias

import psutil
import psycopg2

from lake.addresses import Address
from lake.errors import ServiceError
from lake.networks import Network, read_networks
from lake.settings import Settings
from lake.text import printable

CONVICTED = """
    select bots.ip_address, bots.class, bots.score, array_to_string(bots.reasons, ' ')
    from staging.bots
    where bots.is_convicted
        and bots.paid_checkouts = 0
        and not bots.is_crowd
        and not (bots.class = 'crawler' and bots.impostor_events = 0)
        and bots.ip_address <> 'erased'
    order by bots.score desc, bots.ip_address
"""
UNICAST_6 = ipaddress.ip_network("2000::/3")
"""All global unicast addresses of IPv6."""

Row: TypeAlias = tuple[str, str, int, str]
"""Address, class, score and reasons of a client."""


@dataclass(frozen=True)
class Entry:
    """A client to keep out."""

    address: Address
    class_name: str
    score: int
    reasons: str


@dataclass(frozen=True)
class Blocklist:
    """Whom to keep out, by address, and how many are left out for which reason."""

    entries: list[Entry] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def blocklist(settings: Settings) -> Blocklist:
    """Return whom to keep out.

    Raises:
        ServiceError: there are no marts yet.
        RulesError: the file of addresses that must not be listed cannot be read.
        psycopg2.Error: PostgreSQL does not answer.
    """
    allowed = read_networks(settings.allow_file)
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(CONVICTED)
        except psycopg2.errors.UndefinedTable as error:
            raise ServiceError("there are no marts yet, and so no suspects; run `make dbt` first") from error
        return select(cursor.fetchall(), allowed, own_addresses(), settings.allow_file.name)


def select(rows: Iterable[Row], allowed: Sequence[Network], own: set[Address], file_name: str) -> Blocklist:
    """Return the clients that may be kept out, each under one spelling of its address: IPv6 that is IPv4 as IPv4."""
    entries: dict[Address, Entry] = {}
    left_out: Counter[str] = Counter()
    for text, class_name, score, reasons in rows:
        address = read_address(text)
        if address is None:
            left_out["no address"] += 1
        elif not _is_public(address):
            left_out["not a public address"] += 1
        elif address in own:
            left_out["an address of this machine"] += 1
        elif any(address in network for network in allowed):
            left_out[f"in {file_name}"] += 1
        elif address in entries:
            left_out["another spelling of an address in the list"] += 1
        else:
            entries[address] = Entry(address, class_name, score, reasons)
    return Blocklist(sorted(entries.values(), key=lambda entry: (entry.address.version, entry.address)), left_out)


def read_address(text: str) -> Address | None:
    """Return the address, as IPv4 if it is that within IPv6; None if it is none, or one of a single link."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return None if address.scope_id else address.ipv4_mapped or address


def own_addresses() -> set[Address]:
    """Return the addresses of this machine."""
    texts = [address.address for addresses in psutil.net_if_addrs().values() for address in addresses]
    return {address for address in map(read_address, texts) if address}


def _is_public(address: Address) -> bool:
    is_unicast = address in UNICAST_6 if address.version == 6 else not address.is_multicast
    return address.is_global and is_unicast


def write_blocklist(entries: Iterable[Entry], form: str, out: TextIO) -> None:
    """Write the list: nginx ``deny`` lines, input of ``ipset restore``, or CSV with class, score and reasons."""
    if form == "csv":
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["ip_address", "class", "score", "reasons"])
        for entry in entries:
            writer.writerow([entry.address, printable(entry.class_name), entry.score, printable(entry.reasons)])
        return
    if form == "ipset":
        out.write("create weblake4 hash:ip family inet -exist\ncreate weblake6 hash:ip family inet6 -exist\n")
    for entry in entries:
        if form == "nginx":
            out.write(f"deny {entry.address};  # {printable(f'{entry.class_name}: {entry.reasons}')}\n")
        else:
            out.write(f"add weblake{entry.address.version} {entry.address} -exist\n")
