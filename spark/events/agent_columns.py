"""What the agents of events are, as columns: by lists in the plan while these are short, else row by row.

A list is quicker by far, but it is sent to Spark a value at a time, and again to each task. Whoever makes up a new
agent for each request would stop the stream with it. So beyond ``MOST_LISTED`` agents of bots, Spark hands each row's
agent to Python. That costs each row a little, and needs no memory that grows with the agents. The answers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import islice
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas import functions as vectorized
from pyspark.sql.pandas.types import from_arrow_type

from spark.events.agent_rules import agent_rules
from spark.events.agents import Agent, Agents, Kind, classify, sort_agents

MOST_AGENTS = 20_000
"""So many distinct agents are looked through before the rows are counted; they take at most some 100 MB."""
MOST_LISTED = 1_000
"""So many values may stand in a plan."""

OWN_WORD = pa.struct([("kind", pa.string()), ("operator", pa.string())])


def distinct_agents(events: DataFrame) -> list[str] | None:
    """Return the distinct agents of events; None where there are more than ``MOST_AGENTS``. One Spark job."""
    agents = events.select("user_agent").filter(F.col("user_agent").isNotNull()).distinct()
    return at_most([row[0] for row in agents.coalesce(1).limit(MOST_AGENTS + 1).collect()])


def at_most(agents: list[str]) -> list[str] | None:
    """Return the agents; None where there are more than ``MOST_AGENTS``."""
    return agents if len(agents) <= MOST_AGENTS else None


def listed(agents: Iterable[str] | None) -> Agents | None:
    """Sort some events' distinct agents; None where they are too many, or too many of them are bots', to be listed."""
    if agents is None:
        return None
    of_bots = (agent for agent in agents if classify(agent).kind in ("crawler", "tool"))
    first = list(islice(of_bots, MOST_LISTED + 1))
    return sort_agents(first) if len(first) <= MOST_LISTED else None


def is_kind(agents: Agents | None, kind: Kind) -> Column:
    """Whether the row's agent is a ``crawler`` or a ``tool`` by its own word; never null."""
    if agents is None:
        return F.coalesce(_own_word("kind") == kind, F.lit(False))
    return is_in("user_agent", {"crawler": agents.crawlers, "tool": agents.tools}[kind])


def claims(agents: Agents | None) -> Mapping[str, Column]:
    """Return operator -> whether the row's agent claims to be a crawler of that operator, which has known ranges."""
    if agents is None:
        return {operator: _own_word("operator") == operator for operator in agent_rules().claims}
    return {operator: is_in("user_agent", claimants) for operator, claimants in agents.claims.items() if claimants}


def is_in(column: str, values: Iterable[str]) -> Column:
    """Whether a column holds one of some values; never null."""
    values = list(values)
    return F.coalesce(F.col(column).isin(values), F.lit(False)) if values else F.lit(False)


def _own_word(field: str) -> Column:
    """What the row's own agent says of itself, ``kind`` or ``operator``; null without an agent."""
    return _in_python()("user_agent")[field]


@cache
def _in_python() -> Callable[[str], Column]:
    """The one function by which Spark asks Python: however often it stands in a plan, each row is asked about once."""
    arrow_udf: Any = vectorized.arrow_udf  # its stub wants to be told a type that the function itself warns of
    function: Callable[[str], Column] = arrow_udf(own_words, from_arrow_type(OWN_WORD))
    return function


def own_words(agents: pa.Array) -> pa.Array:
    """Return what agents say of themselves, in the columns of ``OWN_WORD``; null for a null."""
    encoded = agents.dictionary_encode()
    words: list[Agent] = [classify(agent) for agent in encoded.dictionary.to_pylist()]
    told = pa.array([{"kind": word.kind, "operator": word.operator} for word in words], OWN_WORD)
    return told.take(encoded.indices)
