"""Who the client of an event is taken for: by its agent, its address, and the verdicts. Pure: no session, no I/O.

An erased client has neither agent nor address any more. What was known of it stands as words in place of the agent, so
that its events count as before: see :meth:`Judgement.erased_agent`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.contracts import AGENT_GROUPS, CONVICTED, ERASED, PARDONED
from spark.events.agent_columns import claims, is_in, is_kind, listed
from spark.events.agent_rules import agent_rules
from spark.events.agents import Agents
from spark.events.claims import Ranges, is_impostor

AGENTLESS, APP, CRAWLER, TOOL, IMPOSTOR = "agentless", "app", "bot", "tool", "impostor"
"""With the verdicts, the words that stand in place of an erased client's agent."""


@dataclass(frozen=True)
class Judgement:
    """What is known of some events' clients: whose their agents are, and the verdicts on their addresses.

    Each property is a column over ``user_agent``, ``ip_address`` and ``window_start`` of what :meth:`look_up` returns,
    never null. ``agents`` is None where they are too many to be listed: then each row's own is looked at. ``verdicts``
    is a table of addresses and verdicts in place of ``convicted`` and ``pardoned`` where these would be too long.
    """

    agents: Agents | None = field(default_factory=Agents)
    ranges: Ranges = field(default_factory=lambda: Ranges({}))
    convicted: tuple[str, ...] = ()
    pardoned: tuple[str, ...] = ()
    verdicts: DataFrame | None = None

    @classmethod
    def of(
        cls,
        agents: Iterable[str] | None,
        ranges: Ranges,
        convicted: tuple[str, ...],
        pardoned: tuple[str, ...],
        verdicts: DataFrame | None = None,
    ) -> Judgement:
        """Judge the clients of some events by their distinct agents, crawlers' address ranges, and the verdicts.

        ``agents`` is None where there are too many: see :func:`spark.events.agent_columns.distinct_agents`.
        """
        return cls(listed(agents), ranges, convicted, pardoned, verdicts)

    def look_up(self, events: DataFrame) -> DataFrame:
        """Return events with the column ``verdict`` too, if the verdicts are in a table."""
        return events if self.verdicts is None else events.join(F.broadcast(self.verdicts), "ip_address", "left")

    @property
    def is_bot(self) -> Column:
        """Whether a bot did it: by a verdict where there is one, else by the agent's own word."""
        is_declared = self.is_crawler | self.is_tool
        return (is_declared | self._is_convicted) & ~self._is_pardoned

    @cached_property
    def is_crawler(self) -> Column:
        """Whether the agent says that it is a crawler."""
        return _word_or(CRAWLER, is_kind(self.agents, "crawler"))

    @cached_property
    def is_tool(self) -> Column:
        """Whether the agent says that it is a library, a headless browser, a monitor or the like."""
        return _word_or(TOOL, is_kind(self.agents, "tool"))

    @property
    def is_impostor(self) -> Column:
        """Whether the agent claims a known crawler's name from an address that was not that crawler's at the time."""
        known = {name: is_so for name, is_so in claims(self.agents).items() if name in self.ranges.networks}
        claim = is_impostor(known, self.ranges, agent_rules().ranges_hold_days, self.agents is not None)
        # Who claims to be somebody's crawler is a crawler or a tool; of all others, nearly all, no more is asked.
        return _word_or(IMPOSTOR, F.when(self.is_crawler | self.is_tool, claim).otherwise(F.lit(False)))

    @property
    def has_no_agent(self) -> Column:
        """Whether no user agent was sent."""
        return _word_or(AGENTLESS, F.lit(False)) | F.col("user_agent").isNull()

    @property
    def is_app(self) -> Column:
        """Whether the agent is that of an app's library, which fetches no page as browsers do."""
        agent = F.col("user_agent")
        is_app = ~agent.startswith("Mozilla/") & agent.rlike(f"(?i){agent_rules().apps.pattern}")
        return _word_or(APP, F.coalesce(is_app, F.lit(False)))

    @cached_property
    def agent_group(self) -> Column:
        """Which hash group the agent is in, from 0 to ``AGENT_GROUPS`` - 1; -1 where there is none."""
        digit = F.regexp_extract("user_agent", r"(?:^| )([0-3])\z", 1).try_cast("int")
        group = F.pmod(F.crc32(F.col("user_agent").cast("binary")), F.lit(AGENT_GROUPS))
        return F.coalesce(F.when(_is_erased(), digit).otherwise(group), F.lit(-1))

    @property
    def erased_agent(self) -> Column:
        """What replaces the agent when the client is erased; null if there is nothing to keep."""
        words = {
            AGENTLESS: self.has_no_agent,
            APP: self.is_app,
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
        return _word_or(CONVICTED, self._has_verdict(CONVICTED, self.convicted))

    @property
    def _is_pardoned(self) -> Column:
        return _word_or(PARDONED, self._has_verdict(PARDONED, self.pardoned))

    def _has_verdict(self, verdict: str, addresses: tuple[str, ...]) -> Column:
        if self.verdicts is None:
            return is_in("ip_address", addresses)
        return F.coalesce(F.col("verdict") == verdict, F.lit(False))


Judge = Callable[[list[str] | None], Judgement]
"""From the distinct agents of some events, None if they are too many, to what is known of their clients."""


def _is_erased() -> Column:
    return F.col("ip_address") == ERASED


def _word_or(word: str, otherwise: Column) -> Column:
    """Whether the word stands for an erased client; of any other client, what ``otherwise`` says."""
    says = F.coalesce(F.concat(F.col("user_agent"), F.lit(" ")).contains(f" {word} "), F.lit(False))
    return F.when(_is_erased(), says).otherwise(otherwise)
