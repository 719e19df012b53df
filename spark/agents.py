"""Which user agents say that they are bots: one verdict per distinct agent, never per row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import crawleruseragents

LONGEST_AGENT = 2048
SAYS_BOT = re.compile(r"(?<![a-z])bots?(?![a-z])|crawler|spider", re.IGNORECASE)
"""A bot by its own word that no list knows yet, such as ``Bot-Agent/1.0``; not the phones called CUBOT."""


@lru_cache(maxsize=100_000)
def is_declared_bot(agent: str) -> bool:
    """Return whether the agent says it is a bot: it is on the crawler-user-agents list, or uses the word."""
    agent = agent[:LONGEST_AGENT]
    return bool(crawleruseragents.is_crawler(agent)) or SAYS_BOT.search(agent) is not None


def declared_bots(agents: Iterable[str]) -> list[str]:
    """Return those of the agents that say they are bots."""
    return [agent for agent in agents if is_declared_bot(agent)]
