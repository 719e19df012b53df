"""From a record's bytes to the columns of bronze. Pure: no session, no clock, no I/O.

The same expressions parse on arrival and in a replay, so all they look at is the row itself.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.contracts import (
    ASSET,
    BRONZE,
    EARLIEST_EVENT,
    ERASED,
    FORMAT_ACCESS_LOG,
    FORMAT_JSON,
    FUTURE_TOLERANCE_SECONDS,
    MAX_AGENT_CHARACTERS,
    MAX_KEY_CHARACTERS,
    OTHER,
    WINDOW_SECONDS,
    names,
)
from lake.url_rules import UrlRules

JSON_FIELDS = (
    "event_id",
    "timestamp",
    "user_id",
    "ip_address",
    "action",
    "product_id",
    "user_agent",
    "response_time",
    "status_code",
)
JSON_EVENTS = f"array<struct<{', '.join(f'{field}:string' for field in JSON_FIELDS)}>>"
STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}  # Spark takes both unless told not to

QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'  # possessive: never recurses, however long the field
LOG_LINE = (
    r"^(\S++) \S++ [^\[\r\n]*+\[([^\]\r\n]++)\] "  # address, identity, user, time
    rf"{QUOTED} (\d{{3}}) (\d++|-)"  # request, status, bytes
    rf"(?: {QUOTED} {QUOTED})?+"  # referrer, agent: combined format
    r'(?: "[^"]*+")?+\r?\n?\z'  # forwarded-for
)
LOG_FIELDS = ("ip_address", "time", "request", "status_code", "bytes", "referrer", "user_agent")
LOG_TIME = "dd/MMM/yyyy:HH:mm:ss Z"
IS_LOG_TIME = r"^\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\z"  # Spark takes years that it then fails on
NUL = "\u0000"
SEPARATOR = NUL  # in no line that gets so far: lines with a NUL are rejected first

ISO_TIME = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.]\d{1,9})?(Z|[+-]\d\d(:?\d\d)?)?\z"
OCTET = r"(?:1\d{0,2}+|2(?:[0-4]\d?+|5[0-5]?+|[6-9])?+|[3-9]\d?+|0)"  # told by its first digit, which is quicker
IPV4 = rf"{OCTET}(?:\.{OCTET}){{3}}"
HEX = r"[0-9A-Fa-f]{1,4}"
IPV6 = (
    rf"(?:(?:{HEX}:){{7}}{HEX}"
    rf"|(?=(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:[0-9A-Fa-f]{{0,4}}|{IPV4})\z)"
    rf"(?:{HEX}(?::{HEX})*+)?::(?:{HEX}(?::{HEX})*(?::{IPV4})?|{IPV4})?"
    rf"|(?:{HEX}:){{6}}{IPV4})"
)
IP_ADDRESS = rf"^(?:{IPV4}|{IPV6}|{ERASED})\z"
UNIX_LINES = "(?d)"  # so that a line ends in a newline alone, as in Python
WHOLE = r"^\d{1,9}\z"
DECIMAL = r"^\d{1,9}([.]\d*)?([eE][+-]?\d{1,2})?\z"


def parse_records(records: DataFrame, rules: UrlRules) -> DataFrame:
    """Parse Kafka records: one row out for each row in, in bronze's columns but for ``batch``.

    Args:
        records: ``value`` (binary), ``header_event_id`` (string or null), ``kafka_partition``, ``kafka_offset``,
            ``ingested_at``.
        rules: The URL rules and the known actions.

    A column ``batch``, which a replay has and a new record has not, goes through as it is.
    """
    decoded = _decode(records)
    fields = _fields(decoded, rules)
    typed = _types(fields)
    judged = typed.withColumn("reject_reason", _reject_reason(rules))
    return _identify(judged)


def parse_again(rows: DataFrame, rules: UrlRules) -> DataFrame:
    """Parse rows of bronze anew from their bytes, and return what is valid now, without the bytes."""
    position = F.concat_ws("-", "kafka_partition", "kafka_offset")
    has_given_id = F.col("event_key").isNotNull() | (F.col("event_id") != position)
    given_id = F.when(has_given_id, F.col("event_id")).alias("header_event_id")
    records = rows.select("value", given_id, "kafka_partition", "kafka_offset", "ingested_at", "batch")
    return parse_records(records, rules).filter(F.col("reject_reason").isNull()).drop("value")


def _decode(records: DataFrame) -> DataFrame:
    """Read the bytes as text and split them: ``json`` (array) or ``log`` (array of strings), null where unreadable."""
    text = _text()
    as_array = F.concat(F.lit("["), text, F.lit("]"))
    is_line = F.col("is_utf8") & ~F.col("is_json") & ~text.contains(NUL)
    log_line = F.regexp_replace(text, LOG_LINE, SEPARATOR.join(f"${n}" for n in range(1, len(LOG_FIELDS) + 1)))
    return (
        records.withColumn("is_utf8", F.is_valid_utf8(text))
        .withColumn("is_json", text.startswith("{"))
        .withColumn("json", F.when(F.col("is_utf8") & F.col("is_json"), F.from_json(as_array, JSON_EVENTS, STRICT)))
        .withColumn("log", F.when(is_line, F.split(log_line, SEPARATOR)))
        .withColumn("is_event", F.coalesce(F.size("json") == 1, F.lit(False)))
        .withColumn("is_log_line", F.coalesce(F.size("log") == len(LOG_FIELDS), F.lit(False)))
    )


def _fields(decoded: DataFrame, rules: UrlRules) -> DataFrame:
    """Bring both formats to the same fields, all text: a dash of a log line is null."""
    event = {name: F.get("json", F.lit(0)).getField(name) for name in JSON_FIELDS}
    log = {name: F.get("log", F.lit(number)) for number, name in enumerate(LOG_FIELDS)}
    is_event, is_log = F.col("is_event"), F.col("is_log_line")

    def either(json_field: Column | None, log_field: Column | None) -> Column:
        nothing = F.lit(None).cast("string")
        return F.when(is_event, nothing if json_field is None else json_field).when(
            is_log, nothing if log_field is None else log_field
        )

    words = F.split(log["request"], " ")
    target = F.regexp_replace(F.get(words, F.lit(1)), r"^[a-z]+://[^/?#]*", "")
    known = decoded.select(
        *(name for name in (*records_columns(), "batch") if name in decoded.columns),
        "is_utf8",
        "is_json",
        "is_event",
        "is_log_line",
        either(event["event_id"], None).alias("json_event_id"),
        either(event["timestamp"], log["time"]).alias("time"),
        either(event["ip_address"], log["ip_address"]).alias("ip_address"),
        either(event["user_id"], None).alias("user_id"),
        either(event["action"], None).alias("json_action"),
        either(event["product_id"], None).alias("json_product_id"),
        either(None, F.get(words, F.lit(0))).alias("method"),
        either(None, target).alias("path"),
        either(None, _no_dash(log["referrer"])).alias("referrer"),
        _short(either(event["user_agent"], _no_dash(log["user_agent"]))).alias("user_agent"),
        either(event["status_code"], log["status_code"]).alias("status_text"),
        either(event["response_time"], None).alias("response_text"),
        either(None, _no_dash(log["bytes"])).alias("bytes_text"),
    )
    return known.withColumn("rule", _first_rule(rules)).select(
        "*",
        F.when(is_event, F.col("json_action")).when(is_log, _rule_action(rules)).alias("action"),
        F.when(is_event, F.col("json_product_id")).when(is_log, _rule_product(rules)).alias("raw_product_id"),
    )


def _types(fields: DataFrame) -> DataFrame:
    """Cast the fields; what cannot be read is null here and has a reason in :func:`_reject_reason`."""
    is_iso = F.col("is_event") & F.col("time").rlike(ISO_TIME)
    occurred_at = F.when(is_iso, F.col("time").try_cast("timestamp")).when(
        F.col("is_log_line") & F.col("time").rlike(IS_LOG_TIME), F.try_to_timestamp("time", F.lit(LOG_TIME))
    )
    seconds = F.when(F.col("response_text").rlike(DECIMAL), F.col("response_text").try_cast("double"))
    texts = F.concat_ws("", "json_event_id", "user_id", "ip_address", "action", "raw_product_id", "user_agent")
    has_escaped_nul = F.col("is_event") & _text().contains("\\u0000") & texts.contains(NUL)
    return fields.select(
        "*",
        occurred_at.alias("occurred_at"),
        F.when(F.col("raw_product_id") != "", F.col("raw_product_id")).alias("product_id"),
        F.col("status_text").try_cast("int").alias("status_code"),
        (seconds * 1000 + 0.5).try_cast("bigint").alias("response_ms"),
        F.col("bytes_text").try_cast("bigint").alias("bytes"),
        has_escaped_nul.alias("has_escaped_nul"),
    )


def _reject_reason(rules: UrlRules) -> Column:
    """The first reason that applies, in the order of ``contracts.REJECT_REASONS``; null for a good record.

    ``from_json`` keeps this step out of the code that Spark generates for the others. That is needed: with it, theirs
    would be a method too long for Java to compile, and parsing would take half as long again.
    """
    is_event, is_log = F.col("is_event"), F.col("is_log_line")
    is_bad_json = F.col("is_json") & ~is_event
    first_object = F.from_json(_text(), "struct<timestamp:string>", STRICT)
    first_object_ends = F.from_json(
        _text(), "struct<timestamp:string, broken:string>", {**STRICT, "columnNameOfCorruptRecord": "broken"}
    )
    is_trailing = F.when(is_bad_json, first_object.isNotNull() & first_object_ends["broken"].isNull())
    latest = F.unix_micros("ingested_at") + FUTURE_TOLERANCE_SECONDS * 1_000_000
    has_no_time = F.col("time").isNull() | (F.col("time") == "")
    has_no_ip = F.col("ip_address").isNull() | F.col("ip_address").isin("", "-")
    is_known = F.col("json_action").isin(*rules.actions)
    is_unknown = is_event & (F.col("json_action").isNull() | ~is_known)
    key_length = F.greatest(F.length("ip_address"), F.length("action"), F.length("product_id"))
    return (
        F.when(~F.col("is_utf8"), "invalid_utf8")
        .when((~is_event & _text().contains(NUL)) | F.col("has_escaped_nul"), "nul_character")
        .when(is_trailing, "trailing_bytes")
        .when(is_bad_json, "not_json")
        .when(~is_event & ~is_log, "not_a_log_line")
        .when(has_no_time, "missing_time")
        .when(F.col("occurred_at").isNull(), "unreadable_time")
        .when(F.col("occurred_at") < F.lit(EARLIEST_EVENT).cast("timestamp"), "time_too_old")
        .when(F.unix_micros("occurred_at") > latest, "time_in_future")
        .when(has_no_ip, "missing_ip")
        .when(~F.col("ip_address").rlike(IP_ADDRESS), "invalid_ip")
        .when(is_unknown, "unknown_action")
        .when(is_event & _has_wrong_type(), "wrong_type")
        .when(key_length > MAX_KEY_CHARACTERS, "key_too_long")
    )


def _has_wrong_type() -> Column:
    """A number that is none, a status that is no HTTP status, or an object or list where a text belongs."""
    status, response = F.col("status_text"), F.col("response_text")
    is_whole = (F.length(status) == 3) | status.rlike(WHOLE)  # a number from 100 in three characters is three digits
    is_status = F.coalesce(F.col("status_code").between(100, 599) & is_whole, F.lit(False))
    bad_status = status.isNotNull() & ~is_status
    bad_response = response.isNotNull() & F.col("response_ms").isNull() & ~response.rlike(DECIMAL)
    texts = ("json_event_id", "user_id", "json_product_id", "user_agent")
    looks_nested = F.lit(False)
    for name in texts:
        looks_nested = looks_nested | F.col(name).startswith("{") | F.col(name).startswith("[")
    nested = _text().rlike(r'"(?:event_id|user_id|product_id|user_agent)"\s*:\s*[\[{]')
    return F.coalesce(bad_status | bad_response | (looks_nested & nested), F.lit(False))


def _identify(judged: DataFrame) -> DataFrame:
    """Give each row its identity, window and day, and keep only bronze's columns."""
    is_good = F.col("reject_reason").isNull()
    position = F.concat_ws("-", "kafka_partition", "kafka_offset")
    given_id = F.coalesce(_no_blank(F.col("header_event_id")), _no_blank(F.col("json_event_id")))
    seconds = F.floor(F.unix_micros("occurred_at") / F.lit(1_000_000 * WINDOW_SECONDS)) * WINDOW_SECONDS
    window_start = F.when(is_good, F.timestamp_seconds(seconds))
    event_format = F.when(F.col("is_event"), FORMAT_JSON).when(F.col("is_log_line"), FORMAT_ACCESS_LOG)
    return (
        judged.withColumn("window_start", window_start)
        .withColumn("given_id", given_id)
        .withColumn("event_id", F.coalesce("given_id", position))
        .withColumn("event_key", F.when(is_good & given_id.isNotNull(), F.xxhash64("given_id", "window_start")))
        .withColumn("event_date", F.coalesce("window_start", "ingested_at").cast("date"))
        .withColumn("format", event_format)
        .select(*(name for name in names(BRONZE) if name != "batch" or name in judged.columns))
    )


def _text() -> Column:
    """The bytes as text. It stands wherever it is needed: this costs nothing, and a column would be copied."""
    return F.coalesce(F.col("value").cast("string"), F.lit(""))


def records_columns() -> tuple[str, ...]:
    """Return the columns of a record as it comes from Kafka."""
    return ("value", "header_event_id", "kafka_partition", "kafka_offset", "ingested_at")


def _first_rule(rules: UrlRules) -> Column:
    """Number of the first rule whose pattern is in ``path``, from 0; null where none is."""
    number = F.lit(None).cast("int")
    for position, rule in reversed(list(enumerate(rules.rules))):
        applies = F.col("path").rlike(UNIX_LINES + rule.pattern)
        if rule.method:
            applies = (F.col("method") == rule.method) & applies
        number = F.when(applies, F.lit(position)).otherwise(number)
    return F.when(F.col("path").isNotNull(), number)


def _rule_action(rules: UrlRules) -> Column:
    actions = [rule.action for rule in rules.rules]
    return F.coalesce(F.get(F.array(*map(F.lit, actions)), F.col("rule")), F.lit(OTHER)) if actions else F.lit(OTHER)


def _rule_product(rules: UrlRules) -> Column:
    product = F.lit(None).cast("string")
    for position, rule in enumerate(rules.rules):
        if rule.product_group and rule.action != ASSET:
            found = F.regexp_extract("path", UNIX_LINES + rule.pattern, rule.product_group)
            product = F.when(F.col("rule") == position, found).otherwise(product)
    return product


def _no_dash(text: Column) -> Column:
    return F.when(~text.isin("-", ""), text)


def _short(agent: Column) -> Column:
    may_be_long = F.octet_length(agent) > MAX_AGENT_CHARACTERS  # which costs nothing
    return F.when(may_be_long, F.left(agent, F.lit(MAX_AGENT_CHARACTERS))).otherwise(agent)


def _no_blank(text: Column) -> Column:
    return F.when(text != "", text)
