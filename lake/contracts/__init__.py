"""What the parts of Weblake promise each other, written once: tables, keys, measures, words.

The Delta tables, the mirror's SQL and dbt's sources are all made from these lists. Types are Spark SQL's;
:func:`postgres_type` gives PostgreSQL's.
"""

from lake.contracts.bronze import BRONZE, BRONZE_PARTITION
from lake.contracts.charts import CHARTS, Chart
from lake.contracts.columns import Column, names, postgres_type, spark_schema
from lake.contracts.ledger import COUNTS, DIMENSIONS, LEDGER, LEDGER_KEY, LEDGER_PARTITION, MEASURES, Dimension, Measure
from lake.contracts.marts import SHARED_COLUMNS
from lake.contracts.mirror import BOOKMARK, MIRROR, MIRROR_SCHEMA, VERDICTS
from lake.contracts.vocabulary import (
    ADD_TO_CART,
    AGENT_GROUPS,
    ASSET,
    BY_REPLAY,
    BY_STREAM,
    BY_VERDICT,
    CHECKOUT,
    CONVICTED,
    EARLIEST_EVENT,
    ERASED,
    FUTURE_TOLERANCE_SECONDS,
    LARGEST_AMOUNT,
    LATE_AFTER_SECONDS,
    MAX_AGENT_CHARACTERS,
    MAX_KEY_CHARACTERS,
    OTHER,
    PARDONED,
    POST,
    PROBE,
    REJECT_REASONS,
    RELEASED,
    SEARCH,
    TOPIC_PARTITIONS,
    VIEW,
    WINDOW_SECONDS,
)

__all__ = [
    "ADD_TO_CART",
    "AGENT_GROUPS",
    "ASSET",
    "BOOKMARK",
    "BRONZE",
    "BRONZE_PARTITION",
    "BY_REPLAY",
    "BY_STREAM",
    "BY_VERDICT",
    "CHARTS",
    "CHECKOUT",
    "CONVICTED",
    "COUNTS",
    "DIMENSIONS",
    "EARLIEST_EVENT",
    "ERASED",
    "FUTURE_TOLERANCE_SECONDS",
    "LARGEST_AMOUNT",
    "LATE_AFTER_SECONDS",
    "LEDGER",
    "LEDGER_KEY",
    "LEDGER_PARTITION",
    "MAX_AGENT_CHARACTERS",
    "MAX_KEY_CHARACTERS",
    "MEASURES",
    "MIRROR",
    "MIRROR_SCHEMA",
    "OTHER",
    "PARDONED",
    "POST",
    "PROBE",
    "REJECT_REASONS",
    "RELEASED",
    "SEARCH",
    "SHARED_COLUMNS",
    "TOPIC_PARTITIONS",
    "VERDICTS",
    "VIEW",
    "WINDOW_SECONDS",
    "Chart",
    "Column",
    "Dimension",
    "Measure",
    "names",
    "postgres_type",
    "spark_schema",
]
