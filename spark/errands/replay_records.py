"""What is on record of replays, and which windows the ledger has as one of them read them."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contracts import BY_REPLAY, LEDGER_KEY, MEASURES, names
from lake.contracts.records import Correction, ReplayRecord, as_replay, as_text
from lake.errors import LakeError
from lake.requests import ReplayRequest
from lake.settings import Settings
from spark.tables.storage import list_texts, read_text, write_text

MOST_SHOWN = 200
KEY = [name for name in names(LEDGER_KEY) if name != "window_start"]


def replays(session: SparkSession, settings: Settings) -> list[ReplayRecord]:
    """Return the records of all replays, oldest first."""
    return [as_replay(text) for text in list_texts(session, settings.replays)]


def summaries(session: SparkSession, settings: Settings) -> dict[str, ReplayRecord]:
    """Return id -> record of all replays, oldest first, without the corrections that they show."""
    return {record.id: replace(record, shown=()) for record in replays(session, settings)}


def read_replay(session: SparkSession, settings: Settings, replay_id: str) -> ReplayRecord | None:
    """Return the record of a replay; None where there is none yet."""
    text = read_text(session, _path(settings, replay_id))
    return None if text is None else as_replay(text)


def write_replay(session: SparkSession, settings: Settings, record: ReplayRecord) -> None:
    """Put a replay on record."""
    write_text(session, _path(settings, record.id), as_text(record))


def _path(settings: Settings, replay_id: str) -> str:
    return f"{settings.replays}/{replay_id}.json"


def entry_of(replay_id: str) -> str:
    """Return the id of a replay's entry in the ledger."""
    return f"replay-{replay_id}"


def void_ids(records: list[ReplayRecord]) -> set[str]:
    """Return the ids of the replays that no longer hold: those that were undone, and the undoing itself.

    An undoing that was undone has taken nothing back.
    """
    undone: set[str] = set()
    for record in reversed(records):
        if record.undo and record.id not in undone:
            undone.add(record.undo)
    return undone | {record.id for record in records if record.undo}


def corrected_windows(session: SparkSession, settings: Settings, entries: DataFrame) -> DataFrame:
    """Return the windows (one column, ``window_start``) that a replay has corrected which still holds.

    All other windows are counted by the columns of their rows' arrival.

    Args:
        session: The Spark session.
        settings: Where the records are.
        entries: Some of the ledger's.
    """
    void_entries = [entry_of(replay_id) for replay_id in void_ids(replays(session, settings))]
    holds = (F.col("cause") == BY_REPLAY) & ~F.col("entry").isin(void_entries)
    return entries.filter(holds).select("window_start").distinct()


def undone_replay(records: list[ReplayRecord], request: ReplayRequest) -> ReplayRecord:
    """Return the replay that is to be undone.

    Raises:
        LakeError: there is no such replay, or it holds no longer.
    """
    replay = next((record for record in records if record.id == request.undo), None)
    if replay is None:
        raise LakeError(f"there is no replay {request.undo!r}; `make replays` lists them")
    undoing = next((record for record in records if record.undo == request.undo), None)
    if undoing:
        raise LakeError(f"replay {request.undo} was already undone by {undoing.id}; undo {undoing.id} to bring it back")
    return replay


def totals(corrections: DataFrame) -> dict[str, int]:
    """Return what corrections add to each measure, in dimension ``all``."""
    sums = [F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in names(MEASURES)]
    return dict(corrections.filter(F.col("dimension") == "all").agg(*sums).collect()[0].asDict())


def number_of_keys(corrections: DataFrame) -> int:
    """Return how many keys are corrected, over all windows."""
    return _by_key(corrections).count()


def largest(corrections: DataFrame) -> tuple[Correction, ...]:
    """Return the keys that are corrected most, over all windows."""
    size = F.greatest(*(F.abs(name) for name in names(MEASURES)))
    rows = _by_key(corrections).orderBy(size.desc(), *KEY).limit(MOST_SHOWN).collect()
    return tuple(
        Correction(
            dimension=row["dimension"],
            key=row["key"],
            is_bot=row["is_bot"],
            measures={name: row[name] for name in names(MEASURES) if row[name]},
        )
        for row in rows
    )


def _by_key(corrections: DataFrame) -> DataFrame:
    sums = [F.sum(name).alias(name) for name in names(MEASURES)]
    return corrections.groupBy(*KEY).agg(*sums)
