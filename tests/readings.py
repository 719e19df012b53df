"""Lines of logs as the project reads them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from frames import START, records
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.formats.strings.dialects import log_string
from lake.url_rules import UrlRules
from spark.events.parse import parse_records

COLUMNS = ("format", "path", "status_code", "user_agent", "referrer", "ip_address", "host", "response_ms")


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
    strings = [string and log_string(string) for string in declared or [None] * len(lines)]
    of_lines = session.createDataFrame(list(enumerate(strings)), "kafka_offset bigint, header_log_format string")
    plain = records(session, *lines, ingested=time.time() - START.timestamp())
    nothing = F.lit(None).cast("string")
    told = plain.join(of_lines, "kafka_offset").withColumns({"header_fields": nothing, "header_source": nothing})
    rows = parse_records(told, rules).orderBy("kafka_offset").select(*COLUMNS, "reject_reason").collect()
    return [row.asDict() for row in rows]
