"""From a record's bytes to the columns of bronze. Pure: no session, no clock, no I/O.

The same expressions parse on arrival and in a replay, so all they look at is the row itself.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.contracts import (
    BRONZE,
    EARLIEST_EVENT,
    MAX_AGENT_CHARACTERS,
    MAX_KEY_CHARACTERS,
    MAX_TARGET_CHARACTERS,
    OTHER,
    PROBE,
    WINDOW_SECONDS,
    names,
)
from lake.formats import FORMATS, RecordFormat
from lake.url_rules import UrlRules
from spark.events import targets
from spark.events.actions import first_rule, rule_action, rule_product
from spark.events.clients import client
from spark.events.formats import (
    EVENTS,
    OBJECTS,
    by_format,
    field,
    flags,
    is_any,
    is_nested,
    is_other,
    take_apart,
    text,
)
from spark.events.json_logs import STRICT
from spark.events.texts import header, no_blank, percent_decoded, short, short_key
from spark.events.times import other_time

WHOLE = r"^\d{1,9}\z"
DECIMAL = r"^\d{1,9}([.]\d*)?([eE][+-]?\d{1,2})?\z"
HOST_BEFORE = r"^(?=[^A-Za-z ,:]*+[A-Za-z])([A-Za-z0-9][^ ,:]*+)(?::\d*+)?+ (?!.*,)"
"""A host before an address; before a list it may be the client."""
CARRIED = ("batch", "counted_on")
"""Columns that a row has which is read again, and a new record has not. They go through as they are."""
BETWEEN_OBJECTS = r"\}[ \t\r\n]*+(?:,[ \t\r\n]*+)?\{"


def parse_records(records: DataFrame, rules: UrlRules) -> DataFrame:
    """Parse Kafka records: one row out for each row in, in bronze's columns but for ``batch``.

    The columns of ``CARRIED`` go through as they are.

    Args:
        records: ``value`` (binary), ``header_event_id`` (string or null), ``kafka_partition``, ``kafka_offset``,
            ``ingested_at``; perhaps ``header_source``, ``header_log_format`` and ``header_fields`` (string or null).
        rules: The URL rules, the actions that an event may name, and how times are read.
    """
    fields = _fields(take_apart(records, rules.formats))
    meant = _meaning(_judge(fields, rules), rules)
    return _identify(_types(meant), rules)


def parse_again(rows: DataFrame, rules: UrlRules) -> DataFrame:
    """Parse rows of bronze again from their bytes, and return what is valid now, without the bytes."""
    return parse_all_again(rows, rules).filter(F.col("reject_reason").isNull())


def parse_all_again(rows: DataFrame, rules: UrlRules) -> DataFrame:
    """Parse rows of bronze again from their bytes, and return all of them, without the bytes.

    A column ``counted_on``, if there is one, stays beside bronze's.
    """
    position = F.concat_ws("-", "kafka_partition", "kafka_offset")
    has_given_id = F.col("event_key").isNotNull() | (F.col("event_id") != position)
    given_id = F.when(has_given_id, F.col("event_id")).alias("header_event_id")
    source = F.col("source").alias("header_source")
    log_string = F.col("declared").alias("header_log_format")
    headers = (given_id, source, log_string)
    carried = (name for name in CARRIED if name in rows.columns)
    records = rows.select("value", *headers, "kafka_partition", "kafka_offset", "ingested_at", *carried)
    return parse_records(records, rules).drop("value")


def _fields(decoded: DataFrame) -> DataFrame:
    """Bring all formats to the same fields, all text."""
    common = decoded.select(
        *(name for name in (*records_columns(), "header_source", *CARRIED) if name in decoded.columns),
        "mended",
        "is_object",
        "declared",
        "other",
        *flags(),
        field("event_id").alias("own_id"),
        field("time").alias("time"),
        field("ip_address").alias("address"),
        field("forwarded_for").alias("forwarded_for"),
        field("user_id").alias("own_user"),
        field("action").alias("own_action"),
        field("product_id").alias("own_product"),
        field("request").alias("request"),
        field("referrer").alias("referrer"),
        short(field("user_agent"), MAX_AGENT_CHARACTERS).alias("own_agent"),
        field("status_code").alias("status_text"),
        field("response_time").alias("response_text"),
        field("bytes").alias("bytes_text"),
        F.col("other").getField("host").alias("own_host"),
    )
    request = F.col("request")
    asked = common.withColumns({"asked": targets.target(request), "method": targets.method(request)})
    where = asked.withColumn("path", targets.path(request, F.col("asked")))
    cut = where.withColumn("cut", short(no_blank(F.col("path")), MAX_TARGET_CHARACTERS))
    return cut.withColumn("target", targets.spelled(F.col("cut")))


def _usual_time(record_format: RecordFormat) -> Column:
    time, pattern = F.col("time"), record_format.time.pattern
    read = F.try_to_timestamp("time", F.lit(pattern)) if pattern else time.try_cast("timestamp")
    return F.when(time.rlike(record_format.time.shape), read)


def _judge(fields: DataFrame, rules: UrlRules) -> DataFrame:
    """Add why a record is none, ``flaw``, its rule and client, its time, and unnested texts.

    ``from_json`` keeps this step out of the code that Spark generates for the others, and parts that in two. Both are
    needed: in one piece, or with this step in it, it would be a method too long for Java to compile, and parsing would
    take half as long again. This step's own code is in as many methods as it takes, however many rules there are.
    """
    usual = by_format(_usual_time, F.coalesce(*map(_usual_time, FORMATS)))
    return fields.withColumns(
        {
            "flaw": _flaw(),
            "rule": first_rule(rules),
            "ip_address": client("address", "forwarded_for", rules.proxies),
            "occurred_at": F.coalesce(usual, other_time(F.col("time"), rules.log_timezone)),
            "event_name": by_format(lambda kind: _own_text(kind, "event_id", "own_id"), F.col("own_id")),
            "user_id": by_format(lambda kind: _own_text(kind, "user_id", "own_user"), F.col("own_user")),
            "user_agent": by_format(lambda kind: _own_text(kind, "user_agent", "own_agent"), F.col("own_agent")),
            "named_product": by_format(lambda kind: _own_text(kind, "product_id", "own_product"), F.col("own_product")),
        }
    )


def _own_text(record_format: RecordFormat, name: str, column: str) -> Column:
    return F.when(~is_nested(record_format, name, F.col(column)), F.col(column))


def _flaw() -> Column:
    """The first reason of ``contracts.REJECT_REASONS`` for which a record is neither an event nor a line of a log."""
    is_bad_json = F.col("is_object") & ~is_any(OBJECTS) & ~is_other()
    first_object = F.from_json(text(), "struct<timestamp:string>", STRICT)
    first_object_ends = F.from_json(
        text(), "struct<timestamp:string, broken:string>", {**STRICT, "columnNameOfCorruptRecord": "broken"}
    )
    is_trailing = F.when(is_bad_json, first_object.isNotNull() & first_object_ends["broken"].isNull())
    apart = F.regexp_replace(text(), BETWEEN_OBJECTS, "},{")
    objects = F.from_json(F.concat(F.lit("["), apart, F.lit("]")), "array<struct<timestamp:string>>", STRICT)
    are_objects = (F.size(objects) > 1) & ~F.exists(objects, lambda one: one.isNull())
    is_array = text().startswith("[") & (F.size(F.from_json(text(), "array<string>", STRICT)) > 0)
    has_lines = text().contains("\n")
    is_unreadable = ~is_any(FORMATS) & ~is_other()
    is_several = F.when(F.col("is_object"), F.when(is_trailing, are_objects)).otherwise(is_array | has_lines)
    return (
        F.when(is_unreadable & is_several, "several_records")
        .when(is_trailing, "trailing_bytes")
        .when(is_bad_json, "not_json")
        .when(is_unreadable, "not_a_log_line")
        .when(is_any(EVENTS) & F.col("own_action").isNull(), "not_an_event")
    )


def _meaning(judged: DataFrame, rules: UrlRules) -> DataFrame:
    """Add the action and the product: what an event says itself, or the URL rules of a request."""
    is_known = F.col("own_action").isin(*rules.actions)
    own_action = F.when(is_known, F.col("own_action")).otherwise(F.lit(OTHER))
    asked_action = F.when(F.col("path").isNull(), F.lit(PROBE)).otherwise(rule_action(rules))
    found = judged.withColumn("asked_product", rule_product(rules))
    asked_product = percent_decoded(F.col("asked_product"))
    is_event = is_any(EVENTS) | F.col("own_action").isNotNull()
    is_request = is_any(FORMATS) | is_other()
    action = F.when(is_event, own_action).when(is_request, asked_action)
    product = F.when(is_event, F.col("named_product")).when(is_request, asked_product)
    return found.withColumns({"action": action, "product_id": no_blank(short_key(product, MAX_KEY_CHARACTERS))})


def _types(meant: DataFrame) -> DataFrame:
    """Cast the fields; what cannot be read is null."""
    seconds = F.when(F.col("response_text").rlike(DECIMAL), F.col("response_text").try_cast("double"))
    status = F.col("status_text").try_cast("int")
    is_whole = (F.length("status_text") == 3) | F.col("status_text").rlike(WHOLE)
    own_status = F.when(status.between(100, 599) & is_whole, status)
    return meant.select(
        "*",
        by_format(lambda kind: own_status if kind in OBJECTS else status, own_status).alias("status_code"),
        (seconds * 1000 + 0.5).try_cast("bigint").alias("response_ms"),
        F.col("bytes_text").try_cast("bigint").alias("bytes"),
    )


def _identify(judged: DataFrame, rules: UrlRules) -> DataFrame:
    """Give each row its reject reason, identity, window and day, and keep only bronze's columns."""
    position = F.concat_ws("-", "kafka_partition", "kafka_offset")
    given_id = F.coalesce(header(F.col("header_event_id")), no_blank(F.col("event_name")))
    seconds = F.floor(F.unix_micros("occurred_at") / F.lit(1_000_000 * WINDOW_SECONDS)) * WINDOW_SECONDS
    is_good = F.col("reject_reason").isNull()
    window_start = F.when(is_good, F.timestamp_seconds(seconds))
    has_source = "header_source" in judged.columns
    source = header(F.col("header_source")) if has_source else F.lit(None).cast("string")
    read = judged.withColumns(
        {
            "reject_reason": _reject_reason(rules),
            "given_id": given_id,
            "format": by_format(lambda kind: F.lit(kind.name), F.col("other").getField("format")),
            "source": source,
            "host": _host(),
        }
    )
    placed = read.withColumns({"window_start": window_start, "event_id": F.coalesce("given_id", position)})
    has_key = is_good & F.col("given_id").isNotNull()
    own = {
        "event_key": F.when(has_key, F.xxhash64("given_id", "window_start")),
        "event_date": F.coalesce("window_start", "ingested_at").cast("date"),
    }
    columns = (
        name for name in dict.fromkeys((*names(BRONZE), *CARRIED)) if name not in CARRIED or name in judged.columns
    )
    return placed.select(*(own[name].alias(name) if name in own else name for name in columns))


def _host() -> Column:
    """The host that was asked: what a record says of it, before its client for example, else that of a whole URL."""
    before = F.when(F.col("address").contains(" "), F.lower(F.regexp_extract("address", HOST_BEFORE, 1)))
    of_url = F.when(~F.col("asked").startswith("/"), targets.host(F.col("asked")))
    return F.coalesce("own_host", no_blank(before), no_blank(of_url))


def _reject_reason(rules: UrlRules) -> Column:
    """The first reason of ``contracts.REJECT_REASONS`` that applies; null for a good record."""
    latest = F.unix_micros("ingested_at") + rules.future_seconds * 1_000_000
    has_no_time = F.col("time").isNull() | (F.col("time") == "")
    is_unset = F.col("occurred_at") < F.lit(EARLIEST_EVENT).cast("timestamp")
    return (
        F.when(F.col("flaw").isNotNull(), F.col("flaw"))
        .when(has_no_time, "missing_time")
        .when(F.col("occurred_at").isNull() | is_unset, "unreadable_time")
        .when(F.unix_micros("occurred_at") > latest, "time_in_future")
    )


def records_columns() -> tuple[str, ...]:
    """Return the columns of a record as it comes from Kafka."""
    return ("value", "header_event_id", "kafka_partition", "kafka_offset", "ingested_at")
