"""Maintenance by hand: ``weblake maintain``.

The running stream is asked to do it between two batches; where none runs, it is done here, under the lock.
"""

from __future__ import annotations

from collections.abc import Callable

from lake.requests import MaintenanceAnswer, MaintenanceRequest, new_id
from lake.settings import Settings
from spark.commands.ask import carry_out


def maintain(settings: Settings, show: Callable[[MaintenanceAnswer], None]) -> MaintenanceAnswer:
    """Have all tables maintained, and return their sizes before and after; ``show`` is given how far it is.

    Raises:
        LakeError: it was refused.
    """
    return carry_out(settings, MaintenanceRequest(new_id()), MaintenanceAnswer, show)
