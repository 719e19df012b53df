"""Ten-second counts of parsed events, in every dimension at once. Pure: no session, no clock, no I/O."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lake.contracts import (
    ADD_TO_CART,
    AGENT_GROUPS,
    ASSET,
    CHECKOUT,
    DIMENSIONS,
    FORMAT_ACCESS_LOG,
    LATE_AFTER_SECONDS,
    LEDGER,
    LEDGER_KEY,
    LEDGER_PARTITION,
    MEASURES,
    POST,
    PROBE,
    VIEW,
    names,
)
from spark.judgement import Judgement


def measures(judgement: Judgement) -> dict[str, Column]:
    """What each measure adds for one event: a count is 0 or 1. One expression per measure of the contract."""
    action, status = F.col("action"), F.col("status_code")
    is_line = F.col("format") == FORMAT_ACCESS_LOG
    is_server_error = status.between(500, 599)
    is_error = status.between(400, 599)
    is_late = F.col("occurred_at") < F.col("ingested_at") - F.expr(f"interval {LATE_AFTER_SECONDS} seconds")
    return {
        "events": F.lit(1),
        "views": _one_if(action == VIEW),
        "add_to_carts": _one_if(action == ADD_TO_CART),
        "checkouts": _one_if(action == CHECKOUT),
        "client_errors": _one_if(status.between(400, 499)),
        "server_errors": _one_if(is_server_error),
        "payment_errors": _one_if((action == CHECKOUT) & is_server_error),
        "late_events": _one_if(is_late),
        "response_ms": F.coalesce("response_ms", F.lit(0)),
        "timed_events": _one_if(F.col("response_ms").isNotNull()),
        "bytes": F.coalesce("bytes", F.lit(0)),
        "assets": _one_if(action == ASSET),
        "robots_reads": _one_if(F.col("path").rlike(r"^/robots\.txt(?:\?|$)")),
        "no_agent": _one_if(judgement.has_no_agent),
        "pages": _one_if(is_line & (action != ASSET)),
        "not_found": _one_if(status == 404),
        "probes": _one_if((action == PROBE) | (is_line & F.col("path").isNull())),
        "posts": _one_if(action == POST),
        "failed_checkouts": _one_if((action == CHECKOUT) & is_error),
        "crawler_events": _one_if(judgement.is_crawler),
        "tool_events": _one_if(judgement.is_tool),
        "impostor_events": _one_if(judgement.is_impostor),
        **{f"agents_{n}": _one_if(judgement.agent_group == n) for n in range(AGENT_GROUPS)},
    }


def count_windows(events: DataFrame, judgement: Judgement) -> DataFrame:
    """Count events per window: one row per (dimension, window_start, key, is_bot).

    Args:
        events: Valid, distinct rows of bronze.
        judgement: What is known of their clients.

    Returns:
        The ledger's columns but for ``entry`` and ``cause``.
    """
    keys = [key for key in DIMENSIONS.values() if key]
    measured = events.select("window_start", judgement.is_bot.alias("is_bot"), *keys, *_columns(measures(judgement)))
    sums = [F.sum(name).cast("bigint").alias(name) for name in names(MEASURES)]
    common = [F.col("window_start"), F.col("is_bot")]
    sets = [[*common, *([F.col(key)] if key else [])] for key in DIMENSIONS.values()]
    grouped = measured.groupingSets(sets, *common, *(F.col(key) for key in keys)).agg(
        *sums, F.grouping_id(*common, *(F.col(key) for key in keys)).alias("grouping")
    )
    dimension, key = _dimension_and_key(keys)
    return (
        grouped.select(dimension.alias("dimension"), key.alias("key"), "*")
        .filter(F.col("key").isNotNull())
        .withColumn("window_date", F.col("window_start").cast("date"))
        .select(*names(LEDGER)[2:])
    )


def sum_entries(entries: DataFrame) -> DataFrame:
    """Add up ledger entries: one row per (dimension, window_start, key, is_bot)."""
    sums = [F.coalesce(F.sum(name), F.lit(0)).cast("bigint").alias(name) for name in names(MEASURES)]
    return entries.groupBy(*names(LEDGER_KEY)).agg(*sums)


def negative(entries: DataFrame) -> DataFrame:
    """Return what takes entries back: the ledger's columns but for ``entry`` and ``cause``."""
    negatives = [(-F.col(name)).alias(name) for name in names(MEASURES)]
    return entries.select(*names(LEDGER)[2 : -len(MEASURES)], *negatives)


def difference(new: DataFrame, old: DataFrame) -> DataFrame:
    """Return what has to be added to the ``old`` counts to get the ``new``.

    Returns:
        The ledger's columns but for ``entry`` and ``cause``; only rows that change something.
    """
    columns = [*names(LEDGER_KEY), *names(MEASURES)]
    sums = sum_entries(new.select(*columns).unionByName(negative(old).select(*columns)))
    is_changed = F.greatest(*(F.abs(name) for name in names(MEASURES))) > 0
    date = F.col("window_start").cast("date").alias(LEDGER_PARTITION)
    return sums.filter(is_changed).select("*", date).select(*names(LEDGER)[2:])


def as_entry(counts: DataFrame, entry: str, cause: str) -> DataFrame:
    """Give counts their id and cause: the ledger's columns."""
    return counts.select(F.lit(entry).alias("entry"), F.lit(cause).alias("cause"), *names(LEDGER)[2:])


def _dimension_and_key(keys: list[str]) -> tuple[Column, Column]:
    """Tell a grouping set by its bits: the bit of its own key is 0, those of the other keys are 1."""
    dimension, key = F.lit("all"), F.lit("all")
    for name, column in DIMENSIONS.items():
        if column:
            others = sum(1 << (len(keys) - 1 - place) for place, other in enumerate(keys) if other != column)
            is_this = F.col("grouping") == others
            dimension = F.when(is_this, name).otherwise(dimension)
            key = F.when(is_this, F.col(column)).otherwise(key)
    return dimension, key


def _one_if(condition: Column) -> Column:
    return F.when(condition, 1).otherwise(0)


def _columns(expressions: dict[str, Column]) -> list[Column]:
    return [expressions[name].alias(name) for name in names(MEASURES)]
