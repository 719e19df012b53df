"""Who the client of an event is taken for: by its agent, its address, and the verdicts. Pure: no session, no I/O.

An erased client has neither agent nor address any more. What was known of it stands as words in place of the agent, so
that its events count as before: see :meth:`Judgement.erased_agent`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.contracts import AGENT_GROUPS, CONVICTED, ERASED, PARDONED
from spark.events.agent_rules import agent_rules
from spark.events.agents import Agents, sort_agents
from spark.events.claims import Ranges, is_impostor

AGENTLESS, CRAWLER, TOOL, IMPOSTOR = "agentless", "bot", "tool", "impostor"
"""With the verdicts, the words that stand in place of an erased client's agent."""


@dataclass(frozen=True)
class Judgement:
    """What is known of some events' clients: whose their agents are, and the verdicts on their addresses.

    Each property is a column over ``user_agent``, ``ip_address`` and ``window_start``, never null.
    """

    agents: Agents = field(default_factory=Agents)
    ranges: Ranges = field(default_factory=lambda: Ranges({}))
    convicted: tuple[str, ...] = ()
    pardoned: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, agents: Iterable[str], ranges: Ranges, convicted: tuple[str, ...], pardoned: tuple[str, ...]
    ) -> Judgement:
        """Judge the clients of some events by their distinct agents, crawlers' address ranges, and the verdicts."""
        return cls(sort_agents(agents), ranges, convicted, pardoned)

    @property
    def is_bot(self) -> Column:
        """Whether a bot did it: by a verdict where there is one, else by the agent's own word."""
        is_declared = self.is_crawler | self.is_tool
        return (is_declared | self._is_convicted) & ~self._is_pardoned

    @property
    def is_crawler(self) -> Column:
        """Whether the agent says that it is a crawler."""
        return _word_or(CRAWLER, _is_in("user_agent", self.agents.crawlers))

    @property
    def is_tool(self) -> Column:
        """Whether the agent says that it is a library, a headless browser, a monitor or the like."""
        return _word_or(TOOL, _is_in("user_agent", self.agents.tools))

    @property
    def is_impostor(self) -> Column:
        """Whether the agent claims a known crawler's name from an address that was not that crawler's at the time."""
        claims = {name: agents for name, agents in self.agents.claims.items() if name in self.ranges.networks}
        return _word_or(IMPOSTOR, is_impostor(claims, self.ranges, agent_rules().ranges_hold_days))

    @property
    def has_no_agent(self) -> Column:
        """Whether no user agent was sent."""
        return _word_or(AGENTLESS, F.lit(False)) | F.col("user_agent").isNull()

    @property
    def agent_group(self) -> Column:
        """Which hash group the agent is in, from 0 to ``AGENT_GROUPS`` - 1; -1 where there is none."""
        digit = F.substring("user_agent", -1, 1).try_cast("int")
        group = F.pmod(F.crc32(F.col("user_agent").cast("binary")), F.lit(AGENT_GROUPS))
        return F.coalesce(F.when(_is_erased(), digit).otherwise(group), F.lit(-1))

    @property
    def erased_agent(self) -> Column:
        """What replaces the agent when the client is erased; null if there is nothing to keep."""
        words = {
            AGENTLESS: self.has_no_agent,
            CRAWLER: self.is_crawler,
            TOOL: self.is_tool,
            IMPOSTOR: self.is_impostor,
            CONVICTED: self._is_convicted,
            PARDONED: self._is_pardoned,
        }
        group = F.when(self.agent_group >= 0, self.agent_group)
        text = F.concat_ws(" ", F.lit(ERASED), *(F.when(is_so, word) for word, is_so in words.items()), group)
        return F.when(F.col("user_agent").isNotNull() | self._is_convicted | self._is_pardoned, text)

    @property
    def _is_convicted(self) -> Column:
        return _word_or(CONVICTED, _is_in("ip_address", self.convicted))

    @property
    def _is_pardoned(self) -> Column:
        return _word_or(PARDONED, _is_in("ip_address", self.pardoned))


Judge = Callable[[list[str]], Judgement]
"""From the distinct agents of some events to what is known of their clients."""


def _is_erased() -> Column:
    return F.col("ip_address") == ERASED


def _word_or(word: str, otherwise: Column) -> Column:
    """Whether the word stands for an erased client; of any other client, what ``otherwise`` says."""
    says = F.coalesce(F.concat(F.col("user_agent"), F.lit(" ")).contains(f" {word} "), F.lit(False))
    return F.when(_is_erased(), says).otherwise(otherwise)


def _is_in(column: str, values: list[str] | tuple[str, ...]) -> Column:
    return F.coalesce(F.col(column).isin(list(values)), F.lit(False)) if values else F.lit(False)
