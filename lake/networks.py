"""Networks of addresses, and files that list them."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from lake.errors import RulesError, shown
from lake.rules_file import read_bytes

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def as_network(text: str) -> Network:
    """Return an address or a network, as IPv4 if it is that within IPv6.

    Raises:
        ValueError: it is neither, or a bit is set behind the network's.
    """
    network = ipaddress.ip_network(text)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96 and network.network_address.ipv4_mapped:
        return ipaddress.ip_network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return network


def read_networks(path: Path) -> list[Network]:
    """Return the networks of a file: one address or network a line; ``#`` begins a comment.

    Raises:
        RulesError: the file cannot be read, or a line is neither; the message names it.
    """
    networks: list[Network] = []
    for number, line in enumerate(read_bytes(path).decode(errors="replace").splitlines(), start=1):
        text = line.partition("#")[0].strip()
        try:
            networks += [as_network(text)] if text else []
        except ValueError as error:
            raise RulesError(
                f"{path}, line {number}: {shown(text)} is no address and no network; write it like 198.51.100.7 or "
                "198.51.100.0/24, with no bit set behind the network's"
            ) from error
    return networks
