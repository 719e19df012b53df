"""The pieces of a replay: parts of its range, each small enough to be done between two live batches."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.addresses import address_pattern
from lake.contracts import WINDOW_SECONDS
from lake.requests import ReplayRequest
from lake.settings import Settings
from lake.url_rules import UrlRules
from spark.errands.corrections import counted_in, rows_in_reach, within
from spark.events.parse import parse_all_again
from spark.events.rejections import ingestion_window

HOUR_SECONDS = 3600
ROWS_PER_PIECE = 300_000


def pieces(session: SparkSession, settings: Settings, rules: UrlRules, request: ReplayRequest) -> list[tuple[int, int]]:
    """Split a range into pieces of about ``ROWS_PER_PIECE`` rows: first window and end, exclusive.

    The pieces cover the whole range; with a client, only the hours in which its records were counted on arrival, or are
    by today's rules. A row that was rejected, or is of another day, is read for the window in which Kafka took it, too.
    """
    bronze = session.read.format("delta").load(settings.bronze)
    rows = bronze.filter(within("event_date", (request.first, request.end)))
    windows = rows.select("window_start")
    if request.client:
        reach = rows_in_reach(session, settings, rules, (request.first, request.end))
        own = _windows_of(request.client, reach, rules, request)
        hour = F.date_trunc("hour", "window_start").alias("hour")
        hours = F.broadcast(own.select(hour).distinct())
        windows = windows.withColumn("hour", hour).join(hours, "hour", "left_semi").drop("hour").unionAll(own)
    else:
        came_in = F.col("ingested_at").between(*(F.timestamp_seconds(F.lit(at)) for at in (request.first, request.end)))
        is_elsewhere = F.col("reject_reason").isNotNull() | (F.col("event_date") != F.col("ingested_at").cast("date"))
        others = bronze.filter(came_in & is_elsewhere).select(ingestion_window().alias("window_start"))
        windows = windows.unionAll(others)
    window = F.unix_seconds("window_start").alias("window")
    counted = windows.groupBy(window).count().orderBy("window").collect()
    sizes = [(int(row["window"]), int(row["count"])) for row in counted]
    return _split(sizes, None if request.client else (request.first, request.end))


def _windows_of(client: str, rows: DataFrame, rules: UrlRules, request: ReplayRequest) -> DataFrame:
    """Return the windows of the request in which a client's rows were counted on arrival, or are by these rules."""
    texts = F.concat_ws("\n", F.col("value").cast("string"), "ip_address")
    own = rows.filter(texts.rlike(address_pattern(client)))
    readings = (own, parse_all_again(own, rules))
    then, now = (counted_in(rows, (request.first, request.end)).select("window_start") for rows in readings)
    return then.unionAll(now).distinct().localCheckpoint()


def _split(sizes: list[tuple[int, int]], whole: tuple[int, int] | None) -> list[tuple[int, int]]:
    """Split windows with their numbers of rows, in order. With ``whole`` the pieces leave no gap in it."""
    starts: list[int] = []
    ends: list[int] = []
    rows = 0
    for window, count in sizes:
        has_gap = whole is None and bool(ends) and window - ends[-1] >= HOUR_SECONDS
        if not starts or rows + count > ROWS_PER_PIECE or has_gap:
            starts.append(window)
            ends.append(window)
            rows = 0
        ends[-1] = window + WINDOW_SECONDS
        rows += count
    if whole:
        starts = [whole[0], *starts[1:]]
        ends = [*starts[1:], whole[1]]
    return list(zip(starts, ends, strict=True))
