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
from spark.errands.court import verdict_table
from spark.events.agent_columns import MOST_AGENTS, MOST_LISTED, distinct_agents, listed
from spark.events.agents import Agents
from spark.events.claims import load_ranges
from spark.events.judgement import Judgement
from spark.silver import ROWS_PER_LOOK, profile
from spark.tables.verdicts import Verdict, Verdicts

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CONVICTED, PARDONED = ("198.51.100.1",), ("198.51.100.2",)
SEEN: dict[str, tuple[str | None, str | None]] = {
    "a person": ("203.0.113.7", BROWSER),
    "a person without an agent": ("203.0.113.7", None),
    "a crawler": ("66.249.66.1", GOOGLE),
    "an impostor": ("203.0.113.7", GOOGLE),
    "a person with an app": ("203.0.113.7", "ExampleShop/7 CFNetwork/1485 Darwin/23.1.0"),
    "a person in an app's browser": ("203.0.113.7", "Mozilla/5.0 (Linux; Android 14) Chrome/131.0 okhttp/4.9"),
    "a crawler at an unknown address": (None, GOOGLE),
    "a crawler at a host": ("crawl-7.search.example", GOOGLE),
    "a crawler behind a proxy": ("10.0.0.7", GOOGLE),
    "a tool": ("203.0.113.7", "curl/8.5.0"),
    "a convicted browser": (CONVICTED[0], BROWSER),
    "a convicted client without an agent": (CONVICTED[0], None),
    "a pardoned tool": (PARDONED[0], "curl/8.5.0"),
}
KNOWN = ("is_bot", "is_crawler", "is_tool", "is_impostor", "has_no_agent", "is_app", "agent_group")


@pytest.fixture(params=["in lists", "too many agents to list", "too many verdicts to list"])
def judgement(request: pytest.FixtureRequest, session: SparkSession) -> Judgement:
    agents: set[str] | None = {agent for _, agent in SEEN.values() if agent}
    convicted: tuple[str, ...] = CONVICTED
    pardoned: tuple[str, ...] = PARDONED
    table = None
    if request.param == "too many agents to list":
        agents = None
    if request.param == "too many verdicts to list":
        others = {f"2001:db8::{number:x}": Verdict("convicted", "hand", 0.0, "") for number in range(MOST_LISTED)}
        named = {address: Verdict("convicted", "hand", 0.0, "") for address in CONVICTED}
        named |= {address: Verdict("pardoned", "hand", 0.0, "") for address in PARDONED}
        table = verdict_table(session, Verdicts(others | named))
        assert table is not None
        convicted, pardoned = (), ()
    return Judgement.of(agents, load_ranges(load_settings().ranges_file), convicted, pardoned, table)


def known(rows: DataFrame, judgement: Judgement) -> list[tuple[object, ...]]:
    seen = judgement.look_up(rows)
    told = seen.select("place", *(getattr(judgement, name).alias(name) for name in KNOWN)).orderBy("place")
    return [tuple(row)[1:] for row in told.collect()]


def frame(session: SparkSession, seen: Iterable[tuple[str | None, str | None]]) -> DataFrame:
    rows = [(place, address, agent, START) for place, (address, agent) in enumerate(seen)]
    return session.createDataFrame(rows, "place int, ip_address string, user_agent string, window_start timestamp")


def test_an_erased_client_counts_as_before(session: SparkSession, judgement: Judgement) -> None:
    rows = frame(session, SEEN.values())
    erased = judgement.look_up(rows).select(
        "place", F.lit(ERASED).alias("ip_address"), judgement.erased_agent.alias("user_agent"), "window_start"
    )
    assert known(erased, Judgement()) == known(rows, judgement)


def test_the_audit_takes_clients_for_the_same(session: SparkSession, judgement: Judgement) -> None:
    rows = frame(session, SEEN.values())
    erased = judgement.look_up(rows).select("place", judgement.erased_agent).orderBy("place").collect()
    seen = [*SEEN.values(), *((ERASED, row[1]) for row in erased)]
    window = int(START.timestamp()) * SECOND
    audit = clients(load_settings().ranges_file, CONVICTED, PARDONED)
    ours = [
        (
            client.is_bot,
            client.kind == "crawler",
            client.kind == "tool",
            client.impostor_from <= window < client.impostor_until,
            not client.has_agent,
            client.is_app,
            -1 if client.agent_group is None else client.agent_group,
        )
        for client in (audit.of(address or "", agent) for address, agent in seen)
    ]
    assert ours == known(frame(session, seen), judgement)


def test_agents_are_listed_up_to_a_bound_that_does_not_grow_with_the_traffic() -> None:
    bots, browsers = [f"Bot-{number}/1.0" for number in range(MOST_LISTED + 1)], [f"{BROWSER}.{n}" for n in range(50)]
    assert listed([*bots[1:], *browsers]) == Agents(crawlers=bots[1:])
    assert listed(bots) is None
    assert listed(None) is None


def test_each_row_is_asked_about_once_however_often_its_agent_stands_in_the_plan(session: SparkSession) -> None:
    judgement = Judgement.of(None, load_ranges(load_settings().ranges_file), (), ())
    rows = frame(session, SEEN.values()).select(*(getattr(judgement, name).alias(name) for name in KNOWN))
    plan = rows._jdf.queryExecution().executedPlan().toString()
    assert plan.count("own_words(") == 1, plan


def test_a_few_verdicts_stay_in_lists(session: SparkSession) -> None:
    few = {f"2001:db8::{number:x}": Verdict("convicted", "hand", 0.0, "") for number in range(MOST_LISTED)}
    released = {"203.0.113.7": Verdict("released", "hand", 0.0, "")}
    assert verdict_table(session, Verdicts(few | released)) is None


@pytest.mark.parametrize("rows", [1, ROWS_PER_LOOK + 1])
def test_a_batch_of_more_agents_than_fit_into_memory_names_none(session: SparkSession, rows: int) -> None:
    many = session.range(MOST_AGENTS + 1).select(
        F.concat(F.lit("agent "), F.col("id")).alias("user_agent"),
        F.lit(START).alias("window_start"),
        F.when(F.col("id") < 2, "json").otherwise("access_log").alias("format"),
        F.when(F.col("id") > 0, "other").otherwise("checkout").alias("action"),
    )
    few = many.limit(3).unionAll(many.limit(2).withColumn("user_agent", F.lit(None).cast("string")))
    windows = [int(START.timestamp())]
    assert profile(many, rows) == (windows, None, 2, 1)
    batch = profile(few, rows)
    assert (batch.windows, sorted(batch.agents or [])) == (windows, [f"agent {number}" for number in range(3)])
    assert distinct_agents(many) is None
