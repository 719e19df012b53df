"""From a record's bytes to the columns of bronze. Pure: no session, no clock, no I/O.

The same expressions parse on arrival and in a replay, so all they look at is the row itself.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.contracts import (
    ASSET,
    BRONZE,
    EARLIEST_EVENT,
    FUTURE_TOLERANCE_SECONDS,
    MAX_AGENT_CHARACTERS,
    MAX_KEY_CHARACTERS,
    MAX_TARGET_CHARACTERS,
    OTHER,
    WINDOW_SECONDS,
    names,
)
from lake.formats import FORMATS, ObjectFormat, RecordFormat
from lake.url_rules import UrlRules
from spark.events.clients import client
from spark.events.formats import (
    EVENTS,
    NUL,
    OBJECTS,
    STRICT,
    by_format,
    field,
    flags,
    is_any,
    method,
    path,
    take_apart,
    text,
)

UNIX_LINES = "(?d)"  # so that a line ends in a newline alone, as in Python
WHOLE = r"^\d{1,9}\z"
TEXTS = {"event_id": "own_id", "user_id": "user_id", "product_id": "own_product", "user_agent": "user_agent"}
"""Fields that must be no object or list -> their columns."""
DECIMAL = r"^\d{1,9}([.]\d*)?([eE][+-]?\d{1,2})?\z"


def parse_records(records: DataFrame, rules: UrlRules) -> DataFrame:
    """Parse Kafka records: one row out for each row in, in bronze's columns but for ``batch``.

    A column ``batch``, which a replay has and a new record has not, goes through as it is.

    Args:
        records: ``value`` (binary), ``header_event_id`` (string or null), ``kafka_partition``, ``kafka_offset``,
            ``ingested_at``.
        rules: The URL rules and the actions that an event may name.
    """
    fields = _fields(take_apart(records), rules)
    typed = _types(fields)
    judged = typed.withColumn("reject_reason", _reject_reason(rules))
    return _identify(judged)


def parse_again(rows: DataFrame, rules: UrlRules) -> DataFrame:
    """Parse rows of bronze again from their bytes, and return what is valid now, without the bytes."""
    position = F.concat_ws("-", "kafka_partition", "kafka_offset")
    has_given_id = F.col("event_key").isNotNull() | (F.col("event_id") != position)
    given_id = F.when(has_given_id, F.col("event_id")).alias("header_event_id")
    records = rows.select("value", given_id, "kafka_partition", "kafka_offset", "ingested_at", "batch")
    return parse_records(records, rules).filter(F.col("reject_reason").isNull()).drop("value")


def _fields(decoded: DataFrame, rules: UrlRules) -> DataFrame:
    """Bring all formats to the same fields, all text."""
    common = decoded.select(
        *(name for name in (*records_columns(), "batch") if name in decoded.columns),
        "is_utf8",
        "is_object",
        *flags(),
        field("event_id").alias("own_id"),
        field("time").alias("time"),
        field("ip_address").alias("address"),
        field("forwarded_for").alias("forwarded_for"),
        field("user_id").alias("user_id"),
        field("action").alias("own_action"),
        field("product_id").alias("own_product"),
        method().alias("method"),
        path().alias("path"),
        field("referrer").alias("referrer"),
        _short(field("user_agent"), MAX_AGENT_CHARACTERS).alias("user_agent"),
        field("status_code").alias("status_text"),
        field("response_time").alias("response_text"),
        field("bytes").alias("bytes_text"),
    )
    action, product = _rule_action(rules), _rule_product(rules)
    known = common.withColumn("ip_address", client("address", "forwarded_for", rules.proxies))
    cut = known.withColumn("target", _short(F.col("path"), MAX_TARGET_CHARACTERS))
    return cut.withColumn("rule", _first_rule(rules)).select(
        "*",
        by_format(lambda kind: F.col("own_action") if kind in EVENTS else action).alias("action"),
        by_format(lambda kind: F.col("own_product") if kind in EVENTS else product).alias("raw_product_id"),
    )


def _types(fields: DataFrame) -> DataFrame:
    """Cast the fields; what cannot be read is null here and has a reason in :func:`_reject_reason`."""
    seconds = F.when(F.col("response_text").rlike(DECIMAL), F.col("response_text").try_cast("double"))
    texts = F.concat_ws("", "own_id", "user_id", "address", "action", "raw_product_id", "user_agent")
    has_escaped_nul = is_any(OBJECTS) & text().contains("\\u0000") & texts.contains(NUL)
    return fields.select(
        "*",
        by_format(_time).alias("occurred_at"),
        F.when(F.col("raw_product_id") != "", F.col("raw_product_id")).alias("product_id"),
        F.col("status_text").try_cast("int").alias("status_code"),
        (seconds * 1000 + 0.5).try_cast("bigint").alias("response_ms"),
        F.col("bytes_text").try_cast("bigint").alias("bytes"),
        has_escaped_nul.alias("has_escaped_nul"),
    )


def _time(record_format: RecordFormat) -> Column:
    time, pattern = F.col("time"), record_format.time.pattern
    read = F.try_to_timestamp("time", F.lit(pattern)) if pattern else time.try_cast("timestamp")
    return F.when(time.rlike(record_format.time.shape), read)


def _reject_reason(rules: UrlRules) -> Column:
    """The first reason that applies, in the order of ``contracts.REJECT_REASONS``; null for a good record.

    ``from_json`` keeps this step out of the code that Spark generates for the others. That is needed: with it, theirs
    would be a method too long for Java to compile, and parsing would take half as long again.
    """
    is_readable_object = is_any(OBJECTS)
    is_bad_json = F.col("is_object") & ~is_readable_object
    first_object = F.from_json(text(), "struct<timestamp:string>", STRICT)
    first_object_ends = F.from_json(
        text(), "struct<timestamp:string, broken:string>", {**STRICT, "columnNameOfCorruptRecord": "broken"}
    )
    is_trailing = F.when(is_bad_json, first_object.isNotNull() & first_object_ends["broken"].isNull())
    latest = F.unix_micros("ingested_at") + FUTURE_TOLERANCE_SECONDS * 1_000_000
    has_no_time = F.col("time").isNull() | (F.col("time") == "")
    is_in_rules = F.col("own_action").isin(*rules.actions)
    is_unknown = is_any(EVENTS) & (F.col("own_action").isNull() | ~is_in_rules)
    key_length = F.greatest(F.length("ip_address"), F.length("action"), F.length("product_id"))
    return (
        F.when(~F.col("is_utf8"), "invalid_utf8")
        .when((~is_readable_object & text().contains(NUL)) | F.col("has_escaped_nul"), "nul_character")
        .when(is_trailing, "trailing_bytes")
        .when(is_bad_json, "not_json")
        .when(~is_any(FORMATS), "not_a_log_line")
        .when(has_no_time, "missing_time")
        .when(F.col("occurred_at").isNull(), "unreadable_time")
        .when(F.col("occurred_at") < F.lit(EARLIEST_EVENT).cast("timestamp"), "time_too_old")
        .when(F.unix_micros("occurred_at") > latest, "time_in_future")
        .when(is_unknown, "unknown_action")
        .when(reduce(or_, [is_any([kind]) & _has_wrong_type(kind) for kind in OBJECTS]), "wrong_type")
        .when(key_length > MAX_KEY_CHARACTERS, "key_too_long")
    )


def _has_wrong_type(record_format: ObjectFormat) -> Column:
    """A number that cannot be read, a status that is not an HTTP status, or an object or list in place of a text."""
    status, response = F.col("status_text"), F.col("response_text")
    is_whole = (F.length(status) == 3) | status.rlike(WHOLE)  # a number from 100 in three characters is three digits
    is_status = F.coalesce(F.col("status_code").between(100, 599) & is_whole, F.lit(False))
    bad_status = status.isNotNull() & ~is_status
    bad_response = response.isNotNull() & F.col("response_ms").isNull() & ~response.rlike(DECIMAL)
    looks_nested = F.lit(False)
    for column in TEXTS.values():
        looks_nested = looks_nested | F.col(column).startswith("{") | F.col(column).startswith("[")
    keys = "|".join(record_format.fields[name] for name in TEXTS if name in record_format.fields)
    nested = text().rlike(rf'"(?:{keys})"\s*:\s*[\[{{]')
    return F.coalesce(bad_status | bad_response | (looks_nested & nested), F.lit(False))


def _identify(judged: DataFrame) -> DataFrame:
    """Give each row its identity, window and day, and keep only bronze's columns."""
    is_good = F.col("reject_reason").isNull()
    position = F.concat_ws("-", "kafka_partition", "kafka_offset")
    given_id = F.coalesce(_no_blank(F.col("header_event_id")), _no_blank(F.col("own_id")))
    seconds = F.floor(F.unix_micros("occurred_at") / F.lit(1_000_000 * WINDOW_SECONDS)) * WINDOW_SECONDS
    window_start = F.when(is_good, F.timestamp_seconds(seconds))
    return (
        judged.withColumn("window_start", window_start)
        .withColumn("given_id", given_id)
        .withColumn("event_id", F.coalesce("given_id", position))
        .withColumn("event_key", F.when(is_good & given_id.isNotNull(), F.xxhash64("given_id", "window_start")))
        .withColumn("event_date", F.coalesce("window_start", "ingested_at").cast("date"))
        .withColumn("format", by_format(lambda kind: F.lit(kind.name)))
        .select(*(name for name in names(BRONZE) if name != "batch" or name in judged.columns))
    )


def records_columns() -> tuple[str, ...]:
    """Return the columns of a record as it comes from Kafka."""
    return ("value", "header_event_id", "kafka_partition", "kafka_offset", "ingested_at")


def _first_rule(rules: UrlRules) -> Column:
    """Number of the first rule whose pattern is in ``target``, from 0; null where none is."""
    number = F.lit(None).cast("int")
    for position, rule in reversed(list(enumerate(rules.rules))):
        applies = F.col("target").rlike(UNIX_LINES + rule.pattern)
        if rule.method:
            applies = (F.col("method") == rule.method) & applies
        number = F.when(applies, F.lit(position)).otherwise(number)
    return F.when(F.col("target").isNotNull(), number)


def _rule_action(rules: UrlRules) -> Column:
    actions = [rule.action for rule in rules.rules]
    return F.coalesce(F.get(F.array(*map(F.lit, actions)), F.col("rule")), F.lit(OTHER)) if actions else F.lit(OTHER)


def _rule_product(rules: UrlRules) -> Column:
    product = F.lit(None).cast("string")
    for position, rule in enumerate(rules.rules):
        if rule.product_group and rule.action != ASSET:
            group = F.regexp_extract("target", UNIX_LINES + rule.pattern, rule.product_group)
            product = F.when(F.col("rule") == position, group).otherwise(product)
    return product


def _short(value: Column, characters: int) -> Column:
    may_be_long = F.octet_length(value) > characters  # which costs nothing
    return F.when(may_be_long, F.left(value, F.lit(characters))).otherwise(value)


def _no_blank(value: Column) -> Column:
    return F.when(value != "", value)
