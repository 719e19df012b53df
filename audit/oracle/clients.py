"""Who the client of an event is taken for, in plain Python; shares no code with ``spark/``."""

from __future__ import annotations

import csv
import datetime as dt
import ipaddress
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from audit.oracle.agents import agent_kind, check_words, claimed_operator, is_app, ranges_hold_days
from audit.oracle.times import SECOND
from lake.contracts import ERASED
from lake.errors import RulesError, shown

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
DAY = 86_400 * SECOND
INTERNAL = [
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
]
"""Nobody's crawler has such an address: it is that of a proxy, which says nothing of who came through it."""
NEVER, ALWAYS = (0, 0), (-(2**62), 2**62)
"""Spans of time in microseconds since 1970, the end not included."""


@dataclass(frozen=True)
class Client:
    """What is known of an event's client; ``agent_group`` is 0 to 3, None without an agent.

    Its events from ``impostor_from`` up to, not including, ``impostor_until`` (microseconds) are an impostor's.
    """

    kind: str = "human"
    impostor_from: int = 0
    impostor_until: int = 0
    has_agent: bool = True
    is_app: bool = False
    agent_group: int | None = None
    is_bot: bool = False


@dataclass(frozen=True)
class Published:
    """The addresses of an operator's crawlers, and the date of its newest list."""

    networks: list[Network] = field(default_factory=list)
    as_of: dt.date = dt.date.min


@dataclass(frozen=True)
class Clients:
    """Knows the published addresses of crawlers, and the verdicts."""

    ranges: dict[str, Published] = field(default_factory=dict)
    convicted: frozenset[str] = frozenset()
    pardoned: frozenset[str] = frozenset()

    def of(self, address: str, agent: str | None) -> Client:
        """Return what is known of a client."""
        if address == ERASED:
            return _erased(agent)
        kind = agent_kind(agent or "")
        is_bot = (kind in ("crawler", "tool") or address in self.convicted) and address not in self.pardoned
        group = None if agent is None else zlib.crc32(agent.encode()) % 4
        span = self._impostor_span(address, agent or "")
        return Client(kind, *span, agent is not None, is_app(agent or ""), group, is_bot)

    def origin(self, address: str) -> Address | None:
        """Return an address that is evidence; None for what is none, or is an internal network's."""
        try:
            origin = ipaddress.ip_address(address)
        except ValueError:
            return None  # a hostname, an anonymised address, or none at all
        is_written_v4 = address.lower().startswith("::ffff:") and "." in address  # as servers write it
        if isinstance(origin, ipaddress.IPv6Address) and origin.ipv4_mapped and is_written_v4:
            origin = origin.ipv4_mapped
        return None if any(origin in network for network in INTERNAL) else origin

    def _impostor_span(self, address: str, agent: str) -> tuple[int, int]:
        operator = claimed_operator(agent)
        if operator not in self.ranges:
            return NEVER
        published, origin = self.ranges[operator], self.origin(address)
        if origin is None or any(origin in network for network in published.networks):
            return NEVER
        date = dt.datetime.combine(published.as_of, dt.time(), dt.timezone.utc)
        noted, days = round(date.timestamp()) * SECOND, ranges_hold_days()
        return noted - days * DAY, noted + (days + 1) * DAY


def read_ranges(path: Path) -> dict[str, Published]:
    """Return the published address ranges by operator.

    Raises:
        RulesError: the file cannot be read, or a line is no range of an operator.
    """
    ranges: dict[str, Published] = {}
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                before = ranges.get(row["operator"], Published())
                networks = [*before.networks, ipaddress.ip_network(row["cidr"])]
                as_of = max(before.as_of, dt.date.fromisoformat(row["as_of"]))
                ranges[row["operator"]] = Published(networks, as_of)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise RulesError(
            f"{path} is no list of address ranges ({shown(error)}); restore it, or correct its path"
        ) from error
    return ranges


def clients(ranges: Path, convicted: Iterable[str] = (), pardoned: Iterable[str] = ()) -> Clients:
    """Return what is known of clients, given the file of ranges and the verdicts.

    Raises:
        RulesError: the ranges or the rules for agents cannot be used.
    """
    check_words()
    return Clients(read_ranges(ranges), frozenset(convicted), frozenset(pardoned))


def _erased(agent: str | None) -> Client:
    """Return what the words in place of an erased client's agent say."""
    words = (agent or "").split(" ")
    kind = "crawler" if "bot" in words else "tool" if "tool" in words else "human"
    is_bot = (kind != "human" or "convicted" in words) and "pardoned" not in words
    group = int(words[-1]) if words[-1] in ("0", "1", "2", "3") else None
    span = ALWAYS if "impostor" in words else NEVER
    return Client(kind, *span, agent is not None and "agentless" not in words, "app" in words, group, is_bot)
