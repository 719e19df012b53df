"""The proxies in front of the shop, whose word on who the client is counts: the setting ``TRUSTED_PROXIES``."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from lake.errors import SettingsError, shown
from lake.networks import Network, as_network, read_networks

NAME = "TRUSTED_PROXIES"
FOLDER = Path(__file__).resolve().parent / "rules" / "proxies"
"""The named lists of networks, one file each: ``cloudflare.txt`` is ``cloudflare``."""
PRIVATE, NOBODY = "private", "none"
"""Addresses that are nobody's on the Internet; and a word that takes even those away."""
PRIVATE_NETWORKS = ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
"""RFC 1918, loopback, and IPv6's unique local addresses."""


@dataclass(frozen=True)
class Proxies:
    """The networks of trusted proxies, none within another; and whether ``localhost`` and Unix sockets are trusted."""

    networks: tuple[Network, ...] = ()
    are_local: bool = False

    def of_version(self, version: int) -> tuple[Network, ...]:
        """Return the networks of IPv4 or of IPv6."""
        return tuple(network for network in self.networks if network.version == version)


def check_proxies(text: str) -> str:
    """Return the setting as it is, without reading the lists that it names.

    Raises:
        SettingsError: an item is neither a network nor a list that is there; the message names it.
    """
    for item in _items(text):
        if item not in (PRIVATE, NOBODY) and _list_file(item) is None:
            _network(item)
    return text


@cache
def load_proxies(text: str) -> Proxies:
    """Return what the setting names: ``private`` and what is listed, or without ``private`` if ``none`` is among it.

    Items are addresses, networks, names of lists and paths of files like those; commas or blanks are between them.

    Raises:
        SettingsError: an item is neither a network nor a list.
        RulesError: a list cannot be read, or has a line that is no network.
    """
    items = _items(text)
    is_private = NOBODY not in items
    networks = [ipaddress.ip_network(one) for one in PRIVATE_NETWORKS] if is_private else []
    for item in items:
        if item not in (PRIVATE, NOBODY):
            path = _list_file(item)
            networks += [_network(item)] if path is None else read_networks(path)
    return Proxies(_collapsed(networks), is_private)


def with_lists(text: str) -> str:
    """Return the setting, and where it names lists a hash of what they say: they change, and the setting does not."""
    if not any(_list_file(item) for item in _items(text) if item not in (PRIVATE, NOBODY)):
        return text
    networks = " ".join(map(str, load_proxies(text).networks))
    return f"{text} ({sha256(networks.encode()).hexdigest()[:7]})"


def _items(text: str) -> list[str]:
    return [item for item in re.split(r"[\s,]+", text) if item]


def _list_file(item: str) -> Path | None:
    """Return the file that an item names, which is there; None if it names none."""
    path = Path(item) if item.startswith("/") else FOLDER / f"{item}.txt"
    return path if re.fullmatch(r"/.*|[a-z][a-z0-9_-]*", item) and path.is_file() else None


def _network(item: str) -> Network:
    try:
        return as_network(item)
    except ValueError as error:
        raise SettingsError(
            f"{NAME}: {shown(item)} is no address, no network such as 198.51.100.0/24 (with no bit set behind the "
            f"network's), and no list; a list is a file of networks, one a line: its path, or its name if it is "
            f"{FOLDER}/NAME.txt"
        ) from error


def _collapsed(networks: Iterable[Network]) -> tuple[Network, ...]:
    fours = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    sixes = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return (*ipaddress.collapse_addresses(fours), *ipaddress.collapse_addresses(sixes))
