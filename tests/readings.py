"""Lines of logs as the project reads them."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from frames import START, records
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.url_rules import UrlRules
from spark.events.parse import parse_records

COLUMNS = ("format", "path", "status_code", "user_agent", "referrer", "ip_address", "host", "response_ms")
VARIABLES = {
    "$scheme://$host$request_uri": "{url}",
    "$host:$server_port": "{host}",
    "$remote_addr": "{ip_address}",
    "$remote_user": "{user_id}",
    "$time_local": "{time}",
    "$msec": "{time}",
    "$request_method": "{method}",
    "$request_time": "{response_time}",
    "$upstream_addr": "{_text}",
    "$upstream_response_length": "{_numbers}",
    "$upstream_response_time": "{_numbers}",
    "$upstream_status": "{_numbers}",
    "$upstream_connect_time": "{_numbers}",
    "$request_length": "{_}",
    "$request_id": "{_}",
    "$request": "{request}",
    "$status": "{status_code}",
    "$body_bytes_sent": "{bytes}",
    "$http_referer": "{referrer}",
    "$http_user_agent": "{user_agent}",
    "$http_x_forwarded_for": "{forwarded_for}",
    "%v:%p": "{host}",
    "%{X-Forwarded-For}i": "{forwarded_for}",
    "%{Host}i": "{host}",
    "%{Referer}i": "{referrer}",
    "%{User-Agent}i": "{user_agent}",
    "%{us}T": "{response_us}",
    "%>s": "{status_code}",
    "%h": "{ip_address}",
    "%l": "{_}",
    "%u": "{user_id}",
    "%t": "[{time}]",
    "%r": "{request}",
    "%O": "{bytes}",
    "%B": "{bytes}",
    "%D": "{response_us}",
    '\\"': '"',
}


def read(
    session: SparkSession, rules: UrlRules, lines: Sequence[bytes], declared: Sequence[str | None] | None = None
) -> list[dict[str, object]]:
    """Return the columns of bronze for lines that were written just now.

    Args:
        session: Spark's.
        rules: Weblake's own.
        lines: As they stand in a log, or came from one.
        declared: For each line the server's own string for it, or None.
    """
    strings = [string and own_string(string) for string in declared or [None] * len(lines)]
    of_lines = session.createDataFrame(list(enumerate(strings)), "kafka_offset bigint, header_log_format string")
    plain = records(session, *lines, ingested=time.time() - START.timestamp()).drop("header_log_format")
    nothing = F.lit(None).cast("string")
    told = plain.join(of_lines, "kafka_offset").withColumns({"header_fields": nothing, "header_source": nothing})
    rows = parse_records(told, rules).orderBy("kafka_offset").select(*COLUMNS, "reject_reason").collect()
    return [row.asDict() for row in rows]


def own_string(string: str) -> str:
    """Return a string of nginx's or Apache's in Weblake's words."""
    return re.sub("|".join(map(re.escape, VARIABLES)), lambda found: VARIABLES[found[0]], string)
