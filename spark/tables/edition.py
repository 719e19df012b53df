"""The edition of a ledger's counts, kept in the table's properties: see :mod:`lake.contracts.edition`."""

from __future__ import annotations

import datetime as dt

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.contracts import LEDGER_PARTITION
from lake.contracts.edition import EDITION_PROPERTY, FIRST_DAY, OF_READING, Edition, replay_advice
from lake.settings import Settings
from spark.tables.delta import is_empty, live_files, properties, set_properties, snapshot


def note_edition(session: SparkSession, settings: Settings) -> None:
    """Write down the edition of a ledger that has none yet; a lake without rows gets today's.

    Call it before the columns of new measures are added: the edition is derived from the columns.
    """
    ledger = settings.ledger
    if not DeltaTable.isDeltaTable(session, ledger):
        return
    snapshot(session, ledger)
    if is_empty(session, ledger) and _has_no_rows(session, settings.bronze):
        write_edition(session, settings, Edition.of_today(settings))
    elif EDITION_PROPERTY not in properties(session, ledger):
        columns = session.read.format("delta").load(ledger).columns
        write_edition(session, settings, Edition.of_columns(columns))


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
    changes = Edition.parse(noted).changes_to(today) if noted else []
    days = _days(session, settings) if changes else []
    if not days and OF_READING in changes:
        days = [FIRST_DAY]  # all that came was rejected
    return replay_advice(changes, days[0], days[-1]) if days else None


def holds_all_windows(session: SparkSession, settings: Settings, first: int, end: int) -> bool:
    """Return whether a range (epoch seconds, ``end`` excluded) holds every window of the ledger; one Spark job."""
    window = F.unix_seconds("window_start")
    ledger = session.read.format("delta").load(settings.ledger)
    earliest, latest = ledger.agg(F.min(window), F.max(window)).collect()[0]
    return earliest is None or bool(first <= earliest and latest < end)


def _has_no_rows(session: SparkSession, bronze: str) -> bool:
    return not DeltaTable.isDeltaTable(session, bronze) or is_empty(session, bronze)


def _days(session: SparkSession, settings: Settings) -> list[dt.date]:
    """Return the days that the ledger has, in order."""
    _, files = live_files(session, settings.ledger)
    return sorted({dt.date.fromisoformat(file["partitionValues"][LEDGER_PARTITION]) for file in files})
