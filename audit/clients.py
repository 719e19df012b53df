"""Who the client of an event is taken for, in plain Python; shares no code with ``spark/``."""

from __future__ import annotations

import csv
import ipaddress
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import crawleruseragents
from is_crawler import crawler_info, crawler_signals

from lake.contracts import ERASED

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SAYS_BOT = re.compile(r"(?<![a-z])bots?(?![a-z])|crawler|spider", re.IGNORECASE)
BOT_PHONES = re.compile(r"\bcubot(?![a-z])|(?<=; )(?:[bcm]|id|power|vr)[ _]?bot(?![a-z])", re.IGNORECASE)
UNSIGNED = re.compile(
    r"CFNetwork/|Darwin/|Dalvik/|Android|iPhone|iPad|iOS|UCWEB|UCBrowser|MIDP|CLDC|\bWAP\b|UP\.(?:Browser|Link)"
    r"|Obigo|Teleca|BlackBerry|Nokia|Samsung|SonyEricsson|\bLGE?-|\bMOT-|\bSIE-|NetFront|Maui|HbbTV|Roku|smart-?tv"
    r"|^ELinks|^w3m|^Dillo|^NetSurf|^GOGGalaxyClient",
    re.IGNORECASE,
)
PEOPLE_TOO = {r"008\/", r"AP3A\.240617\.008", "Adventurer", "Blackboard", "Butterfly", "Expanse", "Fever", "Fluid"}
PEOPLE_TOO |= {"Sogou", "Sonic", "Synapse", "WhatsApp"}
LISTED = [
    (re.compile(entry["pattern"]), frozenset(entry.get("tags") or ()))
    for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA
    if entry["pattern"] not in PEOPLE_TOO
]
TOOLS = {"http-library", "browser-automation", "monitoring", "scanner"}
CRAWLERS_OF = {
    "google": "googlebot|googleother|google-inspectiontool|storebot-google|adsbot-google|mediapartners-google"
    "|apis-google|google-cloudvertexbot",
    "bing": "bingbot",
    "apple": "applebot",
    "duckduckgo": "duckduckbot",
    "openai": "gptbot|oai-searchbot|chatgpt-user",
    "perplexity": "perplexitybot|perplexity-user",
    "commoncrawl": "ccbot",
    "ahrefs": "ahrefsbot|ahrefssiteaudit",
}


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
        found = ipaddress.ip_address(address)
        is_written_v4 = address.lower().startswith("::ffff:") and "." in address  # as servers write it
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped and is_written_v4:
            found = found.ipv4_mapped
        return not any(found in network for network in self.ranges[operator])


def read_ranges(path: Path) -> dict[str, list[Network]]:
    """Return the published address ranges by operator."""
    ranges: dict[str, list[Network]] = {}
    with path.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            ranges.setdefault(row["operator"], []).append(ipaddress.ip_network(row["cidr"]))
    return ranges


def clients(ranges: Path, convicted: Iterable[str] = (), pardoned: Iterable[str] = ()) -> Clients:
    """Return what is known of clients, given the file of ranges and the verdicts."""
    return Clients(read_ranges(ranges), frozenset(convicted), frozenset(pardoned))


@lru_cache(maxsize=100_000)
def agent_kind(agent: str) -> str:
    """Return ``crawler``, ``tool`` or ``human`` by what an agent says."""
    agent = agent[:2048].strip()
    if agent in ("", "-"):
        return "human"
    words = BOT_PHONES.sub("", agent)
    signals = set(crawler_signals(words))
    if signals == {"no_browser_signature"} and UNSIGNED.search(words):
        signals = set()
    listed = next((tags for pattern, tags in LISTED if pattern.search(words)), None)
    if not signals and listed is None and not SAYS_BOT.search(words):
        return "human"
    info = crawler_info(words) if listed is None else None
    tags = listed or frozenset(info.tags if info else ())
    if tags:
        return "tool" if tags & TOOLS else "crawler"
    return "tool" if signals == {"no_browser_signature"} else "crawler"


@lru_cache(maxsize=100_000)
def claimed_operator(agent: str) -> str | None:
    """Return whose crawler an agent claims to be, of those that publish addresses."""
    words = BOT_PHONES.sub("", agent[:2048].strip())
    if agent_kind(agent) == "human":
        return None
    for operator, names in CRAWLERS_OF.items():
        if re.search(rf"(?<![a-z])(?:{names})(?![a-z])", words, re.IGNORECASE):
            return operator
    return None


def _erased(agent: str | None) -> Client:
    """Return what the words say that stand for an erased client's agent."""
    words = (agent or "").split(" ")
    kind = "crawler" if "bot" in words else "tool" if "tool" in words else "human"
    is_bot = (kind != "human" or "convicted" in words) and "pardoned" not in words
    group = int(words[-1]) if words[-1] in ("0", "1", "2", "3") else None
    return Client(kind, "impostor" in words, agent is not None and "agentless" not in words, group, is_bot)
