"""The lake's part of ``weblake erase``, while no stream runs.

What Kafka holds is taken in and counted first; then the client is erased from bronze, the ledger and the records of
replays, and PostgreSQL's counts are filled again.
"""

from __future__ import annotations

from lake.contracts.records import ErasureRecord
from lake.settings import Settings
from lake.space import require_space
from spark import failpoints
from spark.commands.writer import writer
from spark.errands.erasure import erase_on_record
from spark.pipeline import Pipeline

LOCK_WAIT_SECONDS = 30.0


def erase_from_lake(settings: Settings, address: str, reason: str) -> ErasureRecord:
    """Erase a client, and return the record of it.

    Raises:
        LockedError: somebody else writes the lake.
        SpaceError: the disk is nearly full.
    """
    require_space(settings, "no erasure begins")
    failpoints.arm(settings.fail_at)
    with writer(settings, "erase", "an erasure (weblake erase)", LOCK_WAIT_SECONDS) as session:
        Pipeline(session, settings).drain()
        record = erase_on_record(session, settings, address, reason)
        Pipeline(session, settings).rebuild()
    return record
