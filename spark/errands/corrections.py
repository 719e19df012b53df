"""Corrections: what has to be added to the ledger so that some of its windows agree with bronze's rows."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contracts import BEFORE_HORIZON, BRONZE_PARTITION, MOST_SHIFT
from lake.settings import Settings
from lake.url_rules import UrlRules
from spark.events.agent_columns import distinct_agents
from spark.events.counts import difference
from spark.events.duplicates import count_new
from spark.events.horizon import as_counted_from
from spark.events.judgement import Judge
from spark.events.parse import parse_all_again
from spark.events.rejections import count_rejected, counted_window
from spark.tables.edition import counted_zone, first_replayable, has_other_zones


def corrections(rows: DataFrame, entries: DataFrame, judge: Judge) -> DataFrame:
    """Return what has to be added to the ledger so that it agrees with the rows.

    Args:
        rows: All rows that are counted in some windows, valid or rejected.
        entries: All entries of the ledger in those windows.
        judge: Says who is a bot, given the distinct agents.

    Returns:
        The ledger's columns but for ``entry`` and ``cause``; only rows that change something.
    """
    is_valid = F.col("reject_reason").isNull()
    valid = rows.filter(is_valid)
    counted = count_new(valid, valid.limit(0), judge(distinct_agents(valid)))
    return difference(counted.unionAll(count_rejected(rows.filter(~is_valid))), entries)


def read_by_todays_rules(
    session: SparkSession, settings: Settings, rules: UrlRules, windows: tuple[int, int], counted_up_to: int
) -> DataFrame:
    """Return the rows of bronze that ``rules`` count in the windows, parsed from their bytes, valid or rejected.

    All are parsed that may be of them: see :func:`rows_in_reach`. A row stays rejected for the reason of its arrival if
    it was emptied (see :mod:`spark.errands.erasure`), or if its event lay before the horizon then.

    Args:
        session: The Spark session.
        settings: Where bronze is.
        rules: Today's rules.
        windows: First window and end, exclusive; epoch seconds.
        counted_up_to: The bronze batch that the ledger stands at.
    """
    rows = rows_in_reach(session, settings, rules, windows).filter(F.col("batch") <= counted_up_to)
    is_empty = F.coalesce(F.octet_length("value"), F.lit(0)) == 0
    is_final = F.col("reject_reason").isNotNull() & (is_empty | (F.col("reject_reason") == BEFORE_HORIZON))
    parsed = _read_again(session, settings, rules, rows.filter(~is_final))
    final = rows.filter(is_final).select(*parsed.columns)
    return counted_in(parsed.unionAll(final), windows).drop("referrer", "user_id")


def _read_again(session: SparkSession, settings: Settings, rules: UrlRules, rows: DataFrame) -> DataFrame:
    """Return rows of bronze as ``rules`` read them, but for those whose counts stand where no replay reaches."""
    first = first_replayable(session, settings)
    if first is None:
        return parse_all_again(rows, rules)
    dated = rows.withColumn("counted_on", F.when(F.col("reject_reason").isNull(), F.col(BRONZE_PARTITION)))
    is_same_zone = counted_zone(session, settings) == rules.log_timezone
    return as_counted_from(parse_all_again(dated, rules), first, is_same_zone).drop("counted_on")


def rows_in_reach(session: SparkSession, settings: Settings, rules: UrlRules, windows: tuple[int, int]) -> DataFrame:
    """Return the rows of bronze, as they were read on arrival, that ``rules`` may count in the windows.

    A row that was rejected has no window of its event yet: all those are among them that came late enough to be of the
    range. One that was valid may be rejected today: then it is counted in the window in which Kafka took it. Where
    another time zone than UTC is or was set, a time may have been read by another one than today's: rows of some days
    before and after the range are among them, too.
    """
    shift = round(MOST_SHIFT.total_seconds()) if has_other_zones(session, settings) else 0
    earliest = _moment(windows[0] - rules.future_seconds)
    was_rejected = F.col("reject_reason").isNotNull() & (F.col("ingested_at") >= earliest)
    came_in = (F.col("ingested_at") >= _moment(windows[0])) & (F.col("ingested_at") < _moment(windows[1]))
    was_near = within("event_date", (windows[0] - shift, windows[1] + shift))
    may_be_in = was_near | (was_rejected & (F.col("event_date") >= earliest.date())) | came_in
    return session.read.format("delta").load(settings.bronze).filter(may_be_in)


def read_on_arrival(
    session: SparkSession, settings: Settings, windows: tuple[int, int], counted_up_to: int
) -> DataFrame:
    """Return the rows that were counted in the windows as they were read on arrival, valid or rejected.

    Their ``window_start`` is that in which they are counted.
    """
    bronze = session.read.format("delta").load(settings.bronze).filter(F.col("batch") <= counted_up_to)
    first, end = map(_moment, windows)
    rows = bronze.filter(F.col("event_date").between(first.date(), end.date()))
    return counted_in(rows, windows).drop("value", "referrer", "user_id")


def counted_in(rows: DataFrame, windows: tuple[int, int]) -> DataFrame:
    """Return the rows that are counted in the windows; their ``window_start`` is the one in which they are."""
    first, end = map(_moment, windows)
    counted = rows.withColumn("window_start", counted_window())
    return counted.filter((F.col("window_start") >= first) & (F.col("window_start") < end))


def within(column: str, windows: tuple[int, int]) -> Column:
    """Condition: the row's window is in the range, and so its day is one of the range's."""
    first, end = map(_moment, windows)
    days = F.col(column).between(first.date(), end.date())
    return days & (F.col("window_start") >= first) & (F.col("window_start") < end)


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc)
