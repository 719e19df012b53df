"""The horizon of a lake, as bronze's properties have it: see :mod:`lake.contracts.horizon`. No function needs a job."""

from __future__ import annotations

from dataclasses import replace

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from lake.contracts.horizon import Horizon, read_horizon
from lake.errors import LakeError
from lake.settings import Settings
from spark.tables.delta import properties, set_properties, snapshot, writers_progress


def horizon_of(session: SparkSession, settings: Settings) -> Horizon | None:
    """Return the horizon as this process last read or wrote it; None where bronze has all of its rows."""
    return read_horizon(properties(session, settings.bronze))


def require_past(session: SparkSession, settings: Settings) -> None:
    """Refuse to count a ledger from the start if bronze no longer has what that takes.

    Raises:
        LakeError: it has not, and nobody has said that the ledger may do without.
    """
    horizon = horizon_of(session, settings)
    if horizon is None or not horizon.sums or _is_counted(session, settings.ledger):
        return
    events = sum(horizon.sums.get(f"all, {side}", {}).get("events", 0) for side in ("bot", "human"))
    raise LakeError(
        f"the ledger {settings.ledger} is gone, and bronze cannot make it again: it begins at {horizon.day}, and "
        f"{events:,} events of earlier days were in the ledger alone. Put the ledger back from a backup; or, to do "
        "without what came before, run `make rebuild FROM_HORIZON=1`"
    )


def give_up_past(session: SparkSession, settings: Settings) -> None:
    """Let the ledger be counted from the horizon on: what it had of the days before is no longer asked for."""
    if not DeltaTable.isDeltaTable(session, settings.bronze):
        return
    snapshot(session, settings.bronze)
    horizon = horizon_of(session, settings)
    if horizon and not _is_counted(session, settings.ledger):
        set_properties(session, settings.bronze, replace(horizon, sums={}).as_property())


def _is_counted(session: SparkSession, ledger: str) -> bool:
    return DeltaTable.isDeltaTable(session, ledger) and any(
        writer.startswith("silver:") for writer in writers_progress(session, ledger)
    )
