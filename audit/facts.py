"""What each valid row of bronze adds to each measure: from the columns that were parsed on arrival, or by the oracle.

Both give the same columns: see :data:`FACTS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from audit import oracle
from audit.oracle.clients import Clients
from audit.oracle.times import SECOND
from audit.scope import Scope
from lake.contracts import BEFORE_HORIZON, DIMENSIONS, LARGEST_AMOUNT, MEASURES, names
from lake.url_rules import UrlRules

MEASURE_NAMES = names(MEASURES)
HEADERS = ("declared", "source")
"""What came with a record, by which it is read."""
ORDER = ("batch", "kafka_partition", "kafka_offset")
"""Where a record lies; the first of equal events in this order counts."""
KEYS = {dimension.column: dimension.digits for dimension in DIMENSIONS.values() if dimension.column}
"""The columns that are keys of the ledger's dimensions, as text: a number with so many digits at least."""
UNKNOWN: dict[str, bool | float | int | str] = {
    dimension.column: dimension.unknown for dimension in DIMENSIONS.values() if dimension.column and dimension.unknown
}
"""What stands for the key of an event that has none, where it counts all the same."""
FACTS = ("window_start", "event_id", *ORDER, *KEYS, "is_bot", *MEASURE_NAMES)
IDENTITY = (
    "if(event_key is null and event_id = concat_ws('-', kafka_partition, kafka_offset), "
    "concat_ws(chr(0), '', batch, event_id), make_valid_utf8(event_id)) as event_id"
)
"""A record that was sent without an id is known by its batch and position, which no sent id can be equal to.

Rows of earlier versions may have an id in which bytes are no UTF-8.
"""
PARSED = {
    "events": "1",
    "views": "int(action = 'view_product')",
    "add_to_carts": "int(action = 'add_to_cart')",
    "checkouts": "int(action = 'checkout')",
    "client_errors": "int(coalesce(status_code >= 400 and status_code < 500, false))",
    "server_errors": "int(coalesce(status_code >= 500 and status_code < 600, false))",
    "payment_errors": "int(coalesce(action = 'checkout' and status_code >= 500 and status_code < 600, false))",
    "late_events": "int(timestampadd(minute, 10, occurred_at) < ingested_at)",
    "response_ms": f"if(response_ms <= {LARGEST_AMOUNT}, response_ms, 0)",
    "timed_events": f"int(coalesce(response_ms <= {LARGEST_AMOUNT}, false))",
    "bytes": f"if(bytes <= {LARGEST_AMOUNT}, bytes, 0)",
    "assets": "int(action = 'asset')",
    "robots_reads": "int(coalesce(path = '/robots.txt' or startswith(path, '/robots.txt?'), false))",
    "no_agent": "int(not has_agent)",
    "pages": "int(format <> 'json' and action <> 'asset' and not path <=> '' and not is_app)",
    "not_found": "int(coalesce(status_code = 404, false))",
    "probes": "int(action = 'probe' or (format <> 'json' and path is null))",
    "posts": "int(action = 'post')",
    "searches": "int(action = 'search')",
    "failed_checkouts": "int(coalesce(action = 'checkout' and status_code >= 400 and status_code < 600, false))",
    "crawler_events": "int(kind = 'crawler')",
    "tool_events": "int(kind = 'tool')",
    "impostor_events": "int(unix_micros(window_start) >= impostor_from and unix_micros(window_start) < impostor_until)",
    **{f"agents_{group}": f"int(coalesce(agent_group = {group}, false))" for group in range(4)},
}
"""What one event adds to each measure, in SQL over bronze's parsed columns and those of ``JUDGED``."""
AMOUNTS = ("response_ms", "bytes")
"""The measures to which one event can add more than one."""
JUDGED = pa.schema(
    [
        ("ip_address", pa.string()),
        ("agent", pa.string()),
        ("is_none", pa.bool_()),
        ("kind", pa.string()),
        ("impostor_from", pa.int64()),
        ("impostor_until", pa.int64()),
        ("has_agent", pa.bool_()),
        ("is_app", pa.bool_()),
        ("agent_group", pa.int32()),
        ("is_bot", pa.bool_()),
    ]
)
"""An address, an agent ('' where there ``is_none``), and what is known of such a client."""
MOST_BROADCAST = 200_000
"""So many pairs of an address and an agent take some 50 MB in each executor."""


def parsed_facts(bronze: DataFrame, clients: Clients, scope: Scope) -> DataFrame:
    """Return the facts of bronze's valid rows, from their parsed columns: one row each, in the columns of ``FACTS``."""
    valid = bronze.filter(f"reject_reason is null and {scope.in_spark('window_start')}").fillna(UNKNOWN)
    pairs = valid.selectExpr("ip_address", "coalesce(user_agent, '') as agent", "user_agent is null as is_none")
    judged = pairs.distinct().mapInArrow(partial(_judged, clients), from_arrow_schema(JUDGED)).localCheckpoint()
    if judged.count() <= MOST_BROADCAST:
        judged = judged.hint("broadcast")
    measures = [f"{PARSED[name]} as {name}" for name in MEASURE_NAMES]
    same = ["ip_address", "agent", "is_none"]
    rows = valid.withColumns({"agent": F.coalesce("user_agent", F.lit("")), "is_none": F.col("user_agent").isNull()})
    keys = [_as_key(name, digits) for name, digits in KEYS.items()]
    return (
        rows.join(judged, same).selectExpr("window_start", IDENTITY, *ORDER, *keys, "is_bot", *measures).select(*FACTS)
    )


def read_again(bronze: DataFrame, rules: UrlRules, clients: Clients, before: float | None = None) -> DataFrame:
    """Return what the oracle reads in bronze's raw bytes: one row for each row, valid or not.

    The columns of ``FACTS``, and ``reject_reason`` and ``format`` (the oracle's), ``stored_reason``, ``stored_window``,
    ``ingested_at``. Of a rejected row the window is null. One that has no bytes, because an erasure emptied it or
    because it came without, has the reason and the format that are stored. So has one that lay before the horizon when
    it came, if by its bytes it is of a time before ``before`` (epoch seconds), or no event.
    """
    raw = bronze.selectExpr(
        *("value", "unix_micros(ingested_at) as ingested", IDENTITY, *ORDER),
        *header_columns(bronze),
        *("reject_reason as stored_reason", "format as stored_format", "unix_micros(window_start) as stored_window"),
    )
    measures = ", ".join(f"{name} bigint" for name in MEASURE_NAMES)
    keys = ", ".join(f"{name} string" for name in KEYS)
    schema = (
        "window bigint, event_id string, batch bigint, kafka_partition int, kafka_offset bigint, "
        f"{keys}, is_bot boolean, {measures}, "
        "reject_reason string, format string, stored_reason string, stored_window bigint, ingested bigint"
    )

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        reader = oracle.Oracle(rules, clients)
        for batch in batches:
            yield _read_batch(reader, batch, before)

    records = raw.mapInArrow(read, schema).withColumn("window_start", F.expr("timestamp_micros(window)"))
    return records.selectExpr(
        *(*FACTS, "reject_reason", "format", "stored_reason"),
        "timestamp_micros(stored_window) as stored_window",
        "timestamp_micros(ingested) as ingested_at",
    )


def header_columns(bronze: DataFrame) -> list[str]:
    """Return what came with records and says how to read them, in SQL; the table may be of an earlier version."""
    return [name if name in bronze.columns else f"string(null) as {name}" for name in HEADERS]


def _read_batch(reader: oracle.Oracle, batch: pa.RecordBatch, before: float | None) -> pa.RecordBatch:
    texts = ("value", "ingested", *HEADERS, "stored_reason", "stored_format")
    columns = {name: batch.column(name).to_pylist() for name in texts}
    records = zip(columns["value"], columns["ingested"], *(columns[name] for name in HEADERS), strict=True)
    events = [reader.read(value, at, declared=declared, source=source) for value, at, declared, source in records]
    for event, value, reason, name in zip(
        events, columns["value"], columns["stored_reason"], columns["stored_format"], strict=True
    ):
        if (not value and reason) or (reason == BEFORE_HORIZON and _may_lie_before(event, before)):
            event.reject_reason, event.format = reason, name
    pairs = list(zip(events, columns["ingested"], strict=True))

    def whole(values: Iterable[int | None]) -> pa.Array:
        return pa.array([None if value is None else int(value) for value in values], pa.int64())

    def text(values: Iterable[str | None]) -> pa.Array:
        return pa.array(list(values), pa.string())

    is_good = [event.reject_reason is None for event in events]
    read = {
        "window": whole(event.window if good else None for event, good in zip(events, is_good, strict=True)),
        "event_id": text(map(_identity, batch.column("event_id").to_pylist(), events)),
        **{name: batch.column(name) for name in ORDER},
        **{name: text(_key(event, name) for event in events) for name in KEYS},
        "is_bot": pa.array([event.client.is_bot for event in events], pa.bool_()),
        **{
            name: whole(oracle.MEASURES[name](event, at) if event.reject_reason is None else 0 for event, at in pairs)
            for name in MEASURE_NAMES
        },
        "reject_reason": text(event.reject_reason for event in events),
        "format": text(event.format for event in events),
        "stored_reason": batch.column("stored_reason"),
        "stored_window": batch.column("stored_window"),
        "ingested": batch.column("ingested"),
    }
    return pa.RecordBatch.from_arrays(list(read.values()), names=list(read))


def _may_lie_before(event: oracle.Event, second: float | None) -> bool:
    """Say whether an event may have happened before a second. Of what is no event any more, nobody knows."""
    return second is not None and (event.reject_reason is not None or (event.time or 0) < second * SECOND)


def _identity(known: str, event: oracle.Event) -> str:
    """Return the id that a record was sent with. On arrival nobody may have been able to read it."""
    return known if not known.startswith("\0") else event.given_id or known


def _as_key(name: str, digits: int) -> str:
    text = f"string({name})"
    return f"lpad({text}, greatest({digits}, length({text})), '0') as {name}" if digits else f"{text} as {name}"


def _key(event: oracle.Event, name: str) -> str | None:
    key = getattr(event, name)
    if key is None:
        return str(UNKNOWN[name]) if name in UNKNOWN else None
    return str(key).zfill(KEYS[name])


def _judged(clients: Clients, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        pairs = batch.to_pylist()
        judged = [clients.of(pair["ip_address"], None if pair["is_none"] else pair["agent"]) for pair in pairs]
        known = [{**pair, **asdict(client)} for pair, client in zip(pairs, judged, strict=True)]
        yield pa.RecordBatch.from_pylist(known, schema=JUDGED)
