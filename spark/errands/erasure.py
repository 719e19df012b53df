"""Erasure of a client: no row of the lake says who it was any more; what it did, and when, still counts.

In bronze, the address, user, agent and referrer of its rows give way to the word ``erased``, in the bytes as well, so
that parsing them again gives the same counts. In the ledger, its counts become those of the client ``erased``, which
all erased clients share. So every stage still agrees with the one before it. Its rejected records, whose fields nobody
knows, are emptied; but not those that today's rules can read, which a replay may have counted. An emptied record keeps
the reason and the format by which it is counted, because its bytes no longer tell them. By today's rules and proxies, a
row may be another client's than on arrival; then its bytes follow the one, and its columns the other.

The address stands in no predicate that Delta puts on record: rows are matched by their position, keys by a join.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Sequence
from dataclasses import replace

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.addresses import address_pattern
from lake.contracts import BRONZE, BRONZE_PARTITION, ERASED, REJECTED, names
from lake.contracts.records import ErasureRecord, as_text
from lake.formats import FORMATS
from lake.formats.known import LogFormat
from lake.settings import Settings
from lake.url_rules import UrlRules, load_rules
from spark import failpoints
from spark.errands.replay_records import corrected_windows
from spark.events.agent_columns import distinct_agents
from spark.events.claims import load_ranges
from spark.events.formats import erased, is_other, take_apart
from spark.events.judgement import Judgement
from spark.events.others import erased_other
from spark.events.parse import parse_all_again
from spark.events.rejections import ingestion_window
from spark.tables.delta import ERASURE, noting, vacuum
from spark.tables.horizon import horizon_of
from spark.tables.storage import read_texts, remove_folder, write_text
from spark.tables.verdicts import read_verdicts

log = logging.getLogger(__name__)

POSITION = ("batch", "kafka_partition", "kafka_offset")
JUDGED = ("ip_address", "user_agent", "window_start")
"""The columns by which a client is judged."""
READ = (
    *("format", "event_id", "occurred_at", "ip_address", "user_id", "action", "product_id", "path"),
    *("referrer", "user_agent", "status_code", "response_ms", "bytes", "host"),
)
"""The columns that a row may have otherwise today."""


def erase_from_bronze(session: SparkSession, settings: Settings, pattern: str) -> dict[str, int]:
    """Rewrite the rows that hold the address; return how many were the client's own, others, and rejected ones."""
    bronze = session.read.format("delta").load(settings.bronze)
    of_rejected = session.read.format("delta").load(settings.ledger).filter(F.col("dimension") == REJECTED.name)
    corrected = corrected_windows(session, settings, of_rejected)
    rules = load_rules(settings)
    rows = with_readings(rows_with(bronze, pattern), rules, pattern, corrected).persist()
    try:
        is_own = F.col("is_own_now") | F.col("was_own")
        kinds = F.when(~F.col("is_readable"), "rejected").when(is_own, "own").otherwise("others")
        counts = {row["kind"]: row["count"] for row in rows.groupBy(kinds.alias("kind")).count().collect()}
        if counts:
            days = [row[0] for row in rows.select(BRONZE_PARTITION).distinct().collect()]
            own = rows.filter(is_own)
            agents = distinct_agents(own.select("user_agent").union(own.select("now.user_agent")))
            verdicts, ranges = read_verdicts(session, settings), load_ranges(settings.ranges_file)
            convicted, pardoned = (
                tuple(address for address in addresses if re.search(pattern, address))
                for addresses in (verdicts.convicted, verdicts.pardoned)
            )
            judgement = Judgement.of(agents, ranges, convicted, pardoned)
            rewritten = anonymous(rows, pattern, judgement, rules.formats)
            columns: dict[str, str | Column] = {
                name: f"erased.{name}" for name in names(BRONZE) if name not in (*POSITION, BRONZE_PARTITION)
            }
            is_in_days = F.col(f"bronze.{BRONZE_PARTITION}").isin(days)
            is_row = is_in_days & _same((*POSITION, BRONZE_PARTITION), "bronze", "erased")
            table = DeltaTable.forPath(session, settings.bronze).alias("bronze")
            table.merge(rewritten.alias("erased"), is_row).whenMatchedUpdate(set=columns).execute()
    finally:
        rows.unpersist()
    return {kind: counts.get(kind, 0) for kind in ("own", "others", "rejected")}


def rows_with(bronze: DataFrame, pattern: str) -> DataFrame:
    """Return the rows of bronze that hold the address, in their bytes or in a column that was read from them."""
    own = ("event_id", "ip_address", "user_id", "product_id", "path", "referrer", "user_agent")
    texts = (*own, "source", "host", "declared")
    return bronze.filter(F.concat_ws("\n", F.col("value").cast("string"), *texts).rlike(pattern))


def with_readings(rows: DataFrame, rules: UrlRules, pattern: str, corrected: DataFrame) -> DataFrame:
    """Add to rows of bronze how today's rules read them, and whose they are by that and were on arrival.

    The new columns are ``now``, null if today's rules reject the row; ``is_readable``, if they do not or if it was not
    rejected on arrival; ``is_own_now`` and ``was_own``; and of a row that is not readable, ``counted_reason`` and
    ``counted_format``, by which the ledger counts it: today's in the windows that ``corrected`` lists, those in which a
    replay has corrected the rejected records. Under other rules or proxies than on arrival, a row may be another
    client's. What was rejected and can be read today has the columns of today's reading, for on arrival it may have
    had none.
    """
    is_read = F.col("reject_reason").isNull()
    again = parse_all_again(rows, rules).select(
        *POSITION,
        F.when(is_read, F.struct("window_start", *READ)).alias("now"),
        F.col("reject_reason").alias("reason_now"),
        F.col("format").alias("format_now"),
    )
    windows = corrected.select(F.col("window_start").alias("arrival"), F.lit(True).alias("is_corrected"))
    compared = (
        rows.join(again, list(POSITION), "left")
        .withColumn("arrival", ingestion_window())
        .join(F.broadcast(windows), "arrival", "left")
    )
    is_as_now = F.coalesce("is_corrected", F.lit(False))
    was_valid = F.col("reject_reason").isNull()
    is_own = F.coalesce(F.col("ip_address").rlike(pattern), F.lit(False)) & was_valid
    is_own_now = F.coalesce(F.col("now.ip_address").rlike(pattern), F.lit(False))
    was_refused = ~was_valid & F.col("now").isNotNull()
    columns = {name: F.when(was_refused, F.col(f"now.{name}")).otherwise(F.col(name)) for name in READ}
    return compared.select(
        *(columns.get(name, F.col(name)).alias(name) for name in rows.columns),
        "now",
        (was_valid | F.col("now").isNotNull()).alias("is_readable"),
        F.when(F.col("now").isNull(), is_own).otherwise(is_own_now).alias("is_own_now"),
        F.when(was_valid, is_own).otherwise(is_own_now).alias("was_own"),
        F.when(is_as_now, F.col("reason_now")).otherwise(F.col("reject_reason")).alias("counted_reason"),
        F.when(is_as_now, F.col("format_now")).otherwise(F.col("format")).alias("counted_format"),
    )


def anonymous(rows: DataFrame, pattern: str, judgement: Judgement, formats: Sequence[LogFormat] = ()) -> DataFrame:
    """Return rows of bronze without the address, and the client's own rows without anything else that says who it was.

    The bytes become those of a row that today's rules read as they read this one, and the columns stay what they were
    on arrival: the ledger has some windows by the ones, and some by the others.

    Args:
        rows: Rows that hold it, as :func:`with_readings` returns them; those that are not readable are emptied.
        pattern: The address, as a regular expression.
        judgement: What is known of the client.
        formats: Those of access-log lines that are read beside our own.
    """
    is_rejected, is_own_now, was_own = ~F.col("is_readable"), F.col("is_own_now"), F.col("was_own")
    headers = {"header_source": F.col("source"), "header_log_format": F.col("declared")}
    judged = take_apart(_with_agents(rows, judgement).withColumns(headers), formats)
    text = F.col("value").cast("string")

    def without(column: Column) -> Column:
        return F.regexp_replace(column, pattern, ERASED)

    def own(is_own: Column, replacement: Column | None, name: str) -> Column:
        nothing = F.lit(None).cast("string")
        kept = F.when(is_own, nothing if replacement is None else replacement).otherwise(without(F.col(name)))
        return F.when(~is_rejected, kept).alias(name)

    record_format = F.coalesce("now.format", "format")
    of_ours = (F.when(record_format == kind.name, erased(kind, F.col("agent_now"))) for kind in FORMATS)
    own_text = F.when(is_other(), erased_other(F.col("other"), F.col("agent_now"))).otherwise(F.coalesce(*of_ours))
    value = F.when(is_rejected, F.lit("")).otherwise(without(F.when(is_own_now, own_text).otherwise(text)))
    position = F.concat_ws("-", "kafka_partition", "kafka_offset")
    event_id = F.when(is_rejected, position).otherwise(without(F.col("event_id")))
    event_key = F.when(F.col("event_key").isNotNull(), F.xxhash64(event_id, "window_start"))
    replaced = {
        "value": value.cast("binary"),
        "event_id": event_id,
        "event_key": event_key,
        "ip_address": own(was_own, F.lit(ERASED), "ip_address"),
        "user_id": own(is_own_now | was_own, None, "user_id"),
        "referrer": own(is_own_now | was_own, None, "referrer"),
        "user_agent": own(was_own, F.col("agent_then"), "user_agent"),
    }
    readable = ("occurred_at", "action", "status_code", "response_ms", "bytes")
    replaced |= {
        "reject_reason": F.when(is_rejected, F.col("counted_reason")).otherwise(F.col("reject_reason")),
        "format": F.when(is_rejected, F.col("counted_format")).otherwise(F.col("format")),
    }
    replaced |= {name: F.when(~is_rejected, F.col(name)) for name in readable}
    replaced |= {name: F.when(~is_rejected, without(F.col(name))) for name in ("product_id", "path", "source", "host")}
    replaced["declared"] = F.when(~is_rejected & ~is_own_now, without(F.col("declared")))
    return judged.select(*(replaced.get(name, F.col(name)).alias(name) for name in names(BRONZE)))


def _with_agents(rows: DataFrame, judgement: Judgement) -> DataFrame:
    """Add what is to stand for the agent, as the row was read on arrival and as it is read now."""
    then = rows.withColumn("agent_then", judgement.erased_agent)
    names_then = {f"{name}_then": F.col(name) for name in JUDGED}
    now = {name: F.when(F.col("now").isNull(), F.col(name)).otherwise(F.col(f"now.{name}")) for name in JUDGED}
    as_now = then.withColumns(names_then).withColumns(now).withColumn("agent_now", judgement.erased_agent)
    return as_now.withColumns({name: F.col(f"{name}_then") for name in JUDGED})


def erase_from_ledger(session: SparkSession, settings: Settings, pattern: str) -> int:
    """Rename the keys that hold the address; return how many entries had one.

    The commit is marked, so that PostgreSQL is filled again: it has the counts under the old keys.
    """
    entries = session.read.format("delta").load(settings.ledger).filter(F.col("key").rlike(pattern))
    is_client = F.col("dimension") == "client"
    renamed = F.when(is_client, ERASED).otherwise(F.regexp_replace("key", pattern, ERASED)).alias("new_key")
    keys = entries.groupBy("dimension", "key", renamed).count().collect()
    if keys:
        schema = "dimension string, key string, new_key string"
        pairs = session.createDataFrame([tuple(row)[:3] for row in keys], schema)
        with noting(session, ERASURE):
            table = DeltaTable.forPath(session, settings.ledger).alias("ledger")
            merge = table.merge(F.broadcast(pairs).alias("erased"), _same(("dimension", "key"), "ledger", "erased"))
            merge.whenMatchedUpdate(set={"key": "erased.new_key"}).execute()
    return sum(row["count"] for row in keys)


def erase_from_records(session: SparkSession, settings: Settings, pattern: str) -> None:
    """Take the address out of the records of replays and verdicts. What a verdict moved stays moved."""
    remove_folder(session, f"{settings.replays}/staging")
    for folder in (settings.replays, settings.verdicts):
        for path, text in read_texts(session, folder).items():
            if re.search(pattern, text):
                write_text(session, path, re.sub(pattern, ERASED, text))


def erase(session: SparkSession, settings: Settings, address: str) -> dict[str, int]:
    """Erase a client from all of the lake, older versions included; return what was rewritten. It may be repeated."""
    pattern = address_pattern(address)
    counts = erase_from_bronze(session, settings, pattern)
    failpoints.reach("erase-after-bronze")
    entries = erase_from_ledger(session, settings, pattern)
    failpoints.reach("erase-after-ledger")
    erase_from_records(session, settings, pattern)
    for table in (settings.bronze, settings.ledger):
        vacuum(session, table, 0)
    log.info("erased a client: %s rows of bronze, %d entries of the ledger", counts, entries)
    return {**counts, "entries": entries}


def erase_on_record(session: SparkSession, settings: Settings, address: str, reason: str) -> ErasureRecord:
    """Erase a client and record when, why and how many rows, but not the address.

    An interrupted erasure stays marked unfinished.
    """
    now = dt.datetime.now(tz=dt.timezone.utc)
    anonymous_reason = re.sub(address_pattern(address), ERASED, reason)
    begun = ErasureRecord(f"{now:%Y%m%dT%H%M%S.%f}", now.timestamp(), anonymous_reason)
    path = f"{settings.erasures}/{begun.id}.json"
    write_text(session, path, as_text(begun))
    counts, horizon = erase(session, settings, address), horizon_of(session, settings)
    record = replace(
        begun,
        finished=True,
        own=counts["own"],
        others=counts["others"],
        rejected=counts["rejected"],
        entries=counts["entries"],
        horizon=horizon.day.isoformat() if horizon else None,
    )
    write_text(session, path, as_text(record))
    return record


def _same(columns: tuple[str, ...], left: str, right: str) -> Column:
    condition = F.lit(True)
    for name in columns:
        condition = condition & (F.col(f"{left}.{name}") == F.col(f"{right}.{name}"))
    return condition
