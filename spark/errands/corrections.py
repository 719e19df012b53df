"""Corrections: what has to be added to the ledger so that some of its windows agree with bronze's rows."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.settings import Settings
from lake.url_rules import UrlRules
from spark.events.agent_columns import distinct_agents
from spark.events.counts import difference
from spark.events.duplicates import count_new
from spark.events.judgement import Judge
from spark.events.parse import parse_again

UTC = "UTC"
MOST_SHIFT_SECONDS = 27 * 3600
"""From the time zone of one end of the world to that of the other."""


def corrections(valid: DataFrame, entries: DataFrame, judge: Judge) -> DataFrame:
    """Return what has to be added to the ledger so that it agrees with the rows.

    Args:
        valid: All rows of some windows that are valid under today's rules.
        entries: All entries of the ledger in those windows.
        judge: Says who is a bot, given the distinct agents.

    Returns:
        The ledger's columns but for ``entry`` and ``cause``; only rows that change something.
    """
    counted = count_new(valid, valid.limit(0), judge(distinct_agents(valid)))
    return difference(counted, entries)


def read_by_todays_rules(
    session: SparkSession, settings: Settings, rules: UrlRules, windows: tuple[int, int], counted_up_to: int
) -> DataFrame:
    """Return the rows of bronze that are valid under ``rules`` and lie in the windows, parsed from their bytes.

    A row that was rejected has no window yet: all those are parsed that came late enough to be of the range. Where a
    time zone is set, a time may have been read by another one: rows of a day before and after the range are parsed too.

    Args:
        session: The Spark session.
        settings: Where bronze is.
        rules: Today's rules.
        windows: First window and end, exclusive; epoch seconds.
        counted_up_to: The bronze batch that the ledger stands at.
    """
    shift = 0 if rules.log_timezone == UTC else MOST_SHIFT_SECONDS
    earliest = _moment(windows[0] - rules.future_seconds)
    was_rejected = F.col("reject_reason").isNotNull() & (F.col("ingested_at") >= earliest)
    may_be_in = within("event_date", (windows[0] - shift, windows[1] + shift)) | (
        was_rejected & (F.col("event_date") >= earliest.date())
    )
    bronze = session.read.format("delta").load(settings.bronze).filter(F.col("batch") <= counted_up_to)
    first, end = map(_moment, windows)
    is_in = (F.col("window_start") >= first) & (F.col("window_start") < end)
    return parse_again(bronze.filter(may_be_in), rules).filter(is_in).drop("referrer", "user_id")


def read_on_arrival(
    session: SparkSession, settings: Settings, windows: tuple[int, int], counted_up_to: int
) -> DataFrame:
    """Return the rows of bronze that were valid on arrival and lie in the windows; as :func:`read_by_todays_rules`."""
    bronze = session.read.format("delta").load(settings.bronze).filter(F.col("batch") <= counted_up_to)
    valid = bronze.filter(F.col("reject_reason").isNull() & within("event_date", windows))
    return valid.drop("value", "referrer", "user_id")


def within(column: str, windows: tuple[int, int]) -> Column:
    """Condition: the row's window is in the range, and so its day is one of the range's."""
    first, end = map(_moment, windows)
    days = F.col(column).between(first.date(), end.date())
    return days & (F.col("window_start") >= first) & (F.col("window_start") < end)


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc)
