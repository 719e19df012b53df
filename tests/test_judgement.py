"""Who a client is taken for, before its erasure and after it, by the stream and by the audit."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from frames import START
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from audit.oracle import clients
from audit.oracle.times import SECOND
from lake.contracts import ERASED
from lake.settings import load_settings
from spark.events.agents import sort_agents
from spark.events.claims import load_ranges
from spark.events.judgement import Judgement

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CONVICTED, PARDONED = ("198.51.100.1",), ("198.51.100.2",)
SEEN = {
    "a person": ("203.0.113.7", BROWSER),
    "a person without an agent": ("203.0.113.7", None),
    "a crawler": ("66.249.66.1", GOOGLE),
    "an impostor": ("203.0.113.7", GOOGLE),
    "a tool": ("203.0.113.7", "curl/8.5.0"),
    "a convicted browser": (CONVICTED[0], BROWSER),
    "a convicted client without an agent": (CONVICTED[0], None),
    "a pardoned tool": (PARDONED[0], "curl/8.5.0"),
}
KNOWN = ("is_bot", "is_crawler", "is_tool", "is_impostor", "has_no_agent", "agent_group")


@pytest.fixture
def judgement() -> Judgement:
    agents = sort_agents({agent for _, agent in SEEN.values() if agent})
    return Judgement(agents, load_ranges(load_settings().ranges_file), CONVICTED, PARDONED)


def known(rows: DataFrame, judgement: Judgement) -> list[tuple[object, ...]]:
    told = rows.select("place", *(getattr(judgement, name).alias(name) for name in KNOWN)).orderBy("place")
    return [tuple(row)[1:] for row in told.collect()]


def frame(session: SparkSession, seen: Iterable[tuple[str, str | None]]) -> DataFrame:
    rows = [(place, address, agent, START) for place, (address, agent) in enumerate(seen)]
    return session.createDataFrame(rows, "place int, ip_address string, user_agent string, window_start timestamp")


def test_an_erased_client_counts_as_before(session: SparkSession, judgement: Judgement) -> None:
    rows = frame(session, SEEN.values())
    erased = rows.select(
        "place", F.lit(ERASED).alias("ip_address"), judgement.erased_agent.alias("user_agent"), "window_start"
    )
    assert known(erased, Judgement()) == known(rows, judgement)


def test_the_audit_takes_clients_for_the_same(session: SparkSession, judgement: Judgement) -> None:
    rows = frame(session, SEEN.values())
    erased = rows.select(judgement.erased_agent).orderBy("place").collect()
    seen = [*SEEN.values(), *((ERASED, row[0]) for row in erased)]
    window = int(START.timestamp()) * SECOND
    audit = clients(load_settings().ranges_file, CONVICTED, PARDONED)
    ours = [
        (
            client.is_bot,
            client.kind == "crawler",
            client.kind == "tool",
            client.impostor_from <= window < client.impostor_until,
            not client.has_agent,
            -1 if client.agent_group is None else client.agent_group,
        )
        for client in (audit.of(address, agent) for address, agent in seen)
    ]
    assert ours == known(frame(session, seen), judgement)
