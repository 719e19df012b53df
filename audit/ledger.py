"""Bronze against the ledger: every row is counted, a duplicate or rejected, and every cell has its sum."""

from __future__ import annotations

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from audit.cells import compare_cells
from audit.check import Check, compared, number
from audit.facts import parsed_facts, read_again
from audit.lake import PinnedLake
from audit.rejected import ARRIVAL_WINDOW, compare_rejected
from audit.scope import Scope
from lake.contracts import (
    BEFORE_HORIZON,
    BY_REPLAY,
    FORMER_REASONS,
    MOST_SHIFT,
    REJECT_REASONS,
    REJECTED,
)
from lake.contracts.edition import ZONES_PROPERTY
from lake.url_rules import UrlRules
from spark.tables.delta import properties

ARRIVAL = f"{ARRIVAL_WINDOW} as arrival_window"
IS_OF_REJECTED = f"dimension = '{REJECTED.name}'"


def check_counts(lake: PinnedLake, scope: Scope) -> list[Check]:
    """Compare the ledger with the columns that were parsed on arrival.

    Windows that a replay has corrected are left out: there those columns are no longer the truth.
    """
    bronze, entries = lake.counted_bronze(), lake.ledger().filter(scope.in_spark("window_start"))
    of_rejected = entries.filter(IS_OF_REJECTED)
    arrived = bronze.filter(f"reject_reason is not null and {scope.in_spark('ingested_at')}")
    check_of_rejected = compare_rejected(arrived, of_rejected, _replayed(of_rejected), "bronze")
    entries = entries.filter(f"not ({IS_OF_REJECTED})")
    corrected = _replayed(entries)
    left_out = corrected.count()
    facts = parsed_facts(bronze, lake.clients(), scope)
    if left_out:
        facts = facts.join(corrected.hint("broadcast"), "window_start", "left_anti")
        entries = entries.join(corrected.hint("broadcast"), "window_start", "left_anti")
    comparison = compare_cells(facts, entries, "bronze")
    valid, rejected = _rows(bronze, scope)
    parts = [
        f"{comparison.ledger_events:,} counted",
        number(comparison.duplicates, "duplicate"),
        f"{sum(rejected.values()):,} rejected",
    ]
    accounted = comparison.ledger_events + comparison.duplicates + sum(rejected.values())
    if left_out:
        inside = bronze.filter("reject_reason is null").join(corrected.hint("broadcast"), "window_start", "left_semi")
        rows_left_out = inside.count()
        accounted += rows_left_out
        parts.append(f"{number(rows_left_out, 'row')} in {number(left_out, 'replayed window')} left out")
    rows = valid + sum(rejected.values())
    return [_account("bronze: rows", rows, accounted, parts, rejected), *comparison.checks, check_of_rejected]


def check_deeply(lake: PinnedLake, scope: Scope, rules: UrlRules) -> list[Check]:
    """Compare the ledger with what the oracle reads in bronze's raw bytes, corrected windows included."""
    has_zones = ZONES_PROPERTY in properties(lake.session, lake.settings.bronze)
    future, horizon = rules.future_seconds, lake.horizon
    scope = scope.since(horizon.replayable(future, has_zones)) if horizon else scope
    before = horizon.second + (MOST_SHIFT.total_seconds() if has_zones else 0) if horizon else None
    near = scope.widened(MOST_SHIFT.total_seconds()) if has_zones else scope  # on arrival, it was perhaps another hour
    in_scope = f"({near.in_spark('window_start')}) or ({scope.in_spark('ingested_at')}) or reject_reason is not null"
    rows = lake.counted_bronze().filter(in_scope)
    read = read_again(rows, rules, lake.clients(), before).persist(StorageLevel.DISK_ONLY)
    entries = lake.ledger().filter(scope.in_spark("window_start"))
    try:
        good = read.filter(f"reject_reason is null and {scope.in_spark('window_start')}")
        comparison = compare_cells(good, entries.filter(f"not ({IS_OF_REJECTED})"), "the raw bytes")
        bad = read.filter(f"reject_reason is not null and {scope.in_spark('ingested_at')}")
        unclear = _of_earlier(read, scope) if horizon else None
        check_of_rejected = compare_rejected(bad, entries.filter(IS_OF_REJECTED), unclear, "the raw bytes")
        rejected = _by_reason(bad)
        number_of_rows = good.count() + sum(rejected.values())
        reasons = _check_reasons(read, entries, scope)
    finally:
        read.unpersist()
    accounted = comparison.ledger_events + comparison.duplicates + sum(rejected.values())
    parts = [
        f"{comparison.ledger_events:,} counted",
        number(comparison.duplicates, "duplicate"),
        f"{sum(rejected.values()):,} rejected",
    ]
    account = _account("rows", number_of_rows, accounted, parts, rejected)
    checks = [account, reasons, *comparison.checks, check_of_rejected]
    return [Check(f"deep: {check.name}", check.left, check.right, check.verdict, check.note) for check in checks]


def _of_earlier(read: DataFrame, scope: Scope) -> DataFrame:
    """Return the windows in which records came that were rejected, and are of days before the scope by their bytes.

    A replay may have counted them while those days could be counted, or not: then they are rejected still.
    """
    was_rejected = f"stored_reason is not null and stored_reason <> '{BEFORE_HORIZON}'"
    is_earlier = f"reject_reason is null and window_start < timestamp_micros({scope.first:.0f}000000)"
    windows = read.filter(f"{was_rejected} and {is_earlier}").selectExpr(f"{ARRIVAL_WINDOW} as window_start")
    return windows.distinct()


def _rows(bronze: DataFrame, scope: Scope) -> tuple[int, dict[str, int]]:
    """Return the numbers of valid rows (by window) and of rejected rows (by ingestion) per reason."""
    inside = f"if(reject_reason is null, {scope.in_spark('window_start')}, {scope.in_spark('ingested_at')})"
    rows = bronze.filter(inside).groupBy("reject_reason").count().collect()
    counts = {row["reject_reason"]: row["count"] for row in rows}
    return counts.pop(None, 0), counts


def _replayed(entries: DataFrame) -> DataFrame:
    return entries.filter(f"cause = '{BY_REPLAY}'").select("window_start").distinct()


def _by_reason(read: DataFrame) -> dict[str, int]:
    return {row["reject_reason"]: row["count"] for row in read.groupBy("reject_reason").count().collect()}


def _account(name: str, rows: int, accounted: int, parts: list[str], rejected: dict[str, int]) -> Check:
    known = (*REJECT_REASONS, *FORMER_REASONS)
    unknown = sorted(set(rejected) - set(known))
    problem = f"unknown reject reasons: {', '.join(unknown)}" if unknown else ""
    if rows != accounted:
        problem = f"{rows:,} rows, but {accounted:,} accounted for"
    reasons = ", ".join(f"{reason} {rejected[reason]:,}" for reason in known if reason in rejected)
    return compared(name, number(rows, "row"), " + ".join(parts), problem, f"rejected: {reasons}" if reasons else "")


def _check_reasons(read: DataFrame, entries: DataFrame, scope: Scope) -> Check:
    """Compare the reason of each row. Where the rules have changed since, a replay has corrected one of its windows.

    Those are the window of the event, and for rejected rows that in which Kafka took it.
    """
    differing = read.filter(
        f"not (reject_reason <=> stored_reason) and (({scope.in_spark('stored_window')}) or "
        f"({scope.in_spark('ingested_at')}))"
    )
    own = differing.selectExpr(
        *("kafka_partition", "kafka_offset", "reject_reason", "stored_reason", "stored_window"),
        *("window_start as event_window", "ifnull(window_start, stored_window) as counted_window", ARRIVAL),
    )
    for window, dimensions in (("counted_window", f"not ({IS_OF_REJECTED})"), ("arrival_window", IS_OF_REJECTED)):
        corrected = _replayed(entries.filter(dimensions)).selectExpr(
            f"window_start as {window}", f"true as is_in_{window}"
        )
        own = own.join(corrected, window, "left")
    judged = own.withColumn("is_corrected", F.expr("is_in_counted_window is true or is_in_arrival_window is true"))
    counts = judged.selectExpr(
        "count_if(is_corrected) as corrected",
        "count_if(not is_corrected) as wrong",
        "min(struct(kafka_partition, kafka_offset, reject_reason, stored_reason, event_window, stored_window)) "
        "filter (where not is_corrected) as first",
    ).collect()[0]
    problem = ""
    if counts["wrong"]:
        first = counts["first"]
        problem = (
            f"first: partition {first['kafka_partition']}, offset {first['kafka_offset']}: "
            f"{first['reject_reason'] or 'valid'} by its bytes, {first['stored_reason'] or 'valid'} in bronze; "
            "if the rules have changed, replay"
        )
    note = f"{number(counts['corrected'], 'row')} read otherwise by a replay" if counts["corrected"] else ""
    return compared("reject reasons", "by the raw bytes", f"{number(counts['wrong'], 'row')} differ", problem, note)
