"""The rows of bronze that are a client's, however its address is spelled and whoever stood before it."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from audit.facts import HEADERS, header_columns
from audit.oracle import Oracle
from lake.addresses import address_pattern
from lake.url_rules import UrlRules

LATEST = 2**62
COLUMNS = ("value", "product_id", "occurred_at", "kafka_offset", "reject_reason", "user_agent", "window_start")


def records_of(bronze: DataFrame, client: str, rules: UrlRules) -> DataFrame:
    """Return those rows, in the columns of ``COLUMNS`` and ``was_own``.

    They are the client's by their columns (``was_own``), as they were read on arrival, or by their bytes under today's
    rules.
    """
    pattern = address_pattern(client)
    texts = F.concat_ws("\n", F.col("value").cast("string"), "ip_address")
    was_own = F.coalesce(F.col("ip_address").rlike(rf"^{pattern}\z"), F.lit(False)).alias("was_own")
    headers = map(F.expr, header_columns(bronze))
    named = bronze.filter(texts.rlike(pattern)).select(*COLUMNS, *headers, was_own)

    def own(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        reader = Oracle(rules)
        for batch in batches:
            rows = zip(*(batch.column(name).to_pylist() for name in ("value", *HEADERS, "was_own")), strict=True)
            is_own = [
                was or reader.read(value, LATEST, declared=declared, source=source).ip_address == client
                for value, declared, source, was in rows
            ]
            yield batch.filter(pa.array(is_own, pa.bool_()))

    return named.mapInArrow(own, named.schema).drop(*HEADERS)
