"""The edition of a ledger's counts, kept in the table's properties: see :mod:`lake.contracts.edition`."""

from __future__ import annotations

import datetime as dt

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.contracts import BRONZE_PARTITION, LEDGER_PARTITION
from lake.contracts.edition import EDITION_PROPERTY, UTC, ZONE, ZONES_PROPERTY, Edition, replay_advice
from lake.contracts.horizon import seconds_of
from lake.settings import Settings
from spark.tables.delta import is_empty, live_files, properties, set_properties, snapshot, writers_progress
from spark.tables.horizon import horizon_of


def note_edition(session: SparkSession, settings: Settings) -> None:
    """Write down the edition of a ledger that has none yet; one that has not counted anything gets today's.

    Call it before the columns of new measures are added: the edition is derived from the columns.
    """
    ledger = settings.ledger
    if not DeltaTable.isDeltaTable(session, ledger):
        return
    snapshot(session, ledger)
    if is_empty(session, ledger) and not any(name.startswith("silver:") for name in writers_progress(session, ledger)):
        write_edition(session, settings, Edition.of_today(settings))
    elif EDITION_PROPERTY not in properties(session, ledger):
        columns = session.read.format("delta").load(ledger).columns
        write_edition(session, settings, Edition.of_columns(columns))


def note_zones(session: SparkSession, settings: Settings) -> None:
    """Write down for good that times in bronze may be read by another zone than UTC, if one is set, or was before.

    Its rows stay where that zone had them, whatever is set later.
    """
    zones = {settings.log_timezone, counted_zone(session, settings)}
    if zones != {UTC} and not has_other_zones(session, settings):
        set_properties(session, settings.bronze, {ZONES_PROPERTY: " ".join(sorted(zones - {UTC}))})


def counted_zone(session: SparkSession, settings: Settings) -> str:
    """Return the time zone by which the ledger was counted."""
    noted = properties(session, settings.ledger).get(EDITION_PROPERTY)
    return Edition.parse(noted).settings.get(ZONE, UTC) if noted else UTC


def has_other_zones(session: SparkSession, settings: Settings) -> bool:
    """Return whether times in bronze may have been read by another zone than UTC."""
    return ZONES_PROPERTY in properties(session, settings.bronze)


def first_replayable(session: SparkSession, settings: Settings) -> dt.date | None:
    """Return the first day that can be counted again from bronze; None where all can."""
    horizon = horizon_of(session, settings)
    zones = has_other_zones(session, settings)
    return horizon.replayable(settings.future_seconds, zones) if horizon else None


def write_edition(session: SparkSession, settings: Settings, edition: Edition) -> None:
    """Write down by which edition all of the ledger is counted, in a commit of its own, unless it says so already."""
    text = edition.as_text()
    if properties(session, settings.ledger).get(EDITION_PROPERTY) != text:
        set_properties(session, settings.ledger, {EDITION_PROPERTY: text})


def edition_advice(session: SparkSession, settings: Settings, today: Edition) -> str | None:
    """Return what to run if the past was counted by another edition than today's; None if there is nothing to run.

    It costs a Spark job only if there is something to run.
    """
    noted = properties(session, settings.ledger).get(EDITION_PROPERTY)
    counted = Edition.parse(noted) if noted else today
    days = _days(session, settings) if counted.changes_to(today) else []
    return replay_advice(counted, today, days[0], days[-1], first_replayable(session, settings)) if days else None


def holds_all_windows(session: SparkSession, settings: Settings, first: int, end: int) -> bool:
    """Return whether a range (epoch seconds, ``end`` excluded) holds every window that can be replayed; one Spark job.

    Those of rejected records are among them, also where the ledger was counted without.
    """
    since = first_replayable(session, settings)
    window, arrival = F.unix_seconds("window_start"), F.unix_seconds("ingested_at")
    ledger = session.read.format("delta").load(settings.ledger).select(window.alias("second"))
    rejected = session.read.format("delta").load(settings.bronze).filter(F.col("reject_reason").isNotNull())
    seconds = ledger.unionAll(rejected.select(arrival.alias("second")))
    if since:
        seconds = seconds.filter(F.col("second") >= seconds_of(since))
    earliest, latest = seconds.agg(F.min("second"), F.max("second")).collect()[0]
    return earliest is None or bool(first <= earliest and latest < end)


def _days(session: SparkSession, settings: Settings) -> list[dt.date]:
    """Return the days that the ledger has, and those that bronze has, on some of which rejected records came; in order.

    A day may be there twice.
    """
    tables = {settings.ledger: LEDGER_PARTITION, settings.bronze: BRONZE_PARTITION}
    return sorted(
        dt.date.fromisoformat(file["partitionValues"][day])
        for path, day in tables.items()
        for file in live_files(session, path)[1]
    )
