"""Ten-second counts of parsed events, in every dimension at once. Pure: no session, no clock, no I/O."""

from __future__ import annotations

from itertools import zip_longest

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.contracts import (
    ADD_TO_CART,
    AGENT_GROUPS,
    ASSET,
    CHECKOUT,
    COUNTS,
    DIMENSIONS,
    LARGEST_AMOUNT,
    LATE_AFTER_SECONDS,
    LEDGER_KEY,
    LEDGER_PARTITION,
    MEASURES,
    POST,
    PROBE,
    SEARCH,
    VIEW,
    names,
)
from spark.events.formats import EVENTS
from spark.events.judgement import Judgement

PAIR_BITS = 32
"""Two counts share a bigint while they are added up: half as many sums, and no window outgrows its half."""


def conditions(judgement: Judgement) -> dict[str, Column]:
    """Which events each count counts. One condition per measure of the contract that is no amount."""
    action, status = F.col("action"), F.col("status_code")
    is_request = ~F.col("format").isin([record_format.name for record_format in EVENTS])
    is_asked = F.coalesce(F.col("path") != "", F.lit(True))
    is_server_error = status.between(500, 599)
    is_error = status.between(400, 599)
    is_late = F.unix_micros("occurred_at") < F.unix_micros("ingested_at") - LATE_AFTER_SECONDS * 1_000_000
    return {
        "events": F.lit(True),
        "views": action == VIEW,
        "add_to_carts": action == ADD_TO_CART,
        "checkouts": action == CHECKOUT,
        "client_errors": status.between(400, 499),
        "server_errors": is_server_error,
        "payment_errors": (action == CHECKOUT) & is_server_error,
        "late_events": is_late,
        "timed_events": F.col("response_ms") <= LARGEST_AMOUNT,
        "assets": action == ASSET,
        "robots_reads": F.col("path").rlike(r"^/robots\.txt(?:\?|\z)"),
        "no_agent": judgement.has_no_agent,
        "pages": is_request & (action != ASSET) & is_asked & ~judgement.is_app,
        "not_found": status == 404,
        "probes": (action == PROBE) | (is_request & F.col("path").isNull()),
        "posts": action == POST,
        "searches": action == SEARCH,
        "failed_checkouts": (action == CHECKOUT) & is_error,
        "crawler_events": judgement.is_crawler,
        "tool_events": judgement.is_tool,
        "impostor_events": judgement.is_impostor,
        **{f"agents_{n}": judgement.agent_group == n for n in range(AGENT_GROUPS)},
    }


def amounts() -> dict[str, Column]:
    """What each event adds to the other measures, those to which one event can add more than one."""
    return {name: F.when(F.col(name) <= LARGEST_AMOUNT, F.col(name)).otherwise(0) for name in ("response_ms", "bytes")}


def count_windows(events: DataFrame, judgement: Judgement) -> DataFrame:
    """Count events per window: one row per (dimension, window_start, key, is_bot).

    Args:
        events: Valid, distinct rows of bronze.
        judgement: What is known of their clients.

    Returns:
        The ledger's columns but for ``entry`` and ``cause``.
    """
    keys = {entry.column: entry.unknown for entry in DIMENSIONS.values() if entry.column}
    split_by = [F.coalesce(F.col(key), F.lit(unknown)).alias(key) if unknown else key for key, unknown in keys.items()]
    packed, unpacked = _in_pairs(conditions(judgement))
    added = {**packed, **amounts()}
    columns = [column.alias(name) for name, column in added.items()]
    measured = judgement.look_up(events).select("window_start", judgement.is_bot.alias("is_bot"), *split_by, *columns)
    sums = [F.sum(name).alias(name) for name in added]
    common = [F.col("window_start"), F.col("is_bot")]
    sets = [[*common, *([F.col(entry.column)] if entry.column else [])] for entry in DIMENSIONS.values()]
    grouped = measured.groupingSets(sets, *common, *(F.col(key) for key in keys)).agg(
        *sums, F.grouping_id(*common, *(F.col(key) for key in keys)).alias("grouping")
    )
    dimension, key = _dimension_and_key([*keys])
    date = F.col("window_start").cast("date").alias(LEDGER_PARTITION)
    return (
        grouped.select(dimension.alias("dimension"), "window_start", key.alias("key"), "is_bot", date, *added)
        .filter(F.col("key").isNotNull())
        .withColumns(unpacked)
        .select(*names(COUNTS))
    )


def sum_entries(entries: DataFrame) -> DataFrame:
    """Add up ledger entries: one row per (dimension, window_start, key, is_bot)."""
    sums = [F.coalesce(F.sum(name), F.lit(0)).cast("bigint").alias(name) for name in names(MEASURES)]
    return entries.groupBy(*names(LEDGER_KEY)).agg(*sums)


def negative(entries: DataFrame) -> DataFrame:
    """Return what takes entries back: the ledger's columns but for ``entry`` and ``cause``."""
    negatives = [(-F.col(name)).alias(name) for name in names(MEASURES)]
    return entries.select(*names(LEDGER_KEY), LEDGER_PARTITION, *negatives)


def difference(new: DataFrame, old: DataFrame) -> DataFrame:
    """Return what has to be added to the ``old`` counts to get the ``new``.

    Returns:
        The ledger's columns but for ``entry`` and ``cause``; only rows that change something.
    """
    columns = [*names(LEDGER_KEY), *names(MEASURES)]
    sums = sum_entries(new.select(*columns).unionByName(negative(old).select(*columns)))
    is_changed = F.greatest(*(F.abs(name) for name in names(MEASURES))) > 0
    date = F.col("window_start").cast("date").alias(LEDGER_PARTITION)
    return sums.filter(is_changed).select("*", date).select(*names(COUNTS))


def as_entry(counts: DataFrame, entry: str, cause: str) -> DataFrame:
    """Give counts their id and cause: the ledger's columns."""
    return counts.select(F.lit(entry).alias("entry"), F.lit(cause).alias("cause"), *names(COUNTS))


def _dimension_and_key(keys: list[str]) -> tuple[Column, Column]:
    """Tell a grouping set by its bits: the bit of its own key is 0, those of the other keys are 1."""
    dimension, key = F.lit("all"), F.lit("all")
    for entry in DIMENSIONS.values():
        if entry.column:
            others = sum(1 << (len(keys) - 1 - index) for index, other in enumerate(keys) if other != entry.column)
            is_this = F.col("grouping") == others
            dimension = F.when(is_this, entry.name).otherwise(dimension)
            key = F.when(is_this, _as_key(entry.column, entry.digits)).otherwise(key)
    return dimension, key


def _as_key(column: str, digits: int) -> Column:
    """Return a column as text; a number with so many digits at least."""
    if not digits:
        return F.col(column).cast("string")
    return F.when(F.col(column).isNotNull(), F.format_string(f"%0{digits}d", column))


def _in_pairs(counted: dict[str, Column]) -> tuple[dict[str, Column], dict[str, Column]]:
    """Put two conditions into each column to be summed; return those columns, and the counts from their sums."""
    packed, unpacked = {}, {}
    for low, high in zip_longest(*[iter(counted)] * 2):
        pair = f"{low}_and_{high}"
        packed[pair] = _one_if(counted[low], 1)
        unpacked[low] = F.col(pair).bitwiseAND(F.lit((1 << PAIR_BITS) - 1))
        if high is not None:
            packed[pair] = packed[pair].bitwiseOR(_one_if(counted[high], 1 << PAIR_BITS))
            unpacked[high] = F.shiftright(pair, PAIR_BITS)
    return packed, unpacked


def _one_if(condition: Column, one: int) -> Column:
    return F.when(condition, F.lit(one).cast("bigint")).otherwise(F.lit(0).cast("bigint"))
