"""Moves: what has to be added to the ledger when clients go from one side, people's or bots', to the other."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.addresses import address_pattern
from lake.contracts import BEFORE_HORIZON, BRONZE, LEDGER_PARTITION, MOST_SHIFT, REJECTED, SUMMARY, names
from lake.settings import Settings
from lake.url_rules import UrlRules
from spark.errands.replay_records import corrected_windows
from spark.events.agent_columns import distinct_agents
from spark.events.counts import count_windows, difference
from spark.events.duplicates import ORDER, find_duplicates, to_each_task
from spark.events.judgement import Judge
from spark.events.parse import parse_again
from spark.tables.horizon import horizon_of

MOST_PATTERNS = 50
"""So many addresses are looked for in a text sooner than the text is parsed."""


def moves(
    session: SparkSession,
    settings: Settings,
    rules: UrlRules,
    addresses: list[str],
    counted_up_to: int,
    before: Judge,
    after: Judge,
) -> DataFrame:
    """Return the corrections that take the clients' events from where ``before`` had them to where ``after`` has them.

    Only the clients' own rows are counted again, from the days on which the ledger knows them, each as it was counted:
    by the columns of its arrival, or by today's reading of its bytes where a replay has corrected its window. By that,
    a row may be another client's than on arrival. Days before the horizon, of which no rows are left, stay as they are.

    Args:
        session: The Spark session.
        settings: Where the tables are.
        rules: The URL rules.
        addresses: The clients.
        counted_up_to: The bronze batch that the ledger stands at.
        before: Who is a bot in the ledger.
        after: Who is to be one.

    Returns:
        The ledger's columns but for ``entry`` and ``cause``; only rows that change something.
    """
    ledger = session.read.format("delta").load(settings.ledger)
    is_theirs = (F.col("dimension") == "client") & F.col("key").isin(addresses)
    horizon = horizon_of(session, settings)
    known = ledger.filter(is_theirs).select(LEDGER_PARTITION).distinct().collect()
    days = [row[0] for row in known if horizon is None or row[0] >= horizon.day]
    bronze = session.read.format("delta").load(settings.bronze).filter(F.col("batch") <= counted_up_to)
    of_events = ledger.filter(F.col(LEDGER_PARTITION).isin(days) & (F.col("dimension") != REJECTED.name))
    corrected = corrected_windows(session, settings, of_events)
    valid = _as_counted(bronze, days, addresses, rules, corrected).persist()
    try:
        agents, rows = distinct_agents(valid), valid.count()
        duplicates = to_each_task(_duplicates(valid, bronze, days, rows), rows)
        distinct = valid.join(duplicates, list(ORDER), "left_anti")
        new, old = (count_windows(distinct, judge(agents)) for judge in (after, before))
        return difference(new, old).localCheckpoint()
    finally:
        valid.unpersist()


def summary(corrections: DataFrame) -> dict[str, int]:
    """Return how much goes to the bots, by measure; what comes back from them is negative."""
    to_bots = corrections.filter((F.col("dimension") == "all") & F.col("is_bot"))
    sums = [F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in SUMMARY]
    return dict(to_bots.agg(*sums).collect()[0].asDict())


def _as_counted(
    bronze: DataFrame, days: list[dt.date], addresses: list[str], rules: UrlRules, corrected: DataFrame
) -> DataFrame:
    """Return the clients' valid rows, each read as the ledger has it: see :func:`moves`."""
    is_theirs, is_of_days = F.col("ip_address").isin(addresses), F.col("event_date").isin(days)
    is_rejected = F.col("reject_reason").isNotNull()
    by_arrival = bronze.filter(is_of_days & is_theirs & ~is_rejected).drop("value")
    if corrected.isEmpty():
        return by_arrival
    first, last = min(days) - MOST_SHIFT, max(days) + MOST_SHIFT  # on arrival, a time may have been another zone's
    earliest = first - dt.timedelta(seconds=rules.future_seconds)
    came_later = is_rejected & (F.col("event_date") >= earliest)  # their day is that on which they came
    is_final = F.col("reject_reason").eqNullSafe(BEFORE_HORIZON)
    is_near = F.col("event_date").between(first, last) | came_later
    named = bronze.filter(is_near & ~is_final & _names_any(addresses))
    again = parse_again(named, rules).filter(is_theirs).join(F.broadcast(corrected), "window_start", "left_semi")
    return by_arrival.join(F.broadcast(corrected), "window_start", "left_anti").unionByName(again)


def _names_any(addresses: list[str]) -> Column:
    """Whether the bytes of a row hold one of the addresses; of many, nobody asks."""
    if len(addresses) > MOST_PATTERNS:
        return F.lit(True)
    return F.col("value").cast("string").rlike("|".join(map(address_pattern, addresses)))


def _duplicates(valid: DataFrame, bronze: DataFrame, days: list[dt.date], rows: int) -> DataFrame:
    """Find the rows, of so many, that do not count, because a row of any client with their id came first."""
    keys = valid.select("event_key").filter(F.col("event_key").isNotNull()).distinct()
    twins = (
        bronze.filter(F.col("event_date").isin(days) & F.col("reject_reason").isNull())
        .join(to_each_task(keys, rows), "event_key", "left_semi")
        .join(to_each_task(valid.select(*ORDER), rows), list(ORDER), "left_anti")
    )
    columns = [name for name in names(BRONZE) if name in ("event_key", "event_id", "window_start", *ORDER)]
    return find_duplicates(valid.select(*columns), twins.select(*columns), rows)
