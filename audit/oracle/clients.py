"""Who the client of an event is taken for, in plain Python; shares no code with ``spark/``."""

from __future__ import annotations

import csv
import ipaddress
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from audit.oracle.agents import agent_kind, check_words, claimed_operator
from lake.contracts import ERASED
from lake.errors import RulesError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Client:
    """What is known of an event's client; ``agent_group`` is 0 to 3, None without an agent."""

    kind: str = "human"
    is_impostor: bool = False
    has_agent: bool = True
    agent_group: int | None = None
    is_bot: bool = False


@dataclass(frozen=True)
class Clients:
    """Knows the published addresses of crawlers, and the verdicts."""

    ranges: dict[str, list[Network]] = field(default_factory=dict)
    convicted: frozenset[str] = frozenset()
    pardoned: frozenset[str] = frozenset()

    def of(self, address: str, agent: str | None) -> Client:
        """Return what is known of a client."""
        if address == ERASED:
            return _erased(agent)
        kind = agent_kind(agent or "")
        is_bot = (kind in ("crawler", "tool") or address in self.convicted) and address not in self.pardoned
        group = None if agent is None else zlib.crc32(agent.encode()) % 4
        return Client(kind, self._is_impostor(address, agent or ""), agent is not None, group, is_bot)

    def _is_impostor(self, address: str, agent: str) -> bool:
        operator = claimed_operator(agent)
        if operator not in self.ranges:
            return False
        origin = ipaddress.ip_address(address)
        is_written_v4 = address.lower().startswith("::ffff:") and "." in address  # as servers write it
        if isinstance(origin, ipaddress.IPv6Address) and origin.ipv4_mapped and is_written_v4:
            origin = origin.ipv4_mapped
        return not any(origin in network for network in self.ranges[operator])


def read_ranges(path: Path) -> dict[str, list[Network]]:
    """Return the published address ranges by operator.

    Raises:
        RulesError: the file cannot be read, or a line is no range of an operator.
    """
    ranges: dict[str, list[Network]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                ranges.setdefault(row["operator"], []).append(ipaddress.ip_network(row["cidr"]))
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise RulesError(f"{path} is no list of address ranges ({error!r}); restore it, or correct its path") from error
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
    return Client(kind, "impostor" in words, agent is not None and "agentless" not in words, group, is_bot)
