"""Pseudonyms: what stands for a client in the marts where ``MASK_IP`` is set, such as ``5f0c19a3be27@203.0.113.0/24``.

dbt works them out in PostgreSQL, by ``dbt/macros/pseudonyms.sql``. Here they are for who gives one to a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from ipaddress import ip_address, ip_network

from lake.contracts import ERASED, UNKNOWN

DIGITS = 12
PATTERN = re.compile(rf"[0-9a-f]{{{DIGITS}}}(?:@(?P<network>[0-9a-f.:]+/\d+))?", re.ASCII)
NETWORK_BITS = {4: 24, 6: 48}
ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*[0-9A-Fa-f:])(?!\w|\.\w)", re.ASCII
)
"""What may be an address within a text: IPv4, or IPv6 without its zone."""


def is_pseudonym(text: str) -> bool:
    """Say whether a text is one, by its looks."""
    return PATTERN.fullmatch(text) is not None


def pseudonym(client: str, secret: str) -> str:
    """Return what stands for a client: digits of a keyed hash, and of an address also its network."""
    if client in (UNKNOWN, ERASED):
        return client
    digits = sha256(f"{secret}{client}".encode()).hexdigest()[:DIGITS]
    try:
        address = ip_address(client)
    except ValueError:
        return digits
    return f"{digits}@{ip_network((address, NETWORK_BITS[address.version]), strict=False)}"


def mask_addresses(text: str, secret: str) -> str:
    """Return a text with a pseudonym in the place of each address in it, whoever's it is."""

    def mask(found: re.Match[str]) -> str:
        try:
            return pseudonym(str(ip_address(found[0])), secret)
        except ValueError:  # a time has colons, too
            return found[0]

    return ADDRESS.sub(mask, text)


def client_of(text: str, clients: Iterable[str], secret: str) -> str | None:
    """Return the client for whom a pseudonym stands; None where it is none of these."""
    return next((client for client in clients if pseudonym(client, secret) == text), None)
